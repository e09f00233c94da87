namespace Microsoft.ML.Data;

/// <summary>A growing list of one column's values: how rows are kept by the views that must hold some of them.</summary>
internal abstract class ColumnStore
{
    public static ColumnStore For(DataViewType type) => type is VectorDataViewType vector
        ? (ColumnStore)Activator.CreateInstance(typeof(Vectors<>).MakeGenericType(vector.ItemType.RawType))!
        : (ColumnStore)Activator.CreateInstance(typeof(Scalars<>).MakeGenericType(type.RawType))!;

    /// <summary>What appends the row's value.</summary>
    public abstract Action Appender(DataViewRow row, DataViewSchema.Column column);

    /// <summary>What overwrites the value at an index with the row's.</summary>
    public abstract Action<int> Replacer(DataViewRow row, DataViewSchema.Column column);

    /// <summary>The getter of the value at the index that <paramref name="current"/> gives.</summary>
    public abstract Delegate Getter(Func<int> current);

    public abstract void Trim();

    private sealed class Scalars<T> : ColumnStore
    {
        private readonly List<T> _values = [];

        public override Action Appender(DataViewRow row, DataViewSchema.Column column)
        {
            ValueGetter<T> get = row.GetGetter<T>(column);
            return () =>
            {
                T value = default!;
                get(ref value);
                _values.Add(value);
            };
        }

        public override Action<int> Replacer(DataViewRow row, DataViewSchema.Column column)
        {
            ValueGetter<T> get = row.GetGetter<T>(column);
            return index =>
            {
                T value = default!;
                get(ref value);
                _values[index] = value;
            };
        }

        public override Delegate Getter(Func<int> current) => (ValueGetter<T>)((ref T value) => value = _values[current()]);

        public override void Trim() => _values.TrimExcess();
    }

    private sealed class Vectors<T> : ColumnStore
    {
        private readonly List<VBuffer<T>> _values = [];

        public override Action Appender(DataViewRow row, DataViewSchema.Column column)
        {
            ValueGetter<VBuffer<T>> get = row.GetGetter<VBuffer<T>>(column);
            return () =>
            {
                // A buffer of its own for each row: the getter may fill the one that it is given.
                VBuffer<T> value = default;
                get(ref value);
                _values.Add(value);
            };
        }

        public override Action<int> Replacer(DataViewRow row, DataViewSchema.Column column)
        {
            ValueGetter<VBuffer<T>> get = row.GetGetter<VBuffer<T>>(column);
            return index =>
            {
                VBuffer<T> value = _values[index];
                get(ref value);
                _values[index] = value;
            };
        }

        public override Delegate Getter(Func<int> current) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[current()].CopyTo(ref value));

        public override void Trim() => _values.TrimExcess();
    }
}
