using Microsoft.ML;
using RRec.Data;
using RRec.TestSupport;

namespace RRec.MLNet.Tests;

/// <summary>A transformer over a real engine with random weights (the goldens' tiny Qwen2), for tests that need an engine but no training.</summary>
internal static class TinyModel
{
    public const string Needs = "goldens/recpo/tiny-qwen2";

    public static Catalogue Catalogue { get; } = new(
        [.. Enumerable.Range(0, 30).Select(i => new CatalogueItem($"i{i}", $"{(i % 2 == 0 ? "Red" : "Blue")} thing {i}", [new("Kind", [i % 3 == 0 ? "round" : "flat"])]))], "thing");

    public static R2ecTransformer Transformer(MLContext ml, int k = 5) => new(
        ml,
        new ModelRecommender(R2ecModel.Open(Goldens.PathOf(Needs), Catalogue, new R2ecSettings { Window = 3, MaxNewTokens = 4, Temperature = 0.1 })),
        new ScoringOptions { K = k, BatchSize = 16 });
}
