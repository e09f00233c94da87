using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.TestSupport;

/// <summary>Forty things of four kinds; everybody buys one kind.</summary>
internal static class Shop
{
    private static readonly string[] Kinds = ["garden", "kitchen", "music", "sport"];

    public static CatalogueBackboneOptions Recipe { get; } = new() { HiddenSize = 128, DistillationSteps = 20, DistillationBatch = 16, WordMerges = 50, NamedAttributes = 2, EaseRidge = 5, NextItemRidge = 5 };

    public static Catalogue Catalogue { get; } = new([.. Enumerable.Range(0, 40).Select(i => new CatalogueItem($"{i}", $"Article number {i}", [new ItemAttribute("Kind", [Kinds[i % 4]])]))], "article");

    public static PurchaseRow[] Rows(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(r =>
        {
            int kind = random.Next(4);
            int[] items = [.. Enumerable.Range(0, 10).Select(j => 4 * j + kind).OrderBy(_ => random.Next()).Take(random.Next(3, 7))];
            return new PurchaseRow(new UserHistory(items.AsMemory(0, items.Length - 1)), items[^1], $"u{seed}.{r}");
        })];
    }
}
