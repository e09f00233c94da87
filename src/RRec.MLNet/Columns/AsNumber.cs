using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>In which unit a numeric time column counts from 1970-01-01 UTC. Date columns speak for themselves and need none.</summary>
public enum TimestampUnit
{
    /// <summary>Unix time in seconds (MovieLens, most logs).</summary>
    Seconds = 0,

    /// <summary>Unix time in milliseconds (Amazon reviews; what <c>CreatePurchaseHistories</c> writes).</summary>
    Milliseconds = 1,
}

/// <summary>Reads rating and time columns of whatever numeric or date type, scalar or vector.</summary>
internal static class AsNumber
{
    /// <summary>The value of a time that is missing (NaN, or a date never set).</summary>
    public const long NoTime = long.MinValue;

    public static bool IsNumber(DataViewType type) => (type is VectorDataViewType vector ? vector.ItemType : type) is NumberDataViewType;

    /// <summary>Whether times can be read from a column: 32 and 64 bit integers, reals and dates (smaller integers hold no time).</summary>
    public static bool IsTime(DataViewType type)
    {
        DataViewType item = type is VectorDataViewType vector ? vector.ItemType : type;
        return item is not KeyDataViewType && Typed(item.RawType) is not (NumberType.None or NumberType.Signed8 or NumberType.Signed16 or NumberType.Unsigned8 or NumberType.Unsigned16);
    }

    /// <summary>A getter of ratings.</summary>
    public static ValueGetter<float> Rating(DataViewRow row, DataViewSchema.Column column) => Ratings(column.Type, column, new ScalarReader<float>(row, column));

    /// <summary>A getter of vectors of ratings, dense.</summary>
    public static ValueGetter<VBuffer<float>> Ratings(DataViewRow row, DataViewSchema.Column column) =>
        Ratings(((VectorDataViewType)column.Type).ItemType, column, new VectorReader<float>(row, column));

    /// <summary>A getter of times as unix milliseconds; <see cref="NoTime"/> where missing.</summary>
    public static ValueGetter<long> Time(DataViewRow row, DataViewSchema.Column column, TimestampUnit unit) => Times(column.Type, column, unit, new ScalarReader<long>(row, column));

    /// <summary>A getter of vectors of times as unix milliseconds, dense.</summary>
    public static ValueGetter<VBuffer<long>> TimeVector(DataViewRow row, DataViewSchema.Column column, TimestampUnit unit) =>
        Times(((VectorDataViewType)column.Type).ItemType, column, unit, new VectorReader<long>(row, column));

    private static TResult Ratings<TResult>(DataViewType type, DataViewSchema.Column column, IReader<float, TResult> reader) => Typed(type.RawType) switch
    {
        NumberType.Single => reader.Read<float>(v => v),
        NumberType.Double => reader.Read<double>(v => (float)v),
        NumberType.Signed64 => reader.Read<long>(v => v),
        NumberType.Signed32 => reader.Read<int>(v => v),
        NumberType.Signed16 => reader.Read<short>(v => v),
        NumberType.Signed8 => reader.Read<sbyte>(v => v),
        NumberType.Unsigned64 => reader.Read<ulong>(v => v),
        NumberType.Unsigned32 => reader.Read<uint>(v => v),
        NumberType.Unsigned16 => reader.Read<ushort>(v => v),
        NumberType.Unsigned8 => reader.Read<byte>(v => v),
        _ => throw Unsupported(column),
    };

    private static TResult Times<TResult>(DataViewType type, DataViewSchema.Column column, TimestampUnit unit, IReader<long, TResult> reader)
    {
        long scale = unit == TimestampUnit.Seconds ? 1000 : 1;
        return Typed(type.RawType) switch
        {
            NumberType.Signed64 => reader.Read<long>(v => Scaled(v, scale)),
            NumberType.Signed32 => reader.Read<int>(v => v * scale),
            NumberType.Unsigned32 => reader.Read<uint>(v => v * scale),
            NumberType.Unsigned64 => reader.Read<ulong>(v => Scaled(checked((long)v), scale)),
            NumberType.Single => reader.Read<float>(v => FromReal(v, scale)),
            NumberType.Double => reader.Read<double>(v => FromReal(v, scale)),
            NumberType.Date => reader.Read<DateTime>(FromDate),
            NumberType.DateWithOffset => reader.Read<DateTimeOffset>(v => v == default ? NoTime : v.ToUnixTimeMilliseconds()),
            _ => throw Unsupported(column),
        };
    }

