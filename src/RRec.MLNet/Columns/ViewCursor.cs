using Microsoft.ML;

namespace RRec.MLNet;

/// <summary>
/// What our cursors have in common: which columns are active, the checks that ML.NET makes in <c>GetGetter</c>, one getter per column.
/// (ML.NET's own base class of cursors is internal.)
/// </summary>
internal abstract class ViewCursor : DataViewRowCursor
{
    private readonly bool[] _active;
    private readonly Delegate?[] _getters;

    protected ViewCursor(DataViewSchema schema, IEnumerable<DataViewSchema.Column> needed)
    {
        Schema = schema;
        _active = Active(schema, needed);
        _getters = new Delegate?[schema.Count];
    }

    public sealed override DataViewSchema Schema { get; }

    public sealed override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _active.Length && _active[column.Index];

    public sealed override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column)) throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' was not asked for when the cursor was made.");
        Delegate getter = _getters[column.Index] ??= MakeGetter(Schema[column.Index]);
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' is {column.Type}: a getter of {column.Type.RawType} was expected, not of {typeof(TValue)}.");
    }

    /// <summary>A <c>ValueGetter</c> of the column's raw type.</summary>
    protected abstract Delegate MakeGetter(DataViewSchema.Column column);

    /// <summary>One flag per column of a schema.</summary>
    public static bool[] Active(DataViewSchema schema, IEnumerable<DataViewSchema.Column> needed)
    {
        bool[] active = new bool[schema.Count];
        foreach (DataViewSchema.Column column in needed)
            if (column.Index >= 0 && column.Index < active.Length) active[column.Index] = true;
        return active;
    }
}
