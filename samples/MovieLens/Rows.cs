using Microsoft.ML;

namespace MovieLens;

/// <summary>A row of the histories view as an object: small samples of rows are picked by ordinary LINQ.</summary>
internal sealed class HistoryRow
{
    public string UserId { get; set; } = "";
    public string[] HistoryItems { get; set; } = [];
    public float[] HistoryRatings { get; set; } = [];
    public long[] HistoryTimestamps { get; set; } = [];
    public long Timestamp { get; set; }
    public string Label { get; set; } = "";
}

internal static class Rows
{
    /// <summary>About <paramref name="count"/> rows, every n-th one from the first: the same rows in every run. 0 or more than there are: all.</summary>
    public static IDataView Spread(MLContext ml, IDataView view, int count)
    {
        List<HistoryRow> all = [.. ml.Data.CreateEnumerable<HistoryRow>(view, reuseRowObject: false)];
        if (count <= 0 || count >= all.Count) return view;
        int step = (all.Count + count - 1) / count;
        return ml.Data.LoadFromEnumerable(all.Where((_, i) => i % step == 0));
    }

    /// <summary>The first row of each of the first users that have at least <paramref name="history"/> earlier purchases.</summary>
    public static IDataView FirstOfUsers(MLContext ml, IDataView view, int users, int history) => ml.Data.LoadFromEnumerable(
        ml.Data.CreateEnumerable<HistoryRow>(view, reuseRowObject: false).Where(r => r.HistoryItems.Length >= history).DistinctBy(r => r.UserId).Take(users).ToList());
}