    private enum NumberType { None, Signed8, Signed16, Signed32, Signed64, Unsigned8, Unsigned16, Unsigned32, Unsigned64, Single, Double, Date, DateWithOffset }

    private static NumberType Typed(Type raw) => Type.GetTypeCode(raw) switch
    {
        TypeCode.SByte => NumberType.Signed8,
        TypeCode.Int16 => NumberType.Signed16,
        TypeCode.Int32 => NumberType.Signed32,
        TypeCode.Int64 => NumberType.Signed64,
        TypeCode.Byte => NumberType.Unsigned8,
        TypeCode.UInt16 => NumberType.Unsigned16,
        TypeCode.UInt32 => NumberType.Unsigned32,
        TypeCode.UInt64 => NumberType.Unsigned64,
        TypeCode.Single => NumberType.Single,
        TypeCode.Double => NumberType.Double,
        TypeCode.DateTime => NumberType.Date,
        _ => raw == typeof(DateTimeOffset) ? NumberType.DateWithOffset : NumberType.None,
    };

    // A time so large that milliseconds overflow is no time; it is treated as missing instead of wrapping round.
    private static long Scaled(long value, long scale) => value > long.MaxValue / scale || value < long.MinValue / scale ? NoTime : value * scale;

    private static long FromReal(double value, long scale) => Math.Abs(value * scale) < 9e18 ? (long)Math.Round(value * scale) : NoTime;

    // A date without a kind is taken as UTC: a result must not depend on the machine's time zone.
    private static long FromDate(DateTime value)
    {
        if (value == default) return NoTime;
        if (value.Kind == DateTimeKind.Local) value = value.ToUniversalTime();
        return (value.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;
    }

    // Makes a getter, scalar or vector, once the tables above have found the type behind a column.
    private interface IReader<TOut, TResult>
    {
        TResult Read<TIn>(Func<TIn, TOut> convert);
    }

    private sealed class ScalarReader<TOut>(DataViewRow row, DataViewSchema.Column column) : IReader<TOut, ValueGetter<TOut>>
    {
        public ValueGetter<TOut> Read<TIn>(Func<TIn, TOut> convert)
        {
            ValueGetter<TIn> getter = row.GetGetter<TIn>(column);
            TIn? raw = default;
            return (ref TOut value) =>
            {
                getter(ref raw!);
                value = convert(raw!);
            };
        }
    }

    private sealed class VectorReader<TOut>(DataViewRow row, DataViewSchema.Column column) : IReader<TOut, ValueGetter<VBuffer<TOut>>>
    {
        public ValueGetter<VBuffer<TOut>> Read<TIn>(Func<TIn, TOut> convert)
        {
            ValueGetter<VBuffer<TIn>> getter = row.GetGetter<VBuffer<TIn>>(column);
            VBuffer<TIn> raw = default;
            return (ref VBuffer<TOut> value) =>
            {
                getter(ref raw);
                VBufferEditor<TOut> editor = VBufferEditor.Create(ref value, raw.Length);
                ReadOnlySpan<TIn> values = raw.GetValues();
                ReadOnlySpan<int> indices = raw.GetIndices();
                if (!raw.IsDense) editor.Values.Fill(convert(default!));
                for (int i = 0; i < values.Length; i++) editor.Values[raw.IsDense ? i : indices[i]] = convert(values[i]);
                value = editor.Commit();
            };
        }
    }

    private static NotSupportedException Unsupported(DataViewSchema.Column column) =>
        new($"Column '{column.Name}' is {column.Type}; a number or a date was expected.");
}
