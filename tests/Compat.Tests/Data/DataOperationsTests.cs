using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class DataOperationsTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Item
    {
        public int Id { get; set; }
        public float Rating { get; set; }
        public string? Group { get; set; }
        [KeyType(10)] public uint Key { get; set; }
        public int[] Vector { get; set; } = [];
    }

    private IDataView Items(int count = 30) => _ml.Data.LoadFromEnumerable(
        Enumerable.Range(0, count).Select(i => new Item { Id = i, Rating = i, Group = $"g{i % 6}", Key = (uint)(i % 12), Vector = [i, i + 1] }));

    private static int[] Ids(IDataView view) => [.. view.GetColumn<int>("Id")];

    private static string Recording(IDataView view) => string.Join(",", Ids(view));

    [GoldenFact(Recorded.Folder)]
    public void Rows_are_skipped_and_filtered_as_recorded()
    {
        Assert.Equal(Recorded.At("sampling, for information", "SkipRows(27)").GetString(), Recording(_ml.Data.SkipRows(Items(), 27)));
        Assert.Equal(Recorded.At("sampling, for information", "FilterRowsByColumn(Rating, 3, 6)").GetString(), Recording(_ml.Data.FilterRowsByColumn(Items(), "Rating", 3, 6)));
        Recorded.MessageMatches("FilterRowsByColumn on text", () => _ml.Data.FilterRowsByColumn(Items(), "Group", 3, 6));
        Recorded.MessageMatches("TakeRows(-1)", () => _ml.Data.TakeRows(Items(), -1));
    }

    [Fact]
    public void A_filter_leaves_out_what_is_not_a_number_and_other_columns_stay_readable()
    {
        IDataView view = _ml.Data.LoadFromEnumerable([new Item { Id = 1, Rating = float.NaN }, new Item { Id = 2, Rating = float.PositiveInfinity }, new Item { Id = 3, Rating = -1 }]);
        Assert.Equal([3], Ids(_ml.Data.FilterRowsByColumn(view, "Rating")));
        IDataView some = _ml.Data.FilterRowsByColumn(Items(), "Rating", 3, 6);
        Assert.Equal([[3, 4], [4, 5], [5, 6]], some.GetColumn<int[]>("Vector"));
        Assert.Null(some.GetRowCount());
        using DataViewRowCursor cursor = some.GetRowCursor([some.Schema["Id"]]);
        Assert.False(cursor.IsColumnActive(some.Schema["Rating"]));
        for (long i = 0; i < 3; i++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(i, cursor.Position);
        }
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void Keys_are_filtered_by_their_place_among_all_keys()
    {
        int[] lower = Ids(_ml.Data.FilterRowsByKeyColumnFraction(Items(12), "Key", 0, 0.5)), all = Ids(_ml.Data.FilterRowsByKeyColumnFraction(Items(12), "Key"));
        Assert.Equal([0, 1, 2, 3, 4], lower);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], all); // keys 10 and 11 are beyond the count: missing
    }

    [Fact]
    public void Taking_and_skipping_count_rows()
    {
        Assert.Equal([0, 1, 2], Ids(_ml.Data.TakeRows(Items(), 3)));
        Assert.Equal([5, 6, 7], Ids(_ml.Data.TakeRows(_ml.Data.SkipRows(Items(), 5), 3)));
        Assert.Empty(Ids(_ml.Data.SkipRows(Items(), 100)));
        Assert.Equal(5, _ml.Data.SkipRows(_ml.Data.LoadFromEnumerable(new Item[15]), 10).GetRowCount());
    }

    [GoldenFact(Recorded.Folder)]
    public void A_split_parts_the_rows_and_is_the_same_for_the_same_seed()
    {
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(Items(), 0.2, seed: 7), again = _ml.Data.TrainTestSplit(Items(), 0.2, seed: 7);
        Assert.Equal(Enumerable.Range(0, 30), Ids(split.TrainSet).Concat(Ids(split.TestSet)).Order());
        Assert.Equal(Ids(split.TestSet), Ids(again.TestSet));
        Assert.Equal(Recorded.At("sampling, for information", "TrainTestSplit(0.2, seed 7): train").GetString(), Recording(split.TrainSet));
        Assert.Equal(Recorded.At("sampling, for information", "TrainTestSplit(0.2, seed 7): test").GetString(), Recording(split.TestSet));
        Assert.Equal(Items().Schema.Select(c => c.Name), split.TrainSet.Schema.Select(c => c.Name));
    }

    [Fact]
    public void A_split_by_a_column_keeps_equal_values_together()
    {
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(Items(600), 0.5, "Group", seed: 3);
        Assert.Empty(split.TrainSet.GetColumn<string>("Group").Intersect(split.TestSet.GetColumn<string>("Group")));
        Assert.Equal(600, Ids(split.TrainSet).Length + Ids(split.TestSet).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(Items(), 0.5, "nope"));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(Items(), 1));
    }

    [Fact]
    public void Shuffling_changes_the_order_and_nothing_else()
    {
        IDataView shuffled = _ml.Data.ShuffleRows(Items(), seed: 7);
        int[] ids = Ids(shuffled);
        Assert.NotEqual(Enumerable.Range(0, 30), ids);
        Assert.Equal(Enumerable.Range(0, 30), ids.Order());
        Assert.Equal(ids, Ids(_ml.Data.ShuffleRows(Items(), seed: 7)));
        Assert.NotEqual(ids, Ids(_ml.Data.ShuffleRows(Items(), seed: 8)));
        Item[] rows = [.. _ml.Data.CreateEnumerable<Item>(shuffled, reuseRowObject: false)];
        Assert.All(rows, r => Assert.Equal([r.Id, r.Id + 1], r.Vector));
        Assert.All(rows, r => Assert.Equal($"g{r.Id % 6}", r.Group));
        Assert.Equal(Enumerable.Range(0, 30), Ids(_ml.Data.ShuffleRows(Items(), seed: 7, shufflePoolSize: 5)).Order());
    }

    [Fact]
    public void A_cache_reads_its_source_once_for_each_column_that_is_asked_for()
    {
        int made = 0;
        IEnumerable<Item> Rows()
        {
            for (int i = 0; i < 10; i++)
            {
                made++;
                yield return new Item { Id = i, Vector = [i] };
            }
        }
        IDataView cached = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Rows()));
        Assert.Equal(0, made);
        Assert.Equal(Enumerable.Range(0, 10), Ids(cached));
        Assert.Equal(Enumerable.Range(0, 10), Ids(cached));
        Assert.Equal(10, made);
        Assert.Equal(10, cached.GetRowCount());
        Assert.Equal([[0], [1], [2]], cached.GetColumn<int[]>("Vector").Take(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.Cache(cached, "nope"));
    }

    [Fact]
    public void The_cursors_of_a_set_share_the_rows_between_them()
    {
        IDataView cached = _ml.Data.Cache(Items());
        DataViewRowCursor[] set = cached.GetRowCursorSet([cached.Schema["Id"]], 4);
        var ids = new List<int>();
        foreach (DataViewRowCursor cursor in set)
        {
            ValueGetter<int> get = cursor.GetGetter<int>(cached.Schema["Id"]);
            int id = 0;
            while (cursor.MoveNext())
            {
                get(ref id);
                ids.Add(id);
            }
            cursor.Dispose();
        }
        Assert.Equal(Enumerable.Range(0, 30), ids.Order());
    }
}
