namespace Microsoft.ML.Data;

/// <summary>Typed access to getters that are kept as plain delegates.</summary>
internal static class Getters
{
    public static ValueGetter<T> As<T>(Delegate getter, DataViewSchema.Column column) =>
        getter as ValueGetter<T> ?? throw new InvalidOperationException(
            $"Column '{column.Name}' of type {column.Type} was asked for as '{typeof(T)}'; its values are '{getter.GetType().GetGenericArguments()[0]}'.");

    /// <summary>The untyped getter of a column whose raw type is known only at run time.</summary>
    public static Delegate Untyped(DataViewRow row, DataViewSchema.Column column) =>
        Generic.Call<Delegate>(typeof(Getters), nameof(Get), null, column.Type.RawType, row, column);

    private static Delegate Get<T>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<T>(column);
}

/// <summary>A cursor that reads rows from somewhere that is not another cursor.</summary>
internal abstract class RootCursor(DataViewSchema schema, bool[] active) : DataViewRowCursor
{
    private long _position = -1;
    private bool _ended;

    public sealed override DataViewSchema Schema => schema;
    public sealed override long Position => _position;
    public override long Batch => 0;
    protected bool Active(int column) => active[column];

    public sealed override bool IsColumnActive(DataViewSchema.Column column)
    {
        if ((uint)column.Index >= (uint)active.Length) throw new InvalidOperationException($"Column index {column.Index} is outside 0..{active.Length - 1}.");
        return active[column.Index];
    }

    public sealed override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Contracts.CheckParam(IsColumnActive(column), nameof(column), $"Column '{column.Name}' was not asked for when the cursor was made.");
        return Getters.As<TValue>(GetterOf(column.Index), column);
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)RowNumber(), 0);

    /// <summary>The current row's place in the source, which is its identity.</summary>
    protected virtual long RowNumber() =>
        _position >= 0 ? _position : throw new InvalidOperationException("The cursor is not on a row: call MoveNext first.");

    protected abstract Delegate GetterOf(int column);
    protected abstract bool Advance();

    public sealed override bool MoveNext()
    {
        if (_ended) return false;
        if (Advance())
        {
            _position++;
            return true;
        }
        _ended = true;
        _position = -1;
        return false;
    }
}

/// <summary>A cursor over the rows of another one: the same rows, or some of them.</summary>
internal abstract class WrappedCursor(DataViewRowCursor input) : DataViewRowCursor
{
    protected DataViewRowCursor Input { get; } = input;
    private bool _disposed;

    public override long Position => Input.Position;
    public override long Batch => Input.Batch;
    public override DataViewSchema Schema => Input.Schema;
    public override bool IsColumnActive(DataViewSchema.Column column) => Input.IsColumnActive(column);
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Input.GetGetter<TValue>(column);
    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();
    public override bool MoveNext() => Input.MoveNext();

    protected override void Dispose(bool disposing)
    {
        if (!_disposed && disposing)
        {
            _disposed = true;
            Input.Dispose();
        }
        base.Dispose(disposing);
    }
}
