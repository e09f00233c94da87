using RRec.Metrics;

namespace RRec.MLNet;

/// <summary>From rows to metrics.</summary>
internal static class TopKEvaluator
{
    public static TopKMetrics Evaluate(
        IReadOnlyList<TopKRow> rows, int listLength, bool hasRanks, IReadOnlyList<int> ks, int? catalogueSize, IReadOnlyDictionary<string, long>? trainCounts, int resamples, int seed, bool withSlices)
    {
        // Beyond the list's end nothing is known about a row, unless its rank is.
        int[] known = [.. ks.Distinct().Order().Where(k => hasRanks || k <= listLength)];
        Dictionary<string, double[]> byRow = [];
        foreach (int k in known)
        {
            byRow[$"hit@{k}"] = [.. rows.Select(r => r.Ranks.Length > 0 && r.Ranks[0] <= k ? 1.0 : 0)];
            byRow[$"ndcg@{k}"] = [.. rows.Select(r => Ndcg(r, k))];
            byRow[$"map@{k}"] = [.. rows.Select(r => AveragePrecision(r, k))];
        }

        if (hasRanks || rows.All(r => r.Ranks.Length > 0)) byRow["mrr"] = [.. rows.Select(r => r.Ranks.Length > 0 ? 1.0 / r.Ranks[0] : 0)];

        SortedDictionary<int, double> coverage = [], novelty = [];
        foreach (int k in ks.Distinct().Where(k => k <= listLength))
        {
            if (catalogueSize is { } size) coverage[k] = (double)rows.SelectMany(r => r.Top.Take(k)).Distinct(StringComparer.Ordinal).Count() / size;
            if (trainCounts is not null) novelty[k] = Novelty(rows, k, trainCounts);
        }

        Dictionary<string, TopKMetrics> slices = [];
        if (withSlices)
        {
            TopKMetrics? Slice(Func<TopKRow, bool> of)
            {
                TopKRow[] some = [.. rows.Where(of)];
                return some.Length == 0 ? null : Evaluate(some, listLength, hasRanks, ks, catalogueSize, trainCounts, resamples, seed, withSlices: false);
            }

            if (trainCounts is not null)
            {
                bool IsWarm(TopKRow r) => r.Label.Split('\n').Any(l => trainCounts.GetValueOrDefault(l) > 0);
                if (Slice(r => !IsWarm(r)) is { } cold) slices["cold"] = cold;
                if (Slice(IsWarm) is { } warm) slices["warm"] = warm;
            }

            foreach (string group in rows.Select(r => r.Group).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
                slices[slices.ContainsKey(group) ? $"group {group}" : group] = Slice(r => r.Group == group)!;
        }

        string[]? users = rows[0].User is null ? null : [.. rows.Select(r => r.User!)];
        return new TopKMetrics(byRow, users, [.. rows.Select(r => r.Label)], new TopKExtras(coverage, novelty, slices), resamples, seed);
    }

    public static TopKComparison Compare(TopKMetrics first, TopKMetrics second, int resamples, int seed)
    {
        if (first.Rows != second.Rows) throw new ArgumentException($"The first evaluation has {first.Rows} rows, the second {second.Rows}: a paired comparison needs the same rows in the same order.", nameof(second));
        for (int i = 0; i < first.Rows; i++)
        {
            if (first.Labels[i] != second.Labels[i] || first.Users?[i] != second.Users?[i])
                throw new ArgumentException($"Row {i} is another one in the two evaluations (labels '{first.Labels[i]}' and '{second.Labels[i]}'): a paired comparison needs the same rows in the same order.", nameof(second));
        }

        SortedDictionary<string, TopKValue> differences = new(StringComparer.Ordinal);
        foreach ((string name, double[] values) in first.ByRow)
        {
            if (!second.ByRow.TryGetValue(name, out double[]? others)) continue;
            Interval interval = Bootstrap.Paired(values, others, first.Users, resamples, seed);
            differences[name] = new TopKValue(interval.Mean, interval.Low, interval.High);
        }

        return new TopKComparison(differences, first.Rows);
    }

    private static double Ndcg(TopKRow row, int k)
    {
        double gain = 0, ideal = 0;
        foreach (int rank in row.Ranks) gain += RankingMetrics.NdcgOf(rank, k);
        for (int rank = 1; rank <= Math.Min(row.Relevant, k); rank++) ideal += 1 / Math.Log2(rank + 1);
        return gain / ideal;
    }

    private static double AveragePrecision(TopKRow row, int k)
    {
        double sum = 0;
        for (int i = 0; i < row.Ranks.Length && row.Ranks[i] <= k; i++) sum += (i + 1.0) / row.Ranks[i];
        return sum / Math.Min(row.Relevant, k);
    }

    private static double Novelty(IReadOnlyList<TopKRow> rows, int k, IReadOnlyDictionary<string, long> trainCounts)
    {
        double total = trainCounts.Values.Sum() + trainCounts.Count, sum = 0;
        long shown = 0;
        foreach (TopKRow row in rows)
        {
            foreach (string item in row.Top.Take(k))
            {
                sum -= Math.Log2((trainCounts.GetValueOrDefault(item) + 1) / total);
                shown++;
            }
        }

        return shown == 0 ? 0 : sum / shown;
    }
}
