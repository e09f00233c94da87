using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>A lazy, typed, possibly endless table: rows exist only while a cursor stands on them.</summary>
public interface IDataView
{
    bool CanShuffle { get; }

    /// <summary>The number of rows when it is known without work, else null.</summary>
    long? GetRowCount();

    /// <summary>A cursor over all rows; only <paramref name="columnsNeeded"/> can be read from it.</summary>
    DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null);

    /// <summary>About <paramref name="n"/> cursors that share the rows among them; <see cref="DataViewRow.Batch"/> restores the order.</summary>
    DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null);

    DataViewSchema Schema { get; }
}

/// <summary>Fetches the current row's value into a variable that the caller reuses from row to row.</summary>
public delegate void ValueGetter<TValue>(ref TValue value);

/// <summary>One row: of a cursor, or standing alone.</summary>
public abstract class DataViewRow : IDisposable
{
    /// <summary>-1 while there is no current row, else it grows by one a row.</summary>
    public abstract long Position { get; }

    /// <summary>Grows along a cursor; rows of a lower batch come earlier in the serial order. Unique to one cursor of a set.</summary>
    public abstract long Batch { get; }

    public abstract ValueGetter<DataViewRowId> GetIdGetter();

    public abstract bool IsColumnActive(DataViewSchema.Column column);

    public abstract ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column);

    public abstract DataViewSchema Schema { get; }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}

/// <summary>A row that moves: before the first row at the start, true from <see cref="MoveNext"/> as long as it stands on one.</summary>
public abstract class DataViewRowCursor : DataViewRow
{
    public abstract bool MoveNext();
}
