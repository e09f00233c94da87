namespace Microsoft.ML.Data;

/// <summary>The objects of an enumerable as rows; every cursor enumerates anew.</summary>
internal sealed class EnumerableView<TRow> : IDataView where TRow : class
{
    private readonly IEnumerable<TRow> _rows;
    private readonly RowMember[] _members;

    public EnumerableView(IEnumerable<TRow> rows, SchemaDefinition? definition)
    {
        _rows = rows;
        _members = RowMember.Bind(typeof(TRow), definition ?? SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read));
        Schema = RowMember.Schema(_members);
    }

    public DataViewSchema Schema { get; }
    public bool CanShuffle => false;
    public long? GetRowCount() => (_rows as ICollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, Schema.Mask(columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursor
    {
        private readonly IEnumerator<TRow> _enumerator;
        private readonly RowSlot<TRow> _slot = new();
        private readonly Delegate?[] _getters;

        public Cursor(EnumerableView<TRow> view, bool[] active) : base(view.Schema, active)
        {
            _getters = [.. view._members.Select((m, i) => active[i] ? TypedGetters.Create(m, _slot) : null)];
            _enumerator = view._rows.GetEnumerator();
        }

        protected override Delegate GetterOf(int column) => _getters[column]!;

        protected override bool Advance()
        {
            bool any = _enumerator.MoveNext();
            _slot.Row = any ? _enumerator.Current ?? throw new InvalidOperationException("The enumerable holds a null row.") : null;
            return any;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _enumerator.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>One row that the caller fills again and again: what a prediction engine feeds its transformer with.</summary>
internal sealed class InputRow<TRow> : DataViewRow where TRow : class
{
    private readonly RowSlot<TRow> _slot = new();
    private readonly Delegate[] _getters;
    private long _position = -1;

    public InputRow(SchemaDefinition? definition)
    {
        RowMember[] members = RowMember.Bind(typeof(TRow), definition ?? SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read));
        Schema = RowMember.Schema(members);
        _getters = [.. members.Select(m => TypedGetters.Create(m, _slot))];
    }

    public override DataViewSchema Schema { get; }
    public override long Position => _position;
    public override long Batch => 0;
    public override bool IsColumnActive(DataViewSchema.Column column) => true;
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Getters.As<TValue>(_getters[column.Index], column);
    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

    public void Set(TRow row)
    {
        _slot.Row = row;
        _position++;
    }
}
