using System.Numerics;
using System.Runtime.InteropServices;
using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// A linear recommender: score(item) = sum over the last <see cref="Window"/> purchases of decay^age x weight[purchase, item]. It is the
/// teacher that the catalogue backbone starts from, and the baseline that it is measured against. Made by <see cref="LinearTeacher"/>.
/// </summary>
public sealed class ItemItemModel
{
    private readonly float[] _ageWeight;

    internal ItemItemModel(float[] weights, int itemCount, int window, double decay)
    {
        Weights = weights;
        ItemCount = itemCount;
        Window = window;
        Decay = decay;
        _ageWeight = [.. Enumerable.Range(0, window).Select(age => (float)Math.Pow(decay, age))];
    }

    /// <summary>Row-major [items, items]; row = item bought, column = item scored.</summary>
    internal float[] Weights { get; }

    /// <summary>The number of items.</summary>
    public int ItemCount { get; }

    /// <summary>How many of the last purchases are read.</summary>
    public int Window { get; }

    /// <summary>What each step back in time costs.</summary>
    public double Decay { get; }

    /// <summary>Scores of all items for one history, oldest purchase first; nothing is masked.</summary>
    public float[] Score(ReadOnlySpan<int> history)
    {
        float[] scores = new float[ItemCount];
        AddScores(history, scores);
        return scores;
    }

    /// <summary>Scores of many histories, row-major [rows, items].</summary>
    internal float[] ScoreMany(IReadOnlyList<ReadOnlyMemory<int>> histories)
    {
        float[] scores = new float[(long)histories.Count * ItemCount];
        Parallel.For(0, histories.Count, i => AddScores(histories[i].Span, scores.AsSpan(i * ItemCount, ItemCount)));
        return scores;
    }

    /// <summary>
    /// The exact rank of each row's target among all items that are not in its history; ties count against the target (protocol of
    /// docs/quality.md).
    /// </summary>
    public int[] TargetRanks(IReadOnlyList<PurchaseRow> rows)
    {
        int[] ranks = new int[rows.Count];
        Parallel.For(0, rows.Count, i => ranks[i] = TargetRank(Score(rows[i].History.Items.Span), rows[i]));
        return ranks;
    }

    internal static int TargetRank(Span<float> scores, PurchaseRow row)
    {
        float target = scores[row.Target];
        foreach (int item in row.History.Items.Span) scores[item] = float.NegativeInfinity;
        scores[row.Target] = target;
        int rank = 0;
        foreach (float score in scores) if (score >= target) rank++;
        return Math.Max(1, rank);
    }

    private void AddScores(ReadOnlySpan<int> history, Span<float> scores)
    {
        int take = Math.Min(Window, history.Length);
        for (int age = 0; age < take; age++)
            AddScaled(Weights.AsSpan(history[^(age + 1)] * ItemCount, ItemCount), _ageWeight[age], scores);
    }

    internal static void AddScaled(ReadOnlySpan<float> row, float factor, Span<float> sum)
    {
        Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        ReadOnlySpan<Vector<float>> rows = MemoryMarshal.Cast<float, Vector<float>>(row);
        Vector<float> factors = new(factor);
        for (int v = 0; v < sums.Length; v++) sums[v] += rows[v] * factors;
        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++) sum[i] += row[i] * factor;
    }
}
