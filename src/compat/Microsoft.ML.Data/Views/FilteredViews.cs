namespace Microsoft.ML.Data;

/// <summary>A view with the columns of another one.</summary>
internal abstract class SameColumnsView(IDataView source) : IDataView
{
    protected IDataView Source { get; } = source;
    public DataViewSchema Schema => Source.Schema;
    public virtual bool CanShuffle => Source.CanShuffle;
    public abstract long? GetRowCount();
    public abstract DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null);

    public virtual DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}

/// <summary>A cursor over some rows of another one; it may need more columns active in its input than it gives.</summary>
internal abstract class FilterCursor(DataViewRowCursor input, bool[] active) : WrappedCursor(input)
{
    private long _position = -1;
    private bool _ended;

    public sealed override long Position => _position;
    public sealed override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

    public sealed override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Contracts.Check(IsColumnActive(column), $"Column '{column.Name}' was not asked for when the cursor was made.");
        return base.GetGetter<TValue>(column);
    }

    protected abstract bool Accept();

    public override bool MoveNext()
    {
        while (!_ended && Input.MoveNext())
        {
            if (!Accept()) continue;
            _position++;
            return true;
        }
        _ended = true;
        _position = -1;
        return false;
    }
}

/// <summary>The rows whose number lies in [min, max) or, as the options say, in another interval of the two, or outside of it. Not-a-number lies nowhere.</summary>
internal sealed class RangeView : SameColumnsView
{
    private readonly DataViewSchema.Column _column;
    private readonly double _min, _max;
    private readonly bool _includeMax, _outside;

    public RangeView(IDataView source, DataViewSchema.Column column, double min, double max, bool includeMax = false, bool outside = false) : base(source)
    {
        (_column, _min, _max, _includeMax, _outside) = (column, min, max, includeMax, outside);
        if (!IsValidColumn(column.Type))
            throw new ArgumentOutOfRangeException("Column", $"Rows cannot be filtered by column '{column.Name}' of type {column.Type}: it must be Single, Double or a key.");
    }

    public static bool IsValidColumn(DataViewType type) => type.Equals(NumberDataViewType.Single) || type.Equals(NumberDataViewType.Double) || type is KeyDataViewType;

    public override long? GetRowCount() => null;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        return new Cursor(Source.GetRowCursor(Needed(active), rand), active, this);
    }

    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        return [.. Source.GetRowCursorSet(Needed(active), n, rand).Select(c => new Cursor(c, active, this))];
    }

    private IEnumerable<DataViewSchema.Column> Needed(bool[] active) => Schema.Where(c => active[c.Index] || c.Index == _column.Index);

    private bool Accepts(double value)
    {
        bool aboveMin = value >= _min, belowMax = _includeMax ? value <= _max : value < _max;
        return _outside ? value < _min || value > _max || (value == _max && !_includeMax) : aboveMin && belowMax;
    }

    private sealed class Cursor(DataViewRowCursor input, bool[] active, RangeView parent) : FilterCursor(input, active)
    {
        private readonly Func<double> _value = Generic.Call<Func<double>>(typeof(Cursor), nameof(Value), null, parent._column.Type.RawType, input, parent._column);

        protected override bool Accept() => parent.Accepts(_value());

        /// <summary>A key's value is its place among the keys, as a fraction; a missing key is not-a-number.</summary>
        private static Func<double> Value<T>(DataViewRow row, DataViewSchema.Column column) where T : unmanaged
        {
            ValueGetter<T> get = row.GetGetter<T>(column);
            T value = default;
            if (column.Type is KeyDataViewType key)
            {
                return () =>
                {
                    get(ref value);
                    ulong index = TypedGetters.Widen(value);
                    return index == 0 || index > key.Count ? double.NaN : (index - 0.5) / key.Count;
                };
            }
            return () =>
            {
                get(ref value);
                return value is float single ? single : (double)(object)value;
            };
        }
    }
}

/// <summary>The rows after the first <c>skip</c> ones, at most <c>take</c> of them.</summary>
internal sealed class SkipTakeView(IDataView source, long skip, long take) : SameColumnsView(source)
{
    public override bool CanShuffle => false;

    public override long? GetRowCount() => Source.GetRowCount() is { } count ? Math.Min(Math.Max(0, count - skip), take) : null;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(Source.GetRowCursor(columnsNeeded), skip, take);

    private sealed class Cursor(DataViewRowCursor input, long skip, long take) : WrappedCursor(input)
    {
        private long _position = -1;
        private bool _started, _ended;

        public override long Position => _position;

        public override bool MoveNext()
        {
            if (_ended) return false;
            if (!_started)
            {
                _started = true;
                for (long i = 0; i < skip; i++)
                    if (!Input.MoveNext()) return End();
            }
            if (_position + 1 >= take || !Input.MoveNext()) return End();
            _position++;
            return true;
        }

        private bool End()
        {
            _ended = true;
            _position = -1;
            return false;
        }
    }
}
