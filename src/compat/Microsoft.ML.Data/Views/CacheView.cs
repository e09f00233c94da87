namespace Microsoft.ML.Data;

/// <summary>Keeps the columns that were asked for in memory; each is read from the source once, when first needed.</summary>
internal sealed class CacheView : SameColumnsView
{
    private readonly Lock _lock = new();
    private readonly ColumnStore?[] _columns;
    private long? _rowCount;

    public CacheView(IDataView source, IEnumerable<DataViewSchema.Column>? prefetch = null) : base(source)
    {
        _columns = new ColumnStore?[source.Schema.Count];
        _rowCount = source.GetRowCount();
        DataViewSchema.Column[] first = prefetch?.ToArray() ?? [];
        if (first.Length > 0) Fill(source.Schema.Mask(first));
    }

    public override bool CanShuffle => true;

    public override long? GetRowCount() => _rowCount;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        int count = Fill(active);
        int[]? order = null;
        if (rand is not null)
        {
            order = [.. Enumerable.Range(0, count)];
            rand.Shuffle(order);
        }
        return new Cursor(this, active, order, 0, count, 0);
    }

    /// <summary>Consecutive parts; the batch is the part's number, so that they can be put together in order.</summary>
    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        int count = Fill(active), parts = Math.Max(1, Math.Min(n, count));
        if (parts == 1 || rand is not null) return [GetRowCursor(columnsNeeded, rand)];
        return [.. Enumerable.Range(0, parts).Select(i => new Cursor(this, active, null, (int)((long)count * i / parts), (int)((long)count * (i + 1) / parts), i))];
    }

    /// <summary>Reads what is active and not there yet; returns the number of rows.</summary>
    private int Fill(bool[] active)
    {
        lock (_lock)
        {
            DataViewSchema.Column[] missing = [.. Schema.Where(c => active[c.Index] && _columns[c.Index] is null)];
            if (missing.Length == 0 && _rowCount is not null) return checked((int)_rowCount.Value);
            using DataViewRowCursor cursor = Source.GetRowCursor(missing);
            ColumnStore[] stores = [.. missing.Select(c => ColumnStore.For(c.Type))];
            Action[] append = [.. missing.Select((c, i) => stores[i].Appender(cursor, c))];
            int count = 0;
            for (; cursor.MoveNext(); count = checked(count + 1))
                foreach (Action action in append) action();
            for (int i = 0; i < missing.Length; i++)
            {
                stores[i].Trim();
                _columns[missing[i].Index] = stores[i];
            }
            _rowCount = count;
            return count;
        }
    }

    private sealed class Cursor(CacheView view, bool[] active, int[]? order, int first, int end, long batch) : RootCursor(view.Schema, active)
    {
        private int _next = first;

        public override long Batch => batch;

        private int Row()
        {
            Contracts.Check(Position >= 0, "The cursor is not on a row: call MoveNext first.");
            return order is null ? _next - 1 : order[_next - 1];
        }

        protected override long RowNumber() => Row();

        protected override Delegate GetterOf(int column) => view._columns[column]!.Getter(Row);

        protected override bool Advance()
        {
            if (_next >= end) return false;
            _next++;
            return true;
        }
    }
}
