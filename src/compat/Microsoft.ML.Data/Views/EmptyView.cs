namespace Microsoft.ML.Data;

/// <summary>A view of a schema alone, without rows.</summary>
internal sealed class EmptyView(DataViewSchema schema) : IDataView
{
    public DataViewSchema Schema => schema;
    public bool CanShuffle => true;
    public long? GetRowCount() => 0;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(schema, schema.Mask(columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewSchema schema, bool[] active) : RootCursor(schema, active)
    {
        protected override bool Advance() => false;

        protected override Delegate GetterOf(int column) => Generic.Call<Delegate>(typeof(Cursor), nameof(NoRow), null, Schema[column].Type.RawType);

        private static Delegate NoRow<T>() =>
            (ValueGetter<T>)((ref T _) => throw new InvalidOperationException("The cursor is not on a row: this view has none."));
    }
}
