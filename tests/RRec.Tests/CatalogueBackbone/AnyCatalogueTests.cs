using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>Shops of any kind: what there is to learn from, the wired backbone must use, before any training.</summary>
public sealed class AnyCatalogueTests
{
    private static (double Model, double Popularity) Ndcg(Catalogue catalogue, PurchaseRow[] train, PurchaseRow[] asked, CatalogueBackboneOptions options)
    {
        using Cinema.Folder folder = new();
        using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(catalogue, train, options, folder.Path);
        using R2ecModel model = R2ecModel.Open(folder.Path, catalogue, new R2ecSettings { MaxNewTokens = 8 });
        IReadOnlyList<Recommendation> answers = model.Recommend([.. asked.Select(r => r.History)], new RecommendRequest { K = 1, Labels = [.. asked.Select(r => r.Target)] });
        return (Cinema.Ndcg(answers.Select(a => a.LabelRank!.Value)), Cinema.Ndcg(RecentPopularity.Fit(catalogue, train).TargetRanks(asked)));
    }

    private static PurchaseRow[] Asked(int seed) => [.. Cinema.Rows(40, seed).Where(r => r.History.Items.Length >= 3)];

    [Fact]
    public void Ids_alone_are_enough_where_purchases_tell()
    {
        Catalogue catalogue = new([.. Enumerable.Range(0, 60).Select(i => new CatalogueItem($"m{i}", $"{i * 7919 % 100003}", []))]);
        (double model, double popularity) = Ndcg(catalogue, Cinema.Rows(80, 1), Asked(2), Cinema.Recipe);
        Assert.True(model > 2 * popularity, $"{model:0.000} against popularity's {popularity:0.000}");
    }

    [Fact]
    public void Text_alone_is_enough_where_every_user_bought_two_things()
    {
        // 240 items of 12 themes; two purchases of one theme each, hardly ever the same pair: there is next to no co-occurrence.
        string[] themes = ["garden", "kettle", "saddle", "anchor", "violin", "candle", "hammer", "pillow", "lantern", "compass", "teapot", "ladder"];
        Catalogue catalogue = new([.. Enumerable.Range(0, 240).Select(i => new CatalogueItem($"p{i}", $"{themes[i % 12]} model {i / 12 + 100}", []))]);
        (double model, double popularity) = Ndcg(catalogue, Pairs(60, 1), Pairs(60, 2), Cinema.Recipe with { MaxVocabulary = 60_000 });
        Assert.True(model > 3 * popularity, $"{model:0.000} against popularity's {popularity:0.000}");

        static PurchaseRow[] Pairs(int users, int seed)
        {
            Random random = new(seed);
            return [.. Enumerable.Range(0, users).Select(u =>
            {
                int theme = random.Next(12), first = random.Next(20), second = (first + 1 + random.Next(19)) % 20;
                return new PurchaseRow(new UserHistory(new[] { first * 12 + theme }), second * 12 + theme, $"u{seed}-{u}");
            })];
        }
    }

    [Fact]
    public void Attributes_of_any_kind_are_read()
    {
        // Numbers, several values, a long description, a missing column: the same world under other clothes.
        Catalogue catalogue = new([.. Enumerable.Range(0, 60).Select(i => new CatalogueItem($"m{i}", $"Thing {i}",
        [
            new ItemAttribute("Price", [$"{3 + i % 4 * 20}.99"]), new ItemAttribute("Colours", i % 3 == 0 ? ["red", "green"] : ["blue"]),
            .. i % 2 == 0 ? new[] { new ItemAttribute("Description", [string.Join(' ', Enumerable.Repeat($"a fine thing of kind {i % 4}", 30))]) } : [],
        ]))]);
        (double model, double popularity) = Ndcg(catalogue, Cinema.Rows(80, 1), Asked(2), Cinema.Recipe);
        Assert.True(model > 2 * popularity, $"{model:0.000} against popularity's {popularity:0.000}");
    }

    [Fact]
    public void A_catalogue_above_the_dense_limit_ranks_nearly_as_well()
    {
        PurchaseRow[] train = Cinema.Rows(80, 1), asked = Asked(2);
        (double dense, double popularity) = Ndcg(Cinema.Catalogue, train, asked, Cinema.Recipe);
        (double large, _) = Ndcg(Cinema.Catalogue, train, asked, Cinema.Recipe with { MaxTeacherItems = 50, LargeTeacherRank = 40 });
        Assert.True(large > 0.9 * dense && large > 2 * popularity, $"{large:0.000} against {dense:0.000} and popularity's {popularity:0.000}");
    }
}
