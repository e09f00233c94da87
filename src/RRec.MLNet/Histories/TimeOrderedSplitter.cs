using System.Collections;
using Microsoft.ML;

namespace RRec.MLNet;

/// <summary>How <c>TimeOrderedSplit</c> divides rows.</summary>
public enum TimeSplit
{
    /// <summary>At two points in time for everybody: the earliest rows train, the latest test. Nothing of the future is seen in training (default).</summary>
    GlobalTime = 0,

    /// <summary>Per user: the last row tests, the one before validates, the rest trains. Popular, but training sees times after other users' tests.</summary>
    LeaveLastOut = 1,
}

/// <summary>Three views of one: what to learn from, what to choose by, what to report.</summary>
public sealed class TrainValidationTestData
{
    internal TrainValidationTestData(IDataView train, IDataView validation, IDataView test) => (TrainSet, ValidationSet, TestSet) = (train, validation, test);

    /// <summary>The rows to fit.</summary>
    public IDataView TrainSet { get; }

    /// <summary>The rows to choose settings and the stopping point by.</summary>
    public IDataView ValidationSet { get; }

    /// <summary>The rows to report; touch them once.</summary>
    public IDataView TestSet { get; }
}

/// <summary>Splits by time without copying rows (quality-baselines.md, protocol 3).</summary>
internal static class TimeOrderedSplitter
{
    public static TrainValidationTestData Split(
        IDataView data, double validationFraction, double testFraction, TimeSplit split, string timestampColumn, string? userColumn)
    {
        // Which row number belongs to which part: 0 train, 1 validation, 2 test.
        byte[] part = split == TimeSplit.GlobalTime
            ? ByTime(Times(data, timestampColumn), validationFraction, testFraction)
            : ByUser(Times(data, timestampColumn), Users(data, userColumn!));
        return new TrainValidationTestData(View(data, part, 0), View(data, part, 1), View(data, part, 2));
    }

    private static byte[] ByTime(IReadOnlyList<long> times, double validationFraction, double testFraction)
    {
        int[] order = InTimeOrder(times);

        // int(0.8 n) and int(0.9 n) for the default fractions: the cuts are floors. The tiny addition keeps 0.8 * n from
        // falling below a whole number when 1 - 0.1 - 0.1 is a hair less than 0.8.
        int validationFrom = (int)Math.Floor(times.Count * (1 - validationFraction - testFraction) + 1e-6);
        int testFrom = (int)Math.Floor(times.Count * (1 - testFraction) + 1e-6);
        byte[] part = new byte[times.Count];
        for (int o = validationFrom; o < order.Length; o++) part[order[o]] = o < testFrom ? (byte)1 : (byte)2;
        return part;
    }

    private static byte[] ByUser(IReadOnlyList<long> times, IReadOnlyList<int> users)
    {
        int[] order = InTimeOrder(times);
        Dictionary<int, (int Last, int BeforeLast)> ends = [];
        foreach (int row in order) ends[users[row]] = ends.TryGetValue(users[row], out (int Last, int _) e) ? (row, e.Last) : (row, -1);

        // A user with one row only trains; one with two trains and tests.
        byte[] part = new byte[times.Count];
        Dictionary<int, int> counts = [];
        foreach (int user in users) counts[user] = counts.GetValueOrDefault(user) + 1;
        foreach ((int user, (int last, int beforeLast)) in ends)
        {
            if (counts[user] >= 2) part[last] = 2;
            if (counts[user] >= 3) part[beforeLast] = 1;
        }

        return part;
    }

    // Stable: rows of the same time keep their order.
    private static int[] InTimeOrder(IReadOnlyList<long> times) => [.. Enumerable.Range(0, times.Count).OrderBy(i => times[i])];

    private static List<long> Times(IDataView data, string timestampColumn)
    {
        List<long> times = [];
        DataViewSchema.Column column = data.Schema[timestampColumn];
        using DataViewRowCursor cursor = data.GetRowCursor([column]);

        // Only the order counts, so the unit does not matter.
        ValueGetter<long> getter = AsNumber.Time(cursor, column, TimestampUnit.Milliseconds);
        long time = 0;
        while (cursor.MoveNext())
        {
            getter(ref time);
            times.Add(time);
        }

        return times;
    }

    private static List<int> Users(IDataView data, string userColumn)
    {
        List<int> users = [];
        IdNumbers numbers = new();
        DataViewSchema.Column column = data.Schema[userColumn];
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        ValueGetter<ReadOnlyMemory<char>> getter = AsText.Scalar(cursor, column);
        ReadOnlyMemory<char> user = default;
        while (cursor.MoveNext())
        {
            getter(ref user);
            users.Add(numbers.NumberOf(user.Span));
        }

        return users;
    }

    private static IDataView View(IDataView data, byte[] part, byte wanted)
    {
        if (data is HistoryView histories) return histories.Select([.. Enumerable.Range(0, part.Length).Where(i => part[i] == wanted)]);
        BitArray kept = new(part.Length);
        long count = 0;
        for (int i = 0; i < part.Length; i++)
        {
            if (part[i] != wanted) continue;
            kept[i] = true;
            count++;
        }

        return new RowSubsetView(data, kept, count);
    }
}
