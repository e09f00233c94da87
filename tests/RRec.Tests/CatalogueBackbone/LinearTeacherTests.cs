using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.TestSupport;

namespace RRec.Tests.CatalogueBackbone;

public sealed class LinearTeacherTests
{
    [Fact]
    public void Ease_predicts_each_item_from_the_others_as_ridge_regression_does()
    {
        // The ridge solution's defining property: X'(X - XB) = ridge B off the diagonal, and B has a zero diagonal.
        PurchaseRow[] rows = Cinema.Rows(60, 1);
        ItemItemModel ease = LinearTeacher.FitEase(Cinema.Catalogue, rows, new CatalogueBackboneOptions { EaseRidge = 5 });
        int n = 60;
        double[,] gram = new double[n, n];
        foreach (var user in rows.GroupBy(r => r.User))
        {
            PurchaseRow last = user.MaxBy(r => r.History.Items.Length)!;
            int[] all = [.. last.History.Items.Span, last.Target];
            foreach (int a in all) foreach (int b in all) gram[a, b]++;
        }
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
            {
                double weight = ((DenseWeights)ease.Weights).Values[i * n + j];
                if (i == j)
                {
                    Assert.Equal(0, weight);
                    continue;
                }
                double left = gram[i, j];
                for (int k = 0; k < n; k++) left -= gram[i, k] * ((DenseWeights)ease.Weights).Values[k * n + j];
                Assert.Equal(5 * weight, left, 3);
            }
    }

    [Fact]
    public void Text_alone_recommends_what_shares_words()
    {
        float[] similarity = TextSimilarity.Vectors(new Catalogue([new("a", "red shoe", []), new("b", "Blue SHOE", []), new("c", "kettle", [])])).Similarity();
        Assert.True(similarity[1] > 0.2);
        Assert.Equal(0, similarity[2]);
        Assert.Equal(0, similarity[0]);
        Assert.Equal(similarity[1], similarity[3], 6);
    }

    [Fact]
    public void Scores_are_decayed_sums_and_ties_count_against_the_target()
    {
        ItemItemModel model = new([0, 1, 2, 4, 0, 1, 0, 0, 0], 3, 2, 0.5);
        Assert.Equal([4, 0.5f, 2], model.Score([2, 0, 1]));   // the window is 2: item 2 is forgotten
        PurchaseRow row = new(new UserHistory(new[] { 0 }), 1);
        Assert.Equal([2], model.TargetRanks([row]));
        Assert.Equal([3], new ItemItemModel(new float[9], 3, 2, 0.5).TargetRanks([new(new UserHistory(Array.Empty<int>()), 1)]));
    }

    [Fact]
    public void Recent_popularity_forgets_what_is_long_ago()
    {
        const long day = 86_400_000;
        PurchaseRow[] train = [new(new UserHistory(new[] { 0 }, default, new[] { 0L }, day), 1), new(new UserHistory(new[] { 0 }, default, new[] { 99 * day }, 100 * day), 2)];
        RecentPopularity recent = RecentPopularity.Fit(new Catalogue([new("a", "a", []), new("b", "b", []), new("c", "c", [])]), train, days: 10);
        Assert.Equal([2, 3], recent.TargetRanks([new(default, 2), new(default, 1)]));
    }

    [Fact]
    public void The_protocol_gives_the_recorded_numbers_of_rows()
    {
        MovieLens data = MovieLens.Load(MovieLens.DefaultFolder(Goldens.RepositoryRoot));
        Assert.Equal((3650, 71_731, 8_966, 8_967), (data.Catalogue.Count, data.Train.Count, data.Valid.Count, data.Test.Count));
        Assert.Equal((514, 62, 81), (Users(data.Train), Users(data.Valid), Users(data.Test)));

        static int Users(IReadOnlyList<PurchaseRow> rows) => rows.Select(r => r.User).Distinct().Count();
    }
}
