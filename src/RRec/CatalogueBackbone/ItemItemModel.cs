using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// A linear recommender: score(item) = sum over the last <see cref="Window"/> purchases of decay^age x weight[purchase, item]. It is the
/// teacher that the catalogue backbone starts from, and the baseline that it is measured against. Made by <see cref="LinearTeacher"/>.
/// </summary>
public sealed class ItemItemModel
{
    private readonly float[] _byPlace;   // of the last Window purchases, oldest first

    internal ItemItemModel(float[] weights, int itemCount, int window, double decay) : this(new DenseWeights(weights, itemCount), window, decay)
    {
    }

    internal ItemItemModel(ItemItemWeights weights, int window, double decay)
    {
        Weights = weights;
        Window = window;
        Decay = decay;
        _byPlace = [.. Enumerable.Range(0, window).Select(place => (float)Math.Pow(decay, window - 1 - place))];
    }

    internal ItemItemWeights Weights { get; }

    /// <summary>The number of items.</summary>
    public int ItemCount => Weights.ItemCount;

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

    /// <summary>Scores of many histories, row-major [rows, items], or [rows, candidates] where only these are wanted.</summary>
    internal float[] ScoreMany(IReadOnlyList<ReadOnlyMemory<int>> histories, int[]? candidates = null)
    {
        int width = candidates?.Length ?? ItemCount;
        float[] scores = new float[(long)histories.Count * width];
        Parallel.For(0, histories.Count, i =>
        {
            Span<float> row = scores.AsSpan(i * width, width);
            if (candidates is null) AddScores(histories[i].Span, row);
            else AddScores(histories[i].Span, candidates, row);
        });
        return scores;
    }

    /// <summary>Adds the scores of some items for one history, oldest purchase first.</summary>
    internal void AddScores(ReadOnlySpan<int> history, ReadOnlySpan<int> candidates, Span<float> scores)
    {
        ReadOnlySpan<int> read = history[^Math.Min(Window, history.Length)..];
        Weights.Add(read, _byPlace.AsSpan(Window - read.Length), candidates, scores);
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
        ReadOnlySpan<int> read = history[^Math.Min(Window, history.Length)..];
        Weights.Add(read, _byPlace.AsSpan(Window - read.Length), scores);
    }
}
