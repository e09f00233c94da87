using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>A small invented world: films of four genres from four decades; everybody likes one genre best, and sequels are watched in order.</summary>
internal static class Cinema
{
    public static readonly string[] Genres = ["Comedy", "Drama", "Horror", "Western"];

    private static readonly string[] Names = ["Night", "The Long River", "Summer", "Ghosts of", "A Stranger", "Gold", "Winter, Part", "Two"];

    public static readonly CatalogueBackboneOptions Recipe = new()
    {
        HiddenSize = 128, DistillationSteps = 120, DistillationBatch = 48, EaseRidge = 5, NextItemRidge = 2, WordMerges = 400, Folds = 2,
    };

    public static Catalogue Catalogue { get; } = new([.. Enumerable.Range(0, 60).Select(i => new CatalogueItem($"m{i}",
        $"{Names[i / 4 % Names.Length]} {i} ({1970 + i / 16 * 10})", [new ItemAttribute("Genres", [Genres[i % 4], .. i % 7 == 0 ? new[] { "Classic" } : []])]))], "film");

    /// <summary>Rows of so many users: every purchase after the first is a row, histories are slices of one array a user.</summary>
    public static PurchaseRow[] Rows(int users, int seed, bool ratings = true)
    {
        Random random = new(seed);
        List<PurchaseRow> rows = [];
        for (int u = 0; u < users; u++)
        {
            int genre = random.Next(4), at = random.Next(15);
            List<int> bought = [];
            while (bought.Count < 8)
            {
                // Mostly the next film of the own genre, sometimes anything.
                int item = random.NextDouble() < 0.8 ? at++ % 15 * 4 + genre : random.Next(60);
                if (!bought.Contains(item)) bought.Add(item);
            }
            int[] items = [.. bought];
            float[] stars = [.. items.Select(_ => random.Next(1, 11) / 2f)];
            for (int k = 1; k < items.Length; k++)
                rows.Add(new PurchaseRow(new UserHistory(items.AsMemory(0, k), ratings ? stars.AsMemory(0, k) : default), items[k], $"u{seed}-{u}"));
        }
        return [.. rows];
    }

    public static double Ndcg(IEnumerable<int> ranks) => ranks.Average(r => r <= 10 ? 1 / Math.Log2(r + 1) : 0);

    /// <summary>A folder that goes away with the test.</summary>
    public sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("rrec-cinema").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
