using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

/// <summary>The rows of quality-baselines.md, made from the real log that lies in samples/data.</summary>
public class MovieLensProtocolTests
{
    private sealed class Rating
    {
        [LoadColumn(0)] public long UserId { get; set; }
        [LoadColumn(1)] public long MovieId { get; set; }
        [LoadColumn(2)] public float Stars { get; set; }
        [LoadColumn(3)] public long Timestamp { get; set; }
    }

    private static string Ratings => Path.Combine(TestSupport.Goldens.RepositoryRoot, "samples", "data", "ml-latest-small", "ratings.csv");

    [Fact]
    public void Ml_latest_small_gives_the_rows_of_the_protocol()
    {
        MLContext ml = new(seed: 1);
        IDataView log = ml.Data.LoadFromTextFile<Rating>(Ratings, ',', hasHeader: true);
        IDataView histories = ml.Recommendation().CreatePurchaseHistories(log, "UserId", "MovieId", "Timestamp", "Stars", kCore: 5);
        PurchaseLogCounts counts = ((HistoryView)histories).Log.Counts;
        Assert.Equal((100836L, 90274, 610, 3650), (counts.Read, counts.Purchases, counts.Users, counts.Items));

        TrainValidationTestData split = ml.Recommendation().TimeOrderedSplit(histories, validationFraction: 0.1, testFraction: 0.1);
        Assert.Equal((71731L, 8966L, 8967L), (split.TrainSet.GetRowCount(), split.ValidationSet.GetRowCount(), split.TestSet.GetRowCount()));
        Assert.Equal((514, 62, 81), (UsersOf(split.TrainSet), UsersOf(split.ValidationSet), UsersOf(split.TestSet)));

        // Full earlier histories, mean 341 on test rows; no target repeats its history on these data.
        using DataViewRowCursor cursor = split.TestSet.GetRowCursor(split.TestSet.Schema);
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> itemsGetter = cursor.GetGetter<VBuffer<ReadOnlyMemory<char>>>(split.TestSet.Schema["HistoryItems"]);
        ValueGetter<VBuffer<long>> timesGetter = cursor.GetGetter<VBuffer<long>>(split.TestSet.Schema["HistoryTimestamps"]);
        ValueGetter<ReadOnlyMemory<char>> labelGetter = cursor.GetGetter<ReadOnlyMemory<char>>(split.TestSet.Schema["Label"]);
        ValueGetter<long> timeGetter = cursor.GetGetter<long>(split.TestSet.Schema["Timestamp"]);
        VBuffer<ReadOnlyMemory<char>> items = default;
        VBuffer<long> times = default;
        ReadOnlyMemory<char> label = default;
        long total = 0, time = 0, previous = 0, rows = 0;
        while (cursor.MoveNext())
        {
            itemsGetter(ref items);
            timesGetter(ref times);
            labelGetter(ref label);
            timeGetter(ref time);
            total += items.Length;
            rows++;
            Assert.True(time >= previous, "rows are in time order");
            previous = time;
            Assert.Equal(items.Length, times.Length);
            Assert.True(times.GetValues()[^1] <= time);
            foreach (ReadOnlyMemory<char> item in items.GetValues())
                Assert.False(item.Span.SequenceEqual(label.Span));
        }

        Assert.Equal(341, (int)Math.Round(total / (double)rows));
        Assert.Equal(new DateTime(2018, 9, 24), DateTimeOffset.FromUnixTimeMilliseconds(previous).UtcDateTime.Date);
    }

