using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

/// <summary>Hand-made logs for what the real one does not show.</summary>
public class PreparationTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Line
    {
        public string User { get; set; } = "";
        public string Item { get; set; } = "";
        public long Time { get; set; }
        public float Stars { get; set; }
    }

    private sealed class NumericLine
    {
        public int User { get; set; }
        public float Item { get; set; }
        public DateTime Time { get; set; }
    }

    private static Line L(string user, string item, long time) => new() { User = user, Item = item, Time = time, Stars = time };

    private IDataView Histories(IEnumerable<Line> log, int kCore = 0, int minimumHistory = 1, DuplicatePurchases duplicates = DuplicatePurchases.Keep) =>
        _ml.Recommendation().CreatePurchaseHistories(_ml.Data.LoadFromEnumerable(log), "User", "Item", "Time", "Stars", kCore, TimestampUnit.Seconds, minimumHistory, duplicates);

    private static List<string> Shown(IDataView view)
    {
        List<string> labels = Rows.Texts(view, "Label"), users = Rows.Texts(view, "UserId");
        List<VBuffer<ReadOnlyMemory<char>>> items = Rows.Column<VBuffer<ReadOnlyMemory<char>>>(view, "HistoryItems");
        return [.. labels.Select((l, i) => $"{users[i]}: {string.Join(",", Rows.Strings(items[i]))} -> {l}")];
    }

    [Fact]
    public void An_unsorted_log_gives_rows_in_time_order_and_ties_keep_the_order_of_the_log()
    {
        IDataView view = Histories([L("u", "c", 30), L("v", "x", 5), L("u", "a", 10), L("u", "b2", 20), L("u", "b1", 20), L("v", "y", 20)]);
        Assert.Equal(["u: a -> b2", "u: a,b2 -> b1", "v: x -> y", "u: a,b2,b1 -> c"], Shown(view));
        Assert.Equal([20_000L, 20_000, 20_000, 30_000], Rows.Column<long>(view, "Timestamp"));
        Assert.Equal([10f, 20, 20], Rows.Column<VBuffer<float>>(view, "HistoryRatings")[3].DenseValues());
        Assert.Equal([10_000L, 20_000, 20_000], Rows.Column<VBuffer<long>>(view, "HistoryTimestamps")[3].DenseValues());
    }

    [Fact]
    public void Times_in_another_unit_than_they_are_said_to_be_are_warned_of()
    {
        List<string> warnings = [];
        _ml.Log += (_, e) => { if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) warnings.Add(e.Message); };
        void Make(long first, TimestampUnit unit) => _ml.Recommendation().CreatePurchaseHistories(_ml.Data.LoadFromEnumerable(new[] { L("u", "a", first), L("u", "b", first + 10) }), "User", "Item", "Time", timestampUnit: unit);
        Make(1_700_000_000_000, TimestampUnit.Seconds);
        Assert.Contains("'Time' end behind the year 2200 if they are Seconds", Assert.Single(warnings));
        Make(1_700_000_000, TimestampUnit.Milliseconds);
        Assert.Contains("'Time' end before the year 1971 if they are Milliseconds", warnings[1]);
        Make(1_700_000_000, TimestampUnit.Seconds);
        Make(1_700_000_000_000, TimestampUnit.Milliseconds);
        Make(1, TimestampUnit.Seconds); // a mere order of purchases
        Assert.Equal(2, warnings.Count);
    }

    [Fact]
    public void The_core_is_taken_until_nothing_changes()
    {
        // Dropping w (one purchase) leaves item c with one purchase, which goes and leaves u with one.
        IDataView view = Histories([L("u", "a", 1), L("u", "c", 2), L("w", "c", 3), L("v", "a", 4), L("v", "b", 5), L("x", "a", 6), L("x", "b", 7)], kCore: 2);
        Assert.Equal(["v: a -> b", "x: a -> b"], Shown(view));
    }

    [Fact]
    public void Duplicates_are_kept_or_the_first_or_the_last_remains()
    {
        Line[] log = [L("u", "a", 1), L("u", "b", 2), L("u", "a", 3), L("u", "c", 4)];
        Assert.Equal(["u: a -> b", "u: a,b -> a", "u: a,b,a -> c"], Shown(Histories(log)));
        Assert.Equal(["u: a -> b", "u: a,b -> c"], Shown(Histories(log, duplicates: DuplicatePurchases.KeepFirst)));
        Assert.Equal(["u: b -> a", "u: b,a -> c"], Shown(Histories(log, duplicates: DuplicatePurchases.KeepLast)));
        Assert.Equal("u:  -> a", Shown(Histories(log, minimumHistory: 0))[0]);
    }

    [Fact]
    public void Key_typed_and_numeric_logs_come_out_as_text()
    {
        IDataView log = _ml.Data.LoadFromEnumerable(new[] { L("u", "a", 1), L("u", "b", 2) });
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair("User"), new InputOutputColumnPair("Item")]).Fit(log).Transform(log);
        Assert.Equal(["u: a -> b"], Shown(_ml.Recommendation().CreatePurchaseHistories(keyed, "User", "Item", "Time")));

        NumericLine[] lines = [new() { User = 7, Item = 100_000_000, Time = new DateTime(2020, 1, 2) }, new() { User = 7, Item = 3, Time = new DateTime(2020, 1, 3) }];
        IDataView view = _ml.Recommendation().CreatePurchaseHistories(_ml.Data.LoadFromEnumerable(lines), "User", "Item", "Time");
        Assert.Equal(["7: 100000000 -> 3"], Shown(view));
        Assert.Equal(new DateTimeOffset(2020, 1, 3, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(), Rows.Column<long>(view, "Timestamp")[0]);
    }

    [Fact]
    public void Lines_without_user_or_item_are_left_out_and_counted()
    {
        List<string> warnings = [];
        _ml.Log += (_, e) => { if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) warnings.Add(e.RawMessage); };
        Assert.Equal(["u: a -> b"], Shown(Histories([L("u", "a", 1), L("", "a", 1), L("u", "", 2), L("u", "b", 3)])));
        Assert.Contains("2 log rows", Assert.Single(warnings));
    }

    [Fact]
    public void Leaving_the_last_out_gives_each_users_last_rows_away()
    {
        IDataView view = Histories(["u", "v", "w"], [5, 3, 2]);
        TrainValidationTestData split = _ml.Recommendation().TimeOrderedSplit(view, split: TimeSplit.LeaveLastOut);
        Assert.Equal(["u: u0 -> u1", "u: u0,u1 -> u2", "v: v0 -> v1", "w: w0 -> w1"], Shown(split.TrainSet).Order());
        Assert.Equal(["u: u0,u1,u2 -> u3"], Shown(split.ValidationSet));
        Assert.Equal(["u: u0,u1,u2,u3 -> u4", "v: v0,v1 -> v2"], Shown(split.TestSet).Order());

        IDataView Histories(string[] users, int[] counts) => this.Histories(users.SelectMany((u, i) => Enumerable.Range(0, counts[i]).Select(n => L(u, $"{u}{n}", 10 * n + i))));
    }

    [Fact]
    public void Any_view_splits_as_the_view_of_the_log_does_and_keeps_its_order()
    {
        IDataView view = Histories(Enumerable.Range(0, 60).Select(n => L($"u{n % 4}", $"i{n % 9}", (n * 37) % 101)));
        IDataView shuffled = _ml.Data.ShuffleRows(view, seed: 5);
        TrainValidationTestData a = _ml.Recommendation().TimeOrderedSplit(view, 0.2, 0.2), b = _ml.Recommendation().TimeOrderedSplit(shuffled, 0.2, 0.2);
        foreach ((IDataView x, IDataView y) in new[] { (a.TrainSet, b.TrainSet), (a.ValidationSet, b.ValidationSet), (a.TestSet, b.TestSet) })
        {
            Assert.Equal(x.GetRowCount(), y.GetRowCount());
            Assert.Equal(Shown(x).Order(), Shown(y).Order());
        }

        Assert.Equal(56, a.TrainSet.GetRowCount() + a.ValidationSet.GetRowCount() + a.TestSet.GetRowCount());
        Assert.True(Rows.Column<long>(a.TrainSet, "Timestamp").Max() <= Rows.Column<long>(a.TestSet, "Timestamp").Min());
    }

    [Fact]
    public void A_shuffled_cursor_shows_every_row_once()
    {
        IDataView view = Histories(Enumerable.Range(0, 200).Select(n => L($"u{n % 4}", $"i{n % 9}", n)));
        List<string> plain = Shown(view), shuffled = Shown(_ml.Data.ShuffleRows(view, seed: 5));
        Assert.NotEqual(plain, shuffled);
        Assert.Equal(plain.Order(), shuffled.Order());
    }

    [Fact]
    public void Current_histories_hold_all_purchases_of_each_user_and_no_label()
    {
        IDataView log = _ml.Data.LoadFromEnumerable(new[] { L("u", "b", 2), L("v", "x", 1), L("u", "a", 1) });
        IDataView view = _ml.Recommendation().CreateCurrentHistories(log, "User", "Item", "Time", "Stars", DateTimeOffset.FromUnixTimeSeconds(9));
        Assert.Null(view.Schema.GetColumnOrNull("Label"));
        Assert.Equal(["u", "v"], Rows.Texts(view, "UserId").Order());
        Assert.Equal([9000L, 9000], Rows.Column<long>(view, "Timestamp"));
        int u = Rows.Texts(view, "UserId").IndexOf("u");
        Assert.Equal(["a", "b"], Rows.Strings(Rows.Column<VBuffer<ReadOnlyMemory<char>>>(view, "HistoryItems")[u]));
        Assert.Null(_ml.Recommendation().CreateCurrentHistories(log, "User", "Item", "Time").Schema.GetColumnOrNull("Timestamp"));

        // Such rows are scored, not trained on; the items of all histories can be kept.
        Assert.Equal(2, Rows.Texts(Rows.Transformer(_ml, FakeRecommender.Of(4)).Transform(view), "Reasoning").Count);
        Assert.Equal(["a", "b", "x"], Rows.Texts(_ml.Recommendation().KeepPurchasedItems(log, "Item", view), "Item").Order());
    }

    [Fact]
    public void Purchased_items_are_those_of_labels_and_histories_on_both_paths()
    {
        IDataView items = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(i => L("", $"i{i}", i)).ToArray());
        IDataView view = Histories([L("u", "i3", 1), L("u", "i5", 2), L("v", "i7", 3)]);
        Assert.Equal(["i3", "i5"], Rows.Texts(_ml.Recommendation().KeepPurchasedItems(items, "Item", view), "Item"));
        Assert.Equal(["i3", "i5"], Rows.Texts(_ml.Recommendation().KeepPurchasedItems(items, "Item", _ml.Data.TakeRows(view, 1000)), "Item"));
    }
}
