using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The simplest baseline: items by the number of training purchases in the last days of the training log. It is the same list for
/// everybody, less what each one already has.
/// </summary>
public sealed class RecentPopularity
{
    private readonly float[] _counts;

    private RecentPopularity(float[] counts) => _counts = counts;

    /// <summary>Counts the purchases that lie in the last <paramref name="days"/> days before the latest one.</summary>
    /// <param name="catalogue">All items.</param>
    /// <param name="train">Training rows; those without <see cref="UserHistory.Now"/> always count.</param>
    /// <param name="days">Length of the window; 1,095 was the best on ml-latest-small's valid rows.</param>
    public static RecentPopularity Fit(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, int days = 1095)
    {
        long latest = train.Max(r => r.History.Now) ?? long.MaxValue;
        long from = latest == long.MaxValue ? long.MinValue : latest - days * 86_400_000L;
        float[] counts = new float[catalogue.Count];
        foreach (PurchaseRow row in train)
        {
            if (row.History.Now is not { } now || now >= from) counts[row.Target]++;
            // A user's very first purchase is nobody's target: it counts where it is the whole history.
            if (row.History.Items.Length == 1 && (row.History.Timestamps.Length != 1 || row.History.Timestamps.Span[0] >= from)) counts[row.History.Items.Span[0]]++;
        }
        return new RecentPopularity(counts);
    }

    /// <summary>The exact rank of each row's target among all items that are not in its history; ties count against the target.</summary>
    public int[] TargetRanks(IReadOnlyList<PurchaseRow> rows)
    {
        int[] ranks = new int[rows.Count];
        Parallel.For(0, rows.Count, i => ranks[i] = ItemItemModel.TargetRank((float[])_counts.Clone(), rows[i]));
        return ranks;
    }
}
