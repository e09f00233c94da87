using System.Collections.Immutable;

namespace Microsoft.ML.Data
{
    public static class ColumnCursorExtensions
    {
        public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName) =>
            data.GetColumn<T>(Contracts.CheckRef(data, nameof(data)).Schema[Contracts.CheckNonEmpty(columnName, nameof(columnName))]);

        /// <summary>A column's values: in the column's own type, text also as string, vectors also as arrays (of strings).</summary>
        public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
        {
            Contracts.CheckRef(data, nameof(data));
            if (typeof(T) == column.Type.RawType) return Read<T, T>(data, column, value => value);
            if (typeof(T) == typeof(string) && column.Type is TextDataViewType) return Read<ReadOnlyMemory<char>, T>(data, column, value => (T)(object)value.ToString());
            if (typeof(T).IsArray && column.Type is VectorDataViewType vector)
            {
                Type item = typeof(T).GetElementType()!;
                if (item == typeof(string) && vector.ItemType is TextDataViewType)
                    return Read<VBuffer<ReadOnlyMemory<char>>, T>(data, column, value => (T)(object)value.DenseValues().Select(v => v.ToString()).ToArray());
                if (item == vector.ItemType.RawType)
                    return Generic.Call<IEnumerable<T>>(typeof(ColumnCursorExtensions), nameof(Arrays), null, item, data, column);
            }
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' of type {column.Type} cannot be read as {typeof(T)}.");
        }

        private static IEnumerable<TItem[]> Arrays<TItem>(IDataView data, DataViewSchema.Column column) =>
            Read<VBuffer<TItem>, TItem[]>(data, column, value => value.DenseValues().ToArray());

        private static IEnumerable<TResult> Read<TRaw, TResult>(IDataView data, DataViewSchema.Column column, Func<TRaw, TResult> convert)
        {
            using DataViewRowCursor cursor = data.GetRowCursor([column]);
            ValueGetter<TRaw> get = cursor.GetGetter<TRaw>(column);
            while (cursor.MoveNext())
            {
                TRaw value = default!; // a new one for each row: a vector must not be overwritten by the next
                get(ref value);
                yield return convert(value);
            }
        }
    }

    public static class SchemaAnnotationsExtensions
    {
        public static bool HasSlotNames(this DataViewSchema.Column column) =>
            column.Type is VectorDataViewType { Size: > 0 } vector && column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.SlotNames)?.Type
                is VectorDataViewType { ItemType: TextDataViewType } names && names.Size == vector.Size;

        public static void GetSlotNames(this DataViewSchema.Column column, ref VBuffer<ReadOnlyMemory<char>> slotNames) =>
            column.Annotations.GetValue(AnnotationUtils.Kinds.SlotNames, ref slotNames);

        public static bool HasKeyValues(this DataViewSchema.Column column, PrimitiveDataViewType? keyValueItemType = null) =>
            ColumnTypes.ItemType(column.Type) is KeyDataViewType key && column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type
                is VectorDataViewType values && (ulong)values.Size == key.Count && values.ItemType.Equals(keyValueItemType ?? TextDataViewType.Instance);

        public static void GetKeyValues<TValue>(this DataViewSchema.Column column, ref VBuffer<TValue> keyValues) =>
            column.Annotations.GetValue(AnnotationUtils.Kinds.KeyValues, ref keyValues);
    }

    /// <summary>The first rows of a view, for looking at in a debugger.</summary>
    public sealed class DataDebuggerPreview
    {
        internal DataDebuggerPreview(IDataView data, int maxRows)
        {
            Contracts.CheckRef(data, nameof(data));
            Contracts.CheckParam(maxRows >= 0, nameof(maxRows), "The number of rows must not be negative.");
            Schema = data.Schema;
            var columns = Schema.Select(_ => new List<object>()).ToArray();
            var rows = new List<RowInfo>();
            using (DataViewRowCursor cursor = data.GetRowCursor(Schema))
            {
                Func<object>[] read = [.. Schema.Select(c => Generic.Call<Func<object>>(typeof(DataDebuggerPreview), nameof(Reader), null, c.Type.RawType, cursor, c))];
                while (rows.Count < maxRows && cursor.MoveNext())
                {
                    object[] values = [.. read.Select(r => r())];
                    for (int i = 0; i < values.Length; i++) columns[i].Add(values[i]);
                    rows.Add(new RowInfo([.. Schema.Select((c, i) => KeyValuePair.Create(c.Name, values[i]))]));
                }
            }
            RowView = [.. rows];
            ColumnView = [.. Schema.Select((c, i) => new ColumnInfo(c, [.. columns[i]]))];
        }

        public DataViewSchema Schema { get; }
        public ImmutableArray<ColumnInfo> ColumnView { get; }
        public ImmutableArray<RowInfo> RowView { get; }

        public override string ToString() => $"{Schema.Count} columns, {RowView.Length} rows";

        private static Func<object> Reader<T>(DataViewRow row, DataViewSchema.Column column)
        {
            ValueGetter<T> get = row.GetGetter<T>(column);
            return () =>
            {
                T value = default!;
                get(ref value);
                return value!;
            };
        }

        public sealed class ColumnInfo
        {
            internal ColumnInfo(DataViewSchema.Column column, object[] values) => (Column, Values) = (column, values);

            public DataViewSchema.Column Column { get; }
            public object[] Values { get; }

            public override string ToString() => $"{Column.Name}: {Column.Type}";
        }

        public sealed class RowInfo
        {
            internal RowInfo(KeyValuePair<string, object>[] values) => Values = values;

            public KeyValuePair<string, object>[] Values { get; }

            public override string ToString() => $"{Values.Length} columns";
        }
    }
}

namespace Microsoft.ML
{
    using Microsoft.ML.Data;

    public static class DebuggerExtensions
    {
        public static DataDebuggerPreview Preview(this IDataView data, int maxRows = 100) => new(data, maxRows);
    }
}
