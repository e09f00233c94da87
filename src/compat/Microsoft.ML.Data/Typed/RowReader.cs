using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Copies columns of a row into the members of a user's object.</summary>
internal sealed class RowReader<TRow> where TRow : class
{
    private readonly (RowMember Member, DataViewSchema.Column Column)[] _bound;

    public RowReader(DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition? definition)
    {
        RowMember[] members = RowMember.Bind(typeof(TRow), definition ?? SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Write));
        var bound = new List<(RowMember, DataViewSchema.Column)>();
        foreach (RowMember member in members)
        {
            if (schema.GetColumnOrNull(member.Column) is not { } column)
            {
                if (ignoreMissingColumns) continue;
                throw new ArgumentOutOfRangeException("Schema", $"There is no column '{member.Column}' in the schema (member '{member.Member.Name}' of {typeof(TRow)}).");
            }
            (Type raw, bool vector) = RowMember.ItemOf(member.Member);
            if (vector != column.Type is VectorDataViewType || ColumnTypes.ItemType(column.Type).RawType != raw)
                throw new InvalidOperationException(
                    $"Column '{column.Name}' of type {column.Type} does not fit member '{member.Member.Name}' of type {member.ValueType}.");
            bound.Add((member, column));
        }
        _bound = [.. bound];
    }

    public IEnumerable<DataViewSchema.Column> Columns => _bound.Select(b => b.Column);

    /// <summary>What fills an object with the row's current values.</summary>
    public Action<TRow> Bind(DataViewRow row)
    {
        Action<TRow>[] setters = [.. _bound.Select(b => Setter(b.Member, row, b.Column))];
        return target =>
        {
            foreach (Action<TRow> setter in setters) setter(target);
        };
    }

    /// <summary>All rows of a view, read lazily.</summary>
    public IEnumerable<TRow> Read(IDataView view, bool reuseRowObject, Func<TRow> create)
    {
        using DataViewRowCursor cursor = view.GetRowCursor(Columns);
        Action<TRow> fill = Bind(cursor);
        TRow? row = null;
        while (cursor.MoveNext())
        {
            if (!reuseRowObject || row is null) row = create();
            fill(row);
            yield return row;
        }
    }

    private static Action<TRow> Setter(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        Type type = member.ValueType;
        if (type == typeof(string)) return Text(member, row, column);
        if (type == typeof(string[])) return Texts(member, row, column);
        string method = type.IsArray ? nameof(Array) : column.Type is VectorDataViewType ? nameof(Vector) : nameof(Scalar);
        return Generic.Call<Action<TRow>>(typeof(RowReader<TRow>), method, null, ColumnTypes.ItemType(column.Type).RawType, member, row, column);
    }

    private static Action<TRow> Text(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<ReadOnlyMemory<char>> get = row.GetGetter<ReadOnlyMemory<char>>(column);
        Action<TRow, string> set = member.Writer<TRow, string>();
        ReadOnlyMemory<char> value = default;
        return target =>
        {
            get(ref value);
            set(target, value.ToString());
        };
    }

    private static Action<TRow> Texts(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> get = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column);
        Func<TRow, string[]?>? read = OldArray<string>(member);
        Action<TRow, string[]> set = member.Writer<TRow, string[]>();
        VBuffer<ReadOnlyMemory<char>> value = default;
        return target =>
        {
            get(ref value);
            string[] texts = Reused(read?.Invoke(target), value.Length);
            foreach (KeyValuePair<int, ReadOnlyMemory<char>> pair in value.Items(all: true)) texts[pair.Key] = pair.Value.ToString();
            set(target, texts);
        };
    }

    private static Action<TRow> Array<T>(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<VBuffer<T>> get = row.GetGetter<VBuffer<T>>(column);
        Func<TRow, T[]?>? read = OldArray<T>(member);
        Action<TRow, T[]> set = member.Writer<TRow, T[]>();
        VBuffer<T> value = default;
        return target =>
        {
            get(ref value);
            T[] items = Reused(read?.Invoke(target), value.Length);
            value.CopyTo(items);
            set(target, items);
        };
    }

    private static Action<TRow> Vector<T>(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<VBuffer<T>> get = row.GetGetter<VBuffer<T>>(column);
        Func<TRow, VBuffer<T>>? read = member.CanRead ? member.Reader<TRow, VBuffer<T>>() : null;
        Action<TRow, VBuffer<T>> set = member.Writer<TRow, VBuffer<T>>();
        return target =>
        {
            // The target's own buffer is filled, so that objects which are kept do not share one.
            VBuffer<T> value = read is null ? default : read(target);
            get(ref value);
            set(target, value);
        };
    }

    private static Action<TRow> Scalar<T>(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> get = row.GetGetter<T>(column);
        Action<TRow, T> set = member.Writer<TRow, T>();
        T value = default!;
        return target =>
        {
            get(ref value);
            set(target, value);
        };
    }

    private static Func<TRow, T[]?>? OldArray<T>(RowMember member) => member.CanRead ? member.Reader<TRow, T[]?>() : null;

    /// <summary>The array that the object already has, where its length fits.</summary>
    private static T[] Reused<T>(T[]? old, int length) => old?.Length == length ? old : new T[length];
}
