namespace Microsoft.ML.Data;

/// <summary>How a transformer computes its columns from a row, once it is bound to an input schema.</summary>
internal interface IRowMapper
{
    /// <summary>Which input columns the wanted outputs (indexes into <see cref="GetOutputColumns"/>) need.</summary>
    Func<int, bool> GetDependencies(Func<int, bool> activeOutput);

    /// <summary>A getter for each output, null for those that are not wanted.</summary>
    Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action? disposer);

    DataViewSchema.DetachedColumn[] GetOutputColumns();
}

/// <summary>Where input columns and added columns lie in the joint schema: a new name goes to the end, a name that exists goes right after the column that it hides.</summary>
internal sealed class AddedColumns
{
    private readonly int[] _sourceOf; // of each output column: the input's index, or ~index among the added
    private readonly int[] _placeOf;  // of each added column

    public AddedColumns(DataViewSchema input, DataViewSchema.DetachedColumn[] added)
    {
        Input = input;
        var order = Enumerable.Range(0, input.Count).ToList();
        string Name(int source) => source >= 0 ? input[source].Name : added[~source].Name;
        for (int i = 0; i < added.Length; i++)
        {
            int same = order.FindLastIndex(s => Name(s) == added[i].Name);
            order.Insert(same < 0 ? order.Count : same + 1, ~i);
        }
        _sourceOf = [.. order];
        _placeOf = [.. Enumerable.Range(0, added.Length).Select(i => order.IndexOf(~i))];
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(order.Select(s => s >= 0 ? new DataViewSchema.DetachedColumn(input[s]) : added[~s]));
        Output = builder.ToSchema();
    }

    public DataViewSchema Input { get; }
    public DataViewSchema Output { get; }

    /// <summary>The input column behind an output column, or null: then <paramref name="added"/> tells which added one it is.</summary>
    public DataViewSchema.Column? Source(int column, out int added)
    {
        int source = _sourceOf[column];
        added = ~source;
        return source >= 0 ? Input[source] : null;
    }

    public Func<int, bool> ActiveAdded(bool[] active) => added => active[_placeOf[added]];

    /// <summary>The input columns that the active outputs need: those passed through and those that the mapper reads.</summary>
    public IEnumerable<DataViewSchema.Column> Needed(bool[] active, IRowMapper mapper)
    {
        Func<int, bool> read = mapper.GetDependencies(ActiveAdded(active));
        var passed = new bool[Input.Count];
        for (int i = 0; i < _sourceOf.Length; i++)
            if (_sourceOf[i] >= 0 && active[i]) passed[_sourceOf[i]] = true;
        return Input.Where(c => passed[c.Index] || read(c.Index));
    }
}

/// <summary>A view whose rows are the input's rows with a mapper's columns added; nothing is computed for columns that nobody asked for.</summary>
internal sealed class RowToRowMapperTransform : IDataView, IRowToRowMapper
{
    private readonly IDataView _source;
    private readonly IRowMapper _mapper;
    private readonly AddedColumns _columns;

    public RowToRowMapperTransform(IDataView source, IRowMapper mapper)
    {
        _source = source;
        _mapper = mapper;
        _columns = new AddedColumns(source.Schema, mapper.GetOutputColumns());
    }

    public static DataViewSchema GetOutputSchema(DataViewSchema inputSchema, IRowMapper mapper) =>
        new AddedColumns(inputSchema, mapper.GetOutputColumns()).Output;

    public DataViewSchema Schema => _columns.Output;
    public DataViewSchema InputSchema => _columns.Input;
    public DataViewSchema OutputSchema => _columns.Output;
    public bool CanShuffle => _source.CanShuffle;
    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        return new Cursor(_source.GetRowCursor(_columns.Needed(active, _mapper), rand), this, active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        DataViewRowCursor[] inputs = _source.GetRowCursorSet(_columns.Needed(active, _mapper), n, rand);
        return [.. inputs.Select(input => new Cursor(input, this, active))];
    }

    IEnumerable<DataViewSchema.Column> IRowToRowMapper.GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        _columns.Needed(Schema.Mask(dependingColumns), _mapper);

    DataViewRow IRowToRowMapper.GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Contracts.CheckRef(input, nameof(input));
        Contracts.CheckRef(activeColumns, nameof(activeColumns));
        if (input.Schema != InputSchema) throw new InvalidOperationException("The row's schema is not the one that this mapper was made for.");
        return new Row(input, this, Schema.Mask(activeColumns));
    }

    /// <summary>The added columns of one row or cursor, with what they must give back at the end.</summary>
    private sealed class Added
    {
        private readonly RowToRowMapperTransform _parent;
        private readonly DataViewRow _input;
        private readonly Delegate?[] _getters;
        private Action? _disposer;

        public Added(RowToRowMapperTransform parent, DataViewRow input, bool[] active)
        {
            (_parent, _input) = (parent, input);
            _getters = parent._mapper.CreateGetters(input, parent._columns.ActiveAdded(active), out _disposer);
        }

        public ValueGetter<T> Getter<T>(DataViewSchema.Column column) => _parent._columns.Source(column.Index, out int added) is { } source
            ? _input.GetGetter<T>(source)
            : Getters.As<T>(_getters[added]!, column);

        public void Dispose()
        {
            _disposer?.Invoke();
            _disposer = null;
        }
    }

    private sealed class Cursor : WrappedCursor
    {
        private readonly RowToRowMapperTransform _parent;
        private readonly bool[] _active;
        private readonly Added _added;

        public Cursor(DataViewRowCursor input, RowToRowMapperTransform parent, bool[] active) : base(input) =>
            (_parent, _active, _added) = (parent, active, new Added(parent, input, active));

        public override DataViewSchema Schema => _parent.Schema;
        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw new InvalidOperationException($"Column '{column.Name}' was not asked for when the cursor was made.");
            return _added.Getter<TValue>(column);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _added.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Row(DataViewRow input, RowToRowMapperTransform parent, bool[] active) : DataViewRow
    {
        private readonly Added _added = new(parent, input, active);
        private bool _disposed;

        public override DataViewSchema Schema => parent.Schema;
        public override long Position => input.Position;
        public override long Batch => input.Batch;
        public override bool IsColumnActive(DataViewSchema.Column column) =>
            parent._columns.Source(column.Index, out _) is { } source ? input.IsColumnActive(source) : active[column.Index];
        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw new InvalidOperationException($"Column '{column.Name}' is not active in this row.");
            return _added.Getter<TValue>(column);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                _disposed = true;
                _added.Dispose();
                input.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
