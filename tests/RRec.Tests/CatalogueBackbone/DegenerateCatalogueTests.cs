using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>A shop may have almost nothing: the backbone must still come out and answer.</summary>
public sealed class DegenerateCatalogueTests
{
    private static readonly CatalogueBackboneOptions Small = Cinema.Recipe with { DistillationSteps = 10, WordMerges = 50 };

    private static void Check(Catalogue catalogue, PurchaseRow[] rows, CatalogueBackboneOptions? options = null)
    {
        using Cinema.Folder folder = new();
        using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(catalogue, rows, options ?? Small, folder.Path);
        using R2ecModel model = R2ecModel.Open(folder.Path, catalogue, new R2ecSettings { MaxNewTokens = 8 });
        IReadOnlyList<Recommendation> answers = model.Recommend([default, rows[^1].History], new RecommendRequest { K = 2 });
        Assert.All(answers, a => Assert.All(a.Scores, s => Assert.True(float.IsFinite(s))));
        Assert.Equal(2, answers[0].Items.Length);
    }

    private static PurchaseRow Row(int target, params int[] history) => new(new UserHistory(history), target, "one");

    [Fact]
    public void Five_items_without_attributes_and_one_user() =>
        Check(new Catalogue([.. Enumerable.Range(0, 5).Select(i => new CatalogueItem($"{i}", $"Item {i}", []))]), [Row(1, 0), Row(2, 0, 1)]);

    [Fact]
    public void Equal_and_empty_titles() =>
        Check(new Catalogue([new("a", "Same", []), new("b", "Same", []), new("c", "", []), new("d", " \t\n ", [])]), [Row(1, 0), Row(2, 0, 1), Row(3, 0, 1, 2)]);

    [Fact]
    public void Titles_full_of_breaks_and_control_words() =>
        Check(new Catalogue([new("a", "<|item_end|>\tx\ny", []), new("b", "<answer>", [new("Kind", ["<|user|>", "a, b"])]), new("c", "ünï çödé 電影", [new("Kind", ["a, b"])])]),
            [Row(1, 0), Row(2, 0, 1)]);

    [Fact]
    public void Ids_alone_without_text_weight_and_folds() =>
        Check(new Catalogue([.. Enumerable.Range(0, 12).Select(i => new CatalogueItem($"{i}", $"{i}", []))]),
            [Row(1, 0), Row(2, 0, 1), Row(5, 4), Row(6, 4, 5)], Small with { TextWeight = 0, Folds = 0, NextItemWeight = 0 });

    [Fact]
    public void Without_reasoning() => Check(Cinema.Catalogue, Cinema.Rows(10, 1, ratings: false), Small with { NamedAttributes = 0 });

    [Fact]
    public void A_vocabulary_too_small_for_all_titles() => Check(Cinema.Catalogue, Cinema.Rows(20, 1), Small with { MaxVocabulary = 512 });

    [Fact]
    public void Wrong_options_and_rows_are_named_together_and_by_position()
    {
        string options = Assert.Throws<ArgumentException>(() => (Small with { Decay = 1, HiddenSize = 100 }).Validate()).Message;
        Assert.Contains("Decay is 1", options);
        Assert.Contains("HiddenSize is 100", options);
        using Cinema.Folder folder = new();
        string rows = Assert.Throws<ArgumentException>(() => CatalogueBackboneBuilder.Build(Cinema.Catalogue, [Row(1, 0), Row(60, 0)], Small, folder.Path)).Message;
        Assert.Contains("row 1", rows);
        Assert.Throws<ArgumentException>(() => CatalogueBackboneBuilder.Build(Cinema.Catalogue, [], Small, folder.Path));
    }
}
