namespace Microsoft.ML.Data;

/// <summary>
/// The rows in random order, through a pool of bounded size: each row that is given out makes place for the next one of the source.
/// With a pool at least as large as the data every order is equally likely; the same seed gives the same order.
/// </summary>
internal sealed class ShuffleView(IDataView source, int seed, int poolSize, bool shuffleSource) : SameColumnsView(source)
{
    public override bool CanShuffle => true;

    public override long? GetRowCount() => Source.GetRowCount();

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        Random random = rand ?? new Random(seed);
        bool[] active = Schema.Mask(columnsNeeded);
        DataViewRowCursor input = Source.GetRowCursor(Schema.Where(active), shuffleSource && Source.CanShuffle ? random : null);
        return new Cursor(Schema, active, input, random, poolSize);
    }

    private sealed class Cursor : RootCursor
    {
        private readonly DataViewRowCursor _input;
        private readonly Random _random;
        private readonly int _poolSize;
        private readonly ColumnStore?[] _columns;
        private readonly Action[] _append;
        private readonly Action<int>[] _replace;
        private readonly List<DataViewRowId> _ids = [];
        private readonly ValueGetter<DataViewRowId> _id;
        private readonly List<int> _waiting = []; // places in the pool that hold rows not given out yet
        private int _current = -1;

        public Cursor(DataViewSchema schema, bool[] active, DataViewRowCursor input, Random random, int poolSize) : base(schema, active)
        {
            (_input, _random, _poolSize) = (input, random, poolSize);
            _columns = [.. schema.Select(c => active[c.Index] ? ColumnStore.For(c.Type) : null)];
            _append = [.. schema.Where(active).Select(c => _columns[c.Index]!.Appender(input, c))];
            _replace = [.. schema.Where(active).Select(c => _columns[c.Index]!.Replacer(input, c))];
            _id = input.GetIdGetter();
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _ids[Row()];

        protected override Delegate GetterOf(int column) => _columns[column]!.Getter(Row);

        private int Row() => _current >= 0 ? _current : throw new InvalidOperationException("The cursor is not on a row: call MoveNext first.");

        protected override bool Advance()
        {
            DataViewRowId id = default;
            if (_current < 0)
            {
                while (_ids.Count < _poolSize && _input.MoveNext())
                {
                    foreach (Action append in _append) append();
                    _id(ref id);
                    _waiting.Add(_ids.Count);
                    _ids.Add(id);
                }
            }
            else if (_input.MoveNext())
            {
                // The place of the row that was given out last is free now.
                foreach (Action<int> replace in _replace) replace(_current);
                _id(ref id);
                _ids[_current] = id;
                _waiting.Add(_current);
            }
            if (_waiting.Count == 0)
            {
                _current = -1;
                return false;
            }
            int pick = _random.Next(_waiting.Count);
            _current = _waiting[pick];
            _waiting[pick] = _waiting[^1];
            _waiting.RemoveAt(_waiting.Count - 1);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _input.Dispose();
            base.Dispose(disposing);
        }
    }
}
