using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class CursorTests
{
    private readonly MLContext _ml = new(1);

    [GoldenFact(Recorded.Folder)]
    public void A_cursor_over_objects_behaves_as_recorded()
    {
        var log = new List<string>();
        var thrown = new List<(string?, string?)>();
        IDataView view = _ml.Data.LoadFromEnumerable(Row.Three);
        DataViewSchema.Column text = view.Schema["Text"], fixedColumn = view.Schema["Fixed"];
        using (DataViewRowCursor cursor = view.GetRowCursor([text, fixedColumn]))
        {
            log.Add($"Position at start: {cursor.Position}");
            log.Add($"Batch: {cursor.Batch}");
            log.Add($"IsColumnActive(Text): {cursor.IsColumnActive(text)}");
            log.Add($"IsColumnActive(Number): {cursor.IsColumnActive(view.Schema["Number"])}");
            thrown.Add(Recorded.Exception(() => cursor.GetGetter<float>(view.Schema["Number"])));
            thrown.Add(Recorded.Exception(() => cursor.GetGetter<float>(text)));
            thrown.Add(Recorded.Exception(() => cursor.GetGetter<float>(fixedColumn)));
            ValueGetter<ReadOnlyMemory<char>> getText = cursor.GetGetter<ReadOnlyMemory<char>>(text);
            ValueGetter<VBuffer<float>> getFixed = cursor.GetGetter<VBuffer<float>>(fixedColumn);
            ValueGetter<DataViewRowId> getId = cursor.GetIdGetter();
            ReadOnlyMemory<char> textValue = default;
            VBuffer<float> fixedValue = default;
            DataViewRowId id = default;
            thrown.Add(Recorded.Exception(() => getText(ref textValue)));
            while (cursor.MoveNext())
            {
                getText(ref textValue);
                getFixed(ref fixedValue);
                getId(ref id);
                log.Add($"row {cursor.Position}: Text=\"{textValue}\" Fixed=[{string.Join(",", fixedValue.DenseValues())}] dense={fixedValue.IsDense} id={id} batch={cursor.Batch}");
            }
            log.Add($"Position at the end: {cursor.Position}");
            log.Add($"MoveNext again: {cursor.MoveNext()}");
            thrown.Add(Recorded.Exception(() => getText(ref textValue)));
        }
        var recorded = Recorded.At("cursors", "LoadFromEnumerable").EnumerateArray().ToArray();
        Assert.Equal(recorded.Where(e => e.ValueKind == System.Text.Json.JsonValueKind.String).Select(e => e.GetString()), log);
        Assert.Equal(recorded.Where(e => e.ValueKind == System.Text.Json.JsonValueKind.Object).Select(e => Recorded.Exception(e.EnumerateObject().Single().Value)), thrown);
    }

    [GoldenFact(Recorded.Folder)]
    public void Row_counts_shuffling_and_cursor_sets_are_as_recorded()
    {
        IDataView array = _ml.Data.LoadFromEnumerable(Row.Three);
        IDataView stream = _ml.Data.LoadFromEnumerable(Row.Three.Where(r => r.Text != "never"));
        IDataView mapped = _ml.Transforms.CopyColumns("Copy", "Text").Fit(array).Transform(array);
        DataViewRowCursor[] set = array.GetRowCursorSet(array.Schema, 4);
        Assert.Equal(Recorded.At("cursors", "GetRowCursorSet(n=4).Length").GetInt32(), set.Length);
        Assert.Equal(Recorded.At("cursors", "GetRowCount of an array").GetInt64(), array.GetRowCount());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, Recorded.At("cursors", "GetRowCount of an enumerable without count").ValueKind);
        Assert.Null(stream.GetRowCount());
        Assert.Equal(Recorded.At("cursors", "CanShuffle").GetBoolean(), array.CanShuffle);
        Assert.Equal(Recorded.At("cursors", "GetRowCount of a transformed view").GetInt64(), mapped.GetRowCount());
        Assert.Equal(Recorded.At("cursors", "CanShuffle of a transformed view").GetBoolean(), mapped.CanShuffle);
        Assert.Equal(Recorded.At("cursors", "TakeRows(2).GetRowCount").GetInt64(), _ml.Data.TakeRows(array, 2).GetRowCount());
        Assert.Equal(Recorded.At("cursors", "Preview(2)").GetString(), array.Preview(2).ToString());
        foreach (DataViewRowCursor cursor in set) cursor.Dispose();
    }

    [Fact]
    public void Only_the_columns_that_were_asked_for_are_active_behind_a_transformer()
    {
        var source = new Spy(_ml.Data.LoadFromEnumerable(Row.Three));
        IDataView view = _ml.Transforms.CopyColumns("Copy", "Text").Fit(source).Transform(source);
        using (view.GetRowCursor([view.Schema["Number"]])) Assert.Equal(["Number"], source.Asked);
        using (view.GetRowCursor([view.Schema["Copy"], view.Schema["Int"]])) Assert.Equal(["Int", "Text"], source.Asked);
    }

    [Fact]
    public void A_column_read_as_an_array_is_a_new_array_for_each_row()
    {
        float[][] vectors = [.. _ml.Data.LoadFromEnumerable(Row.Three).GetColumn<float[]>("Fixed")];
        Assert.Equal([[1f, 2f, 3f], [4f, 5f, 6f], [0f, 0f, 9f]], vectors);
    }

    /// <summary>A view that remembers which columns its last cursor was asked for.</summary>
    private sealed class Spy(IDataView inner) : IDataView
    {
        public string[] Asked { get; private set; } = [];

        public bool CanShuffle => inner.CanShuffle;
        public DataViewSchema Schema => inner.Schema;
        public long? GetRowCount() => inner.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => inner.GetRowCursor(Remember(columnsNeeded), rand);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            inner.GetRowCursorSet(Remember(columnsNeeded), n, rand);

        private DataViewSchema.Column[] Remember(IEnumerable<DataViewSchema.Column> columns)
        {
            DataViewSchema.Column[] all = [.. columns];
            Asked = [.. all.Select(c => c.Name)];
            return all;
        }
    }
}
