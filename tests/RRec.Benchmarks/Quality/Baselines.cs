using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// What anybody would try first, with the settings that did best on ml-latest-small's validation rows (a grid, once). They are written out
/// here so that a change of the library's defaults cannot move the bar.
/// </summary>
internal static class Baselines
{
    public const string Ease = "ease", Blend = "blend";

    private static readonly CatalogueBackboneOptions Linear = new() { EaseRidge = 300, TextWeight = 0.03, NewItemBoost = 0, Window = 20, Decay = 0.8 };

    /// <summary>Each is fitted once and then ranks whatever rows there are.</summary>
    public static IReadOnlyList<(string Name, Func<MovieLens, Func<IReadOnlyList<PurchaseRow>, int[]>> Fit)> All { get; } =
    [
        ("popularity", Popularity),
        ("tf-idf", d => Text(d.Catalogue).TargetRanks),
        ("item-knn", d => ItemKnn(d.Catalogue.Count, d.Train).TargetRanks),
        (Ease, d => LinearTeacher.FitEase(d.Catalogue, d.Train, Linear).TargetRanks),
        (Blend, d => LinearTeacher.FitEaseWithText(d.Catalogue, d.Train, Linear).TargetRanks),
        ("teacher", d => LinearTeacher.FitTeacher(d.Catalogue, d.Train).TargetRanks),
    ];

    private static ItemItemModel Text(Catalogue catalogue) => new(TextSimilarity.Vectors(catalogue).Similarity(), catalogue.Count, 20, 0.8);

    // Each row counts what a prompt would show and its target, so the purchases of busy users count many times. On validation rows that is
    // better than counting each purchase once (NDCG@10 .0267 against .0257), which RecentPopularity does.
    private static Func<IReadOnlyList<PurchaseRow>, int[]> Popularity(MovieLens data)
    {
        const long window = 1095 * 86_400_000L;
        long from = data.Train.Max(r => r.History.Now!.Value) - window;
        float[] counts = new float[data.Catalogue.Count];
        foreach (PurchaseRow row in data.Train.Where(r => r.History.Now >= from))
        {
            counts[row.Target]++;
            foreach (int item in row.History.Items.Span[^Math.Min(20, row.History.Items.Length)..]) counts[item]++;
        }
        return rows => [.. rows.Select(r => ItemItemModel.TargetRank((float[])counts.Clone(), r))];
    }

    // Users in common over the root of the product of each one's users.
    private static ItemItemModel ItemKnn(int items, IReadOnlyList<PurchaseRow> train)
    {
        float[] common = CoOccurrence.Users(PurchaseSequences.From(train, items));
        float[] root = [.. Enumerable.Range(0, items).Select(i => MathF.Sqrt(Math.Max(1, common[(long)i * items + i])))];
        for (int a = 0; a < items; a++)
            for (int b = 0; b < items; b++)
            {
                float cosine = a == b ? 0 : common[(long)a * items + b] / (root[a] * root[b]);
                common[(long)a * items + b] = cosine;
            }
        return new ItemItemModel(common, items, 20, 0.6);
    }
}
