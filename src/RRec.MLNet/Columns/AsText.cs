using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>
/// Reads any scalar or vector column as text. Ids are compared and shown as text whatever their column's type is: text as it stands, numbers
/// in invariant notation, keys by the text of their values (a key without values by its number, 1 the first). A missing value (empty
/// text, NaN, key 0) reads as empty text.
/// </summary>
internal static class AsText
{
    /// <summary>Whether a column's values, or a vector's entries, can be read as text.</summary>
    public static bool Supports(DataViewType type) => (type is VectorDataViewType vector ? vector.ItemType : type) switch
    {
        KeyDataViewType or TextDataViewType or NumberDataViewType or BooleanDataViewType => true,
        DateTimeDataViewType or DateTimeOffsetDataViewType or TimeSpanDataViewType => true,
        _ => false,
    };

    /// <summary>A getter of a scalar column's text.</summary>
    public static ValueGetter<ReadOnlyMemory<char>> Scalar(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is TextDataViewType) return row.GetGetter<ReadOnlyMemory<char>>(column);
        return Dispatch(column.Type, column, new ScalarMaker(row, column));
    }

    /// <summary>A getter of a vector column's texts, densely; a scalar column counts as a vector of one.</summary>
    public static ValueGetter<VBuffer<ReadOnlyMemory<char>>> Vector(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType vector) return Dispatch(vector.ItemType, column, new VectorMaker(row, column));
        ValueGetter<ReadOnlyMemory<char>> scalar = Scalar(row, column);
        ReadOnlyMemory<char> text = default;
        return (ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            scalar(ref text);
            VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, 1);
            editor.Values[0] = text;
            value = editor.Commit();
        };
    }

    /// <summary>The texts of a key column's values in key order (entry 0 belongs to key 1), or null where the column carries none.</summary>
    public static ReadOnlyMemory<char>[]? KeyTexts(DataViewSchema.Column column)
    {
        if (column.Annotations.Schema.GetColumnOrNull("KeyValues") is not { Type: VectorDataViewType values } || !Supports(values)) return null;
        return Dispatch(values.ItemType, default, new KeyMaker(column.Annotations));
    }

    private interface IMaker<TResult>
    {
        TResult Make<T>(Func<T, ReadOnlyMemory<char>> convert);
    }

    // One place that knows which CLR type stands behind which data view type.
    private static TResult Dispatch<TResult>(DataViewType type, DataViewSchema.Column column, IMaker<TResult> maker)
    {
        if (type is KeyDataViewType)
        {
            ReadOnlyMemory<char>[]? keys = KeyTexts(column);
            if (type.RawType == typeof(byte)) return maker.Make<byte>(k => Key(k, keys));
            if (type.RawType == typeof(ushort)) return maker.Make<ushort>(k => Key(k, keys));
            if (type.RawType == typeof(uint)) return maker.Make<uint>(k => Key(k, keys));
            return maker.Make<ulong>(k => Key(k, keys));
        }

        return Type.GetTypeCode(type.RawType) switch
        {
            TypeCode.Byte => maker.Make<byte>(Formatted),
            TypeCode.SByte => maker.Make<sbyte>(Formatted),
            TypeCode.Int16 => maker.Make<short>(Formatted),
            TypeCode.UInt16 => maker.Make<ushort>(Formatted),
            TypeCode.Int32 => maker.Make<int>(Formatted),
            TypeCode.UInt32 => maker.Make<uint>(Formatted),
            TypeCode.Int64 => maker.Make<long>(Formatted),
            TypeCode.UInt64 => maker.Make<ulong>(Formatted),
            TypeCode.Single => maker.Make<float>(v => Real(v, v)),
            TypeCode.Double => maker.Make<double>(v => Real(v, v)),
            TypeCode.Boolean => maker.Make<bool>(v => (v ? "True" : "False").AsMemory()),
            TypeCode.DateTime => maker.Make<DateTime>(v => v == default ? default : v.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture).AsMemory()),
            _ when type.RawType == typeof(ReadOnlyMemory<char>) => maker.Make<ReadOnlyMemory<char>>(v => v),
            _ when type.RawType == typeof(DateTimeOffset) =>
                maker.Make<DateTimeOffset>(v => v == default ? default : v.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture).AsMemory()),
            _ when type.RawType == typeof(TimeSpan) => maker.Make<TimeSpan>(v => v.ToString("c", CultureInfo.InvariantCulture).AsMemory()),
            _ => throw new NotSupportedException($"A value of type {type} cannot be read as text."),
        };
    }

    private static ReadOnlyMemory<char> Key(ulong key, ReadOnlyMemory<char>[]? texts)
    {
        if (key == 0) return default;
        if (texts is null) return Formatted(key);
        return key <= (ulong)texts.Length ? texts[key - 1] : default;
    }

    private static ReadOnlyMemory<char> Formatted<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture).AsMemory();

    // An id that a loader read as a float is still written 100000000, not 1E+08.
    private static ReadOnlyMemory<char> Real(double value, IFormattable shortest)
    {
        if (double.IsNaN(value)) return default;
        bool whole = Math.Abs(value) < 1e15 && Math.Floor(value) == value;
        return (whole ? value.ToString("0", CultureInfo.InvariantCulture) : shortest.ToString("R", CultureInfo.InvariantCulture)).AsMemory();
    }

    private sealed class ScalarMaker(DataViewRow row, DataViewSchema.Column column) : IMaker<ValueGetter<ReadOnlyMemory<char>>>
    {
        public ValueGetter<ReadOnlyMemory<char>> Make<T>(Func<T, ReadOnlyMemory<char>> convert)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T? raw = default;
            return (ref ReadOnlyMemory<char> value) =>
            {
                getter(ref raw!);
                value = convert(raw!);
            };
        }
    }

    private sealed class VectorMaker(DataViewRow row, DataViewSchema.Column column) : IMaker<ValueGetter<VBuffer<ReadOnlyMemory<char>>>>
    {
        public ValueGetter<VBuffer<ReadOnlyMemory<char>>> Make<T>(Func<T, ReadOnlyMemory<char>> convert)
        {
            ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
            VBuffer<T> raw = default;
            return (ref VBuffer<ReadOnlyMemory<char>> value) =>
            {
                getter(ref raw);
                Convert(raw, convert, ref value);
            };
        }
    }

    private sealed class KeyMaker(DataViewSchema.Annotations annotations) : IMaker<ReadOnlyMemory<char>[]>
    {
        public ReadOnlyMemory<char>[] Make<T>(Func<T, ReadOnlyMemory<char>> convert)
        {
            VBuffer<T> raw = default;
            annotations.GetValue("KeyValues", ref raw);
            VBuffer<ReadOnlyMemory<char>> texts = default;
            Convert(raw, convert, ref texts);
            return texts.GetValues().ToArray();
        }
    }

    private static void Convert<T>(in VBuffer<T> raw, Func<T, ReadOnlyMemory<char>> convert, ref VBuffer<ReadOnlyMemory<char>> value)
    {
        VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, raw.Length);
        ReadOnlySpan<T> values = raw.GetValues();
        if (raw.IsDense)
        {
            for (int i = 0; i < values.Length; i++) editor.Values[i] = convert(values[i]);
        }
        else
        {
            editor.Values.Fill(convert(default!));
            ReadOnlySpan<int> indices = raw.GetIndices();
            for (int i = 0; i < values.Length; i++) editor.Values[indices[i]] = convert(values[i]);
        }

        value = editor.Commit();
    }
}
