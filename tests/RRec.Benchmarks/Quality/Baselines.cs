using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// What anybody would try first, with the settings that did best on ml-latest-small's validation rows (a grid, once). They are written out
/// here so that a change of the library's defaults cannot move the bar.
/// </summary>
internal static class Baselines
{
    public const string Ease = "ease", Blend = "blend";

    private static readonly CatalogueBackboneOptions Linear = new() { EaseRidge = 300, TextWeight = 0.03, NewItemBoost = 0, Window = 20, Decay = 0.8 };

    public static IReadOnlyList<(string Name, string What, Func<QualityData, int[]> Ranks)> All { get; } =
    [
        ("popularity", "what the training rows of the last 1,095 days show, last 20 purchases and target", Popularity),
        ("tf-idf", "cosine of title and genres, nothing learned", d => Text(d.All.Catalogue).TargetRanks(d.Rows)),
        ("item-knn", "cosine of user sets, all neighbours, decay .6", d => ItemKnn(d.All.Catalogue.Count, d.All.Train).TargetRanks(d.Rows)),
        (Ease, "ridge 300, decay .8", d => LinearTeacher.FitEase(d.All.Catalogue, d.All.Train, Linear).TargetRanks(d.Rows)),
        (Blend, "EASE + .03 tf-idf", d => LinearTeacher.FitEaseWithText(d.All.Catalogue, d.All.Train, Linear).TargetRanks(d.Rows)),
        ("teacher", "what our backbone is wired from: the blend + next-item regression", d => LinearTeacher.FitTeacher(d.All.Catalogue, d.All.Train).TargetRanks(d.Rows)),
    ];

    private static ItemItemModel Text(Catalogue catalogue) => new(TextSimilarity.Vectors(catalogue).Similarity(), catalogue.Count, 20, 0.8);

    // Each row counts what a prompt would show and its target, so the purchases of busy users count many times. On validation rows that is
    // better than counting each purchase once (NDCG@10 .0267 against .0257), which RecentPopularity does.
    private static int[] Popularity(QualityData data)
    {
        const long window = 1095 * 86_400_000L;
        long from = data.All.Train.Max(r => r.History.Now!.Value) - window;
        float[] counts = new float[data.All.Catalogue.Count];
        foreach (PurchaseRow row in data.All.Train.Where(r => r.History.Now >= from))
        {
            counts[row.Target]++;
            foreach (int item in row.History.Items.Span[^Math.Min(20, row.History.Items.Length)..]) counts[item]++;
        }
        return [.. data.Rows.Select(r => ItemItemModel.TargetRank((float[])counts.Clone(), r))];
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
