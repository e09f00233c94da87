using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>Some rows of any view, by their position, in the view's own order; nothing is copied.</summary>
internal sealed class RowSubsetView(IDataView source, BitArray kept, long count) : IDataView
{
    public DataViewSchema Schema => source.Schema;

    // Positions mean something only in the order in which they were counted.
    public bool CanShuffle => false;

    public long? GetRowCount() => count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(source.GetRowCursor(columnsNeeded), kept);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded)];

    private sealed class Cursor(DataViewRowCursor source, BitArray kept) : DataViewRowCursor
    {
        private int _at = -1;
        private long _position = -1;

        public override DataViewSchema Schema => source.Schema;

        public override long Position => _position;

        public override long Batch => source.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => source.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => source.GetGetter<TValue>(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

        public override bool MoveNext()
        {
            while (source.MoveNext())
            {
                _at++;
                if (_at >= kept.Length) break;
                if (!kept[_at]) continue;
                _position++;
                return true;
            }

            _position = -1;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) source.Dispose();
            base.Dispose(disposing);
        }
    }
}
