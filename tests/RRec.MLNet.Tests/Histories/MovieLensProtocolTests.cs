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
