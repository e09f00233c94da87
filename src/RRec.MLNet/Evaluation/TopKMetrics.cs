using System.Globalization;
using RRec.Metrics;

namespace RRec.MLNet;

/// <summary>A mean over rows, with its 95% interval where the evaluation knew the users.</summary>
/// <param name="Value">The mean.</param>
/// <param name="Low">Lower end of the interval; null without users.</param>
/// <param name="High">Upper end of the interval; null without users.</param>
public readonly record struct TopKValue(double Value, double? Low = null, double? High = null)
{
    /// <inheritdoc/>
    public override string ToString() => Low is null
        ? Value.ToString("0.0000", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Value:0.0000} [{Low:0.0000}, {High:0.0000}]");
}

/// <summary>
/// How well ranked lists meet what was bought next. A metric whose input was not given is absent (a missing key, or null), never guessed.
/// Means are over rows; intervals are a bootstrap by user.
/// </summary>
public sealed class TopKMetrics
{
    private readonly Dictionary<string, double[]> _byRow;

    internal TopKMetrics(Dictionary<string, double[]> byRow, string[]? users, string[] labels, TopKExtras extras, int resamples, int seed)
    {
        _byRow = byRow;
        (Users, Labels) = (users, labels);
        Rows = labels.Length;
        UserCount = users?.Distinct(StringComparer.Ordinal).Count();
        HitRate = Group("hit@");
        Ndcg = Group("ndcg@");
        Map = Group("map@");
        Mrr = byRow.TryGetValue("mrr", out double[]? mrr) ? Of(mrr) : null;
        Coverage = extras.Coverage;
        Novelty = extras.Novelty;
        Slices = extras.Slices;

        TopKValue Of(double[] values)
        {
            if (users is null) return new TopKValue(values.Average());
            Interval interval = Bootstrap.ByUser(values, users, resamples, seed);
            return new TopKValue(interval.Mean, interval.Low, interval.High);
        }

        SortedDictionary<int, TopKValue> Group(string prefix)
        {
            SortedDictionary<int, TopKValue> group = [];
            foreach ((string name, double[] values) in byRow)
                if (name.StartsWith(prefix, StringComparison.Ordinal)) group.Add(int.Parse(name.AsSpan(prefix.Length), CultureInfo.InvariantCulture), Of(values));
            return group;
        }
    }

    /// <summary>How many rows were evaluated; rows without a label are not.</summary>
    public int Rows { get; }

    /// <summary>How many users they belong to; null without a user column.</summary>
    public int? UserCount { get; }

    /// <summary>By k: the share of rows with a relevant item among the first k.</summary>
    public IReadOnlyDictionary<int, TopKValue> HitRate { get; }

    /// <summary>By k: normalised discounted cumulative gain; with one relevant item 1 / log2(rank + 1) where the rank is at most k.</summary>
    public IReadOnlyDictionary<int, TopKValue> Ndcg { get; }

    /// <summary>By k: mean average precision; with one relevant item 1 / rank where the rank is at most k.</summary>
    public IReadOnlyDictionary<int, TopKValue> Map { get; }

    /// <summary>Mean reciprocal rank over the whole catalogue; null where the list is cut before a label and there is no rank column.</summary>
    public TopKValue? Mrr { get; }

    /// <summary>By k: the share of the catalogue that is in some row's first k; empty without the catalogue's size.</summary>
    public IReadOnlyDictionary<int, double> Coverage { get; }

    /// <summary>By k: mean surprise of the items shown, -log2 of their share of the training purchases (one added to each count); empty without training counts.</summary>
    public IReadOnlyDictionary<int, double> Novelty { get; }

    /// <summary>The same metrics for parts of the rows: <c>cold</c> and <c>warm</c> (label without, with training purchases), and one per group (<c>group cold</c> where a group has one of these names too).</summary>
    public IReadOnlyDictionary<string, TopKMetrics> Slices { get; }

    internal string[]? Users { get; }

    internal string[] Labels { get; }

    internal IReadOnlyDictionary<string, double[]> ByRow => _byRow;

    /// <summary>One line with the main figures.</summary>
    public override string ToString()
    {
        List<string> parts = [string.Create(CultureInfo.InvariantCulture, $"{Rows} rows")];
        foreach ((int k, TopKValue value) in HitRate) parts.Add($"Hit@{k} {value}");
        foreach ((int k, TopKValue value) in Ndcg) parts.Add($"NDCG@{k} {value}");
        if (Mrr is { } mrr) parts.Add($"MRR {mrr}");
        return string.Join(", ", parts);
    }
}

/// <summary>What is not a mean over rows.</summary>
internal sealed record TopKExtras(IReadOnlyDictionary<int, double> Coverage, IReadOnlyDictionary<int, double> Novelty, IReadOnlyDictionary<string, TopKMetrics> Slices);

/// <summary>The difference of two models on the same rows: first minus second, by a paired bootstrap of users.</summary>
public sealed class TopKComparison
{
    internal TopKComparison(IReadOnlyDictionary<string, TopKValue> differences, int rows) => (Differences, Rows) = (differences, rows);

    /// <summary>How many rows both have.</summary>
    public int Rows { get; }

    /// <summary>By metric (<c>hit@10</c>, <c>ndcg@10</c>, <c>map@10</c>, <c>mrr</c>): the mean difference; an interval without 0 says that it is no accident.</summary>
    public IReadOnlyDictionary<string, TopKValue> Differences { get; }

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Differences.Select(d => $"{d.Key} {d.Value}"));
}
