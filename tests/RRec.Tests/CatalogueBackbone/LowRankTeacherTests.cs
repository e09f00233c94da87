using RRec.CatalogueBackbone;
using RRec.Data;
using static TorchSharp.torch;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>What large catalogues use must be the dense teacher's arithmetic wherever both can run.</summary>
public sealed class LowRankTeacherTests
{
    private static readonly PurchaseRow[] Rows = Cinema.Rows(40, 3);
    private static readonly PurchaseSequences Sequences = PurchaseSequences.From(Rows, Cinema.Catalogue.Count);
    private static readonly CatalogueBackboneOptions Exact = Cinema.Recipe with { LargeTeacherRank = 120, NextItemWeight = 0 };

    [Fact]
    public void Products_from_sequences_equal_products_of_the_count_matrices()
    {
        const int window = 3, next = 2, m = 37;
        int n = Cinema.Catalogue.Count;
        (float[] histories, float[] toNext) = CoOccurrence.Histories(Sequences, window, 0.8, next);
        float[] users = CoOccurrence.Users(Sequences);
        Random random = new(1);
        float[] x = [.. Enumerable.Range(0, n * m).Select(_ => random.NextSingle() - 0.5f)];
        SequenceProducts products = new(Sequences, window, 0.8, next);
        Equal(Times(users, x, transposed: false), products.Users(x, m));
        Equal(Times(histories, x, transposed: false), products.Histories(x, m));
        Equal(Times(toNext, x, transposed: false), products.ToNext(x, m));
        Equal(Times(toNext, x, transposed: true), products.FromNext(x, m));
        Assert.Equal(Enumerable.Range(0, n).Sum(i => (double)histories[i * n + i]), products.HistoryTrace(), 0.01);

        float[] Times(float[] matrix, float[] vectors, bool transposed)
        {
            float[] result = new float[n * m];
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    for (int c = 0; c < m; c++) result[i * m + c] += (transposed ? matrix[j * n + i] : matrix[i * n + j]) * vectors[j * m + c];
            return result;
        }
        static void Equal(float[] expected, float[] actual)
        {
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-3f);
        }
    }

    [Fact]
    public void With_enough_rank_it_scores_as_the_dense_teacher_does()
    {
        TextVectors text = TextSimilarity.Vectors(Cinema.Catalogue);
        ItemItemModel dense = LinearTeacher.Fit(Sequences, text, Exact), low = LowRankTeacher.Fit(Sequences, text, Exact);
        foreach (PurchaseRow row in Rows.Where((_, i) => i % 17 == 0))
        {
            float[] expected = dense.Score(row.History.Items.Span), actual = low.Score(row.History.Items.Span);
            float[] some = new float[3];
            low.AddScores(row.History.Items.Span, [5, row.History.Items.Span[0], 59], some);
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 2e-3f);
            Assert.Equal([actual[5], actual[row.History.Items.Span[0]], actual[59]], some, (a, b) => Math.Abs(a - b) < 1e-4f);
        }
    }

    [Fact]
    public void Its_matrix_products_are_those_of_its_scores()
    {
        ItemItemModel low = LowRankTeacher.Fit(Sequences, TextSimilarity.Vectors(Cinema.Catalogue), Exact with { LargeTeacherRank = 8, NextItemWeight = 0.4 });
        int n = low.ItemCount;
        using var scope = NewDisposeScope();
        float[] product = low.Weights.Times(eye(n)).data<float>().ToArray(), transposed = low.Weights.TransposedTimes(eye(n)).data<float>().ToArray();
        for (int i = 0; i < n; i++)
        {
            float[] row = low.Score([i]);   // one purchase, age 0: row i of W
            for (int j = 0; j < n; j++)
            {
                Assert.Equal(row[j], product[i * n + j], 1e-4f);
                Assert.Equal(row[j], transposed[j * n + i], 1e-4f);
            }
        }
    }

    [Fact]
    public void The_next_item_part_ranks_like_the_dense_one()
    {
        TextVectors text = TextSimilarity.Vectors(Cinema.Catalogue);
        CatalogueBackboneOptions options = Cinema.Recipe with { LargeTeacherRank = 60 };
        PurchaseRow[] asked = [.. Cinema.Rows(60, 9).Where(r => r.History.Items.Length >= 3)];
        double dense = Cinema.Ndcg(LinearTeacher.Fit(Sequences, text, options).TargetRanks(asked)), low = Cinema.Ndcg(LowRankTeacher.Fit(Sequences, text, options).TargetRanks(asked));
        Assert.InRange(low, 0.95 * dense, 1.05 * dense);
    }
}
