using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>Keeps a passed-through column's values of the rows that the cursor has looked ahead at.</summary>
internal abstract class ColumnBuffer
{
    /// <summary>Copies the source's present value to a slot.</summary>
    public abstract void Capture(int slot);

    /// <summary>A getter of the value in the slot that <paramref name="slot"/> names at the time of the call.</summary>
    public abstract Delegate MakeGetter(Func<int> slot);

    public static ColumnBuffer Create(DataViewRow source, DataViewSchema.Column column)
    {
        Type raw = column.Type.RawType;
        Type kind = raw.IsGenericType && raw.GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? typeof(VectorBuffer<>).MakeGenericType(raw.GetGenericArguments()[0])
            : typeof(ValueBuffer<>).MakeGenericType(raw);
        return (ColumnBuffer)Activator.CreateInstance(kind, source, column)!;
    }

    private sealed class ValueBuffer<T>(DataViewRow source, DataViewSchema.Column column) : ColumnBuffer
    {
        private readonly ValueGetter<T> _getter = source.GetGetter<T>(column);
        private T[] _values = [];

        public override void Capture(int slot)
        {
            if (slot >= _values.Length) Array.Resize(ref _values, Math.Max(16, 2 * slot));
            _getter(ref _values[slot]);
        }

        public override Delegate MakeGetter(Func<int> slot) => (ValueGetter<T>)((ref T value) => value = _values[slot()]);
    }

    // A VBuffer shares its arrays with whoever filled it, so it is copied in and copied out.
    private sealed class VectorBuffer<T>(DataViewRow source, DataViewSchema.Column column) : ColumnBuffer
    {
        private readonly ValueGetter<VBuffer<T>> _getter = source.GetGetter<VBuffer<T>>(column);
        private VBuffer<T>[] _values = [];
        private VBuffer<T> _present;

        public override void Capture(int slot)
        {
            if (slot >= _values.Length) Array.Resize(ref _values, Math.Max(16, 2 * slot));
            _getter(ref _present);
            _present.CopyTo(ref _values[slot]);
        }

        public override Delegate MakeGetter(Func<int> slot) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[slot()].CopyTo(ref value));
    }
}