    // The protocol once more in a few plain lines, and every row of the views against it: user, whole history, its times and ratings, label, time, and which part it is in.
    [Fact]
    public void Every_row_of_both_splits_equals_the_protocol_written_plainly()
    {
        List<Line> log = [.. File.ReadLines(Ratings).Skip(1).Select(l => l.Split(',')).Select(f => new Line(f[0], f[1], float.Parse(f[2], System.Globalization.CultureInfo.InvariantCulture), 1000 * long.Parse(f[3], System.Globalization.CultureInfo.InvariantCulture)))];
        for (int before = -1; before != log.Count;)
        {
            before = log.Count;
            HashSet<string> users = [.. log.GroupBy(l => l.User).Where(g => g.Count() >= 5).Select(g => g.Key)], items = [.. log.GroupBy(l => l.Item).Where(g => g.Count() >= 5).Select(g => g.Key)];
            log = [.. log.Where(l => users.Contains(l.User) && items.Contains(l.Item))];
        }

        List<(string User, Line[] History, Line Target)> rows = [];
        foreach (IGrouping<string, Line> user in log.OrderBy(l => l.Time).GroupBy(l => l.User))
            for (int n = 1; n < user.Count(); n++) rows.Add((user.Key, [.. user.Take(n)], user.ElementAt(n)));
        rows = [.. rows.OrderBy(r => r.Target.Time)];
        int valid = (int)(0.8 * rows.Count), test = (int)(0.9 * rows.Count);

        MLContext ml = new(seed: 1);
        IDataView histories = ml.Recommendation().CreatePurchaseHistories(ml.Data.LoadFromTextFile<Rating>(Ratings, ',', hasHeader: true), "UserId", "MovieId", "Timestamp", "Stars", kCore: 5);
        TrainValidationTestData split = ml.Recommendation().TimeOrderedSplit(histories, validationFraction: 0.1, testFraction: 0.1);
        Assert.Equal(Signatures(rows[..valid]), Signatures(split.TrainSet));
        Assert.Equal(Signatures(rows[valid..test]), Signatures(split.ValidationSet));
        Assert.Equal(Signatures(rows[test..]), Signatures(split.TestSet));

        Dictionary<string, int> left = rows.GroupBy(r => r.User).ToDictionary(g => g.Key, g => g.Count()), count = new(left);
        List<(string, Line[], Line)>[] parts = [[], [], []];
        foreach ((string User, Line[] History, Line Target) row in rows)
        {
            int after = --left[row.User];
            parts[after == 0 && count[row.User] >= 2 ? 2 : after == 1 && count[row.User] >= 3 ? 1 : 0].Add(row);
        }

        split = ml.Recommendation().TimeOrderedSplit(histories, split: TimeSplit.LeaveLastOut, userColumn: "UserId");
        Assert.Equal(Signatures(parts[0]), Signatures(split.TrainSet));
        Assert.Equal(Signatures(parts[1]), Signatures(split.ValidationSet));
        Assert.Equal(Signatures(parts[2]), Signatures(split.TestSet));
    }

    private sealed record Line(string User, string Item, float Stars, long Time);

    // A row as one number, so that 71,731 whole histories can be compared; sorted, because parts of equal times may be told in another order.
    private static ulong[] Signatures(IEnumerable<(string User, Line[] History, Line Target)> rows) => [.. rows.Select(r =>
    {
        Signature s = new();
        s.Add(r.User);
        foreach (Line l in r.History) s.Add(l.Item, l.Stars, l.Time);
        s.Add(r.Target.Item, 0, r.Target.Time);
        return s.Value;
    }).Order()];

    private static ulong[] Signatures(IDataView view)
    {
        List<ulong> values = [];
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> itemsGetter = cursor.GetGetter<VBuffer<ReadOnlyMemory<char>>>(view.Schema["HistoryItems"]);
        ValueGetter<VBuffer<float>> ratingsGetter = cursor.GetGetter<VBuffer<float>>(view.Schema["HistoryRatings"]);
        ValueGetter<VBuffer<long>> timesGetter = cursor.GetGetter<VBuffer<long>>(view.Schema["HistoryTimestamps"]);
        ValueGetter<ReadOnlyMemory<char>> labelGetter = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Label"]), userGetter = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["UserId"]);
        ValueGetter<long> timeGetter = cursor.GetGetter<long>(view.Schema["Timestamp"]);
        VBuffer<ReadOnlyMemory<char>> items = default;
        VBuffer<float> ratings = default;
        VBuffer<long> times = default;
        ReadOnlyMemory<char> label = default, user = default;
        long time = 0;
        while (cursor.MoveNext())
        {
            itemsGetter(ref items);
            ratingsGetter(ref ratings);
            timesGetter(ref times);
            labelGetter(ref label);
            userGetter(ref user);
            timeGetter(ref time);
            Signature s = new();
            s.Add(user.Span);
            for (int i = 0; i < items.Length; i++) s.Add(items.GetValues()[i].Span, ratings.GetValues()[i], times.GetValues()[i]);
            s.Add(label.Span, 0, time);
            values.Add(s.Value);
        }

        return [.. values.Order()];
    }

    // FNV-1a over what is added; 64 bits.
    private struct Signature()
    {
        public ulong Value { get; private set; } = 14695981039346656037;

        public void Add(ReadOnlySpan<char> text)
        {
            foreach (char c in text) Byte(c);
            Byte('|');
        }

        public void Add(ReadOnlySpan<char> item, float stars, long time)
        {
            Add(item);
            Byte((ulong)BitConverter.SingleToUInt32Bits(stars));
            Byte((ulong)time);
        }

        private void Byte(ulong value) => Value = (Value ^ value) * 1099511628211;
    }

    private static int UsersOf(IDataView view)
    {
        HashSet<string> users = [];
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["UserId"]]);
        ValueGetter<ReadOnlyMemory<char>> getter = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["UserId"]);
        ReadOnlyMemory<char> user = default;
        while (cursor.MoveNext())
        {
            getter(ref user);
            users.Add(user.ToString());
        }

        return users.Count;
    }
}
