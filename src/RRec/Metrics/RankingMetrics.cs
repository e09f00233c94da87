namespace RRec.Metrics;

/// <summary>
/// What the ranks of the items really bought next say about a model (paper, experiments; quality-baselines.md, protocol 5). A row has one
/// relevant item, so the average precision of a row is the reciprocal of its rank.
/// </summary>
public sealed class RankingMetrics
{
    /// <summary>The cut-offs that are reported everywhere: 5, 10, 20.</summary>
    public static IReadOnlyList<int> StandardCutoffs { get; } = [5, 10, 20];

    private readonly int[] _ranks;

    /// <summary>Takes the 1-based ranks, one per row.</summary>
    /// <param name="ranks">1-based ranks of the labels.</param>
    /// <param name="coverage">Share of the catalogue that occurs in the top lists, where it was counted; NaN otherwise.</param>
    /// <exception cref="ArgumentException">No rows, or a rank below 1.</exception>
    public RankingMetrics(IReadOnlyList<int> ranks, double coverage = double.NaN)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        if (ranks.Count == 0) throw new ArgumentException("No ranks: metrics of nothing are not defined.", nameof(ranks));
        _ranks = [.. ranks];
        for (int i = 0; i < _ranks.Length; i++)
            if (_ranks[i] < 1) throw new ArgumentException($"Row {i} has rank {_ranks[i]}; ranks begin at 1.", nameof(ranks));
        Coverage = coverage;
    }

    /// <summary>The ranks, one per row.</summary>
    public IReadOnlyList<int> Ranks => _ranks;

    /// <summary>Number of rows.</summary>
    public int Rows => _ranks.Length;

    /// <summary>Share of the catalogue that occurs in some row's list (of the length that was asked for); NaN where it was not counted.</summary>
    public double Coverage { get; }

    /// <summary>Mean reciprocal rank, not truncated.</summary>
    public double Mrr => Mean(r => 1.0 / r);

    /// <summary>Share of rows whose label is among the first <paramref name="k"/>.</summary>
    public double HitRate(int k) => Mean(r => HitRateOf(r, k));

    /// <summary>Mean of 1/log2(rank+1) where rank is at most <paramref name="k"/>, else 0.</summary>
    public double Ndcg(int k) => Mean(r => NdcgOf(r, k));

    /// <summary>Mean average precision at <paramref name="k"/>: 1/rank where rank is at most k, else 0.</summary>
    public double Map(int k) => Mean(r => MapOf(r, k));

    /// <summary>One row's hit: 1 or 0.</summary>
    public static double HitRateOf(int rank, int k) => rank <= k ? 1 : 0;

    /// <summary>One row's discounted gain.</summary>
    public static double NdcgOf(int rank, int k) => rank <= k ? 1 / Math.Log2(rank + 1.0) : 0;

    /// <summary>One row's precision at the label, cut at <paramref name="k"/>.</summary>
    public static double MapOf(int rank, int k) => rank <= k ? 1.0 / rank : 0;

    /// <summary>Share of a catalogue that occurs in the lists.</summary>
    public static double CoverageOf(IEnumerable<int[]> lists, int catalogueCount)
    {
        HashSet<int> seen = [];
        foreach (int[] list in lists) seen.UnionWith(list);
        return (double)seen.Count / catalogueCount;
    }

    /// <summary>Hit rate and NDCG at 10, for logs.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"Hit@10 {HitRate(10):0.0000} NDCG@10 {Ndcg(10):0.0000} ({Rows} rows)");

    private double Mean(Func<int, double> of)
    {
        double sum = 0;
        foreach (int rank in _ranks) sum += of(rank);
        return sum / _ranks.Length;
    }
}
