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
    public static ValueGetter<float> Rating(DataViewRow row, DataViewSchema.Column column) => Typed(column.Type.RawType) switch
    {
        NumberType.Single => row.GetGetter<float>(column),
        NumberType.Double => Scalar<double, float>(row, column, v => (float)v),
        NumberType.Signed64 => Scalar<long, float>(row, column, v => v),
        NumberType.Signed32 => Scalar<int, float>(row, column, v => v),
        NumberType.Signed16 => Scalar<short, float>(row, column, v => v),
        NumberType.Signed8 => Scalar<sbyte, float>(row, column, v => v),
        NumberType.Unsigned64 => Scalar<ulong, float>(row, column, v => v),
        NumberType.Unsigned32 => Scalar<uint, float>(row, column, v => v),
        NumberType.Unsigned16 => Scalar<ushort, float>(row, column, v => v),
        NumberType.Unsigned8 => Scalar<byte, float>(row, column, v => v),
        _ => throw Unsupported(column),
    };

    /// <summary>A getter of vectors of ratings, dense.</summary>
    public static ValueGetter<VBuffer<float>> Ratings(DataViewRow row, DataViewSchema.Column column) => Typed(((VectorDataViewType)column.Type).ItemType.RawType) switch
    {
        NumberType.Single => Vector<float, float>(row, column, v => v),
        NumberType.Double => Vector<double, float>(row, column, v => (float)v),
        NumberType.Signed64 => Vector<long, float>(row, column, v => v),
        NumberType.Signed32 => Vector<int, float>(row, column, v => v),
        NumberType.Signed16 => Vector<short, float>(row, column, v => v),
        NumberType.Signed8 => Vector<sbyte, float>(row, column, v => v),
        NumberType.Unsigned64 => Vector<ulong, float>(row, column, v => v),
        NumberType.Unsigned32 => Vector<uint, float>(row, column, v => v),
        NumberType.Unsigned16 => Vector<ushort, float>(row, column, v => v),
        NumberType.Unsigned8 => Vector<byte, float>(row, column, v => v),
        _ => throw Unsupported(column),
    };

    /// <summary>A getter of times as unix milliseconds; <see cref="NoTime"/> where missing.</summary>
    public static ValueGetter<long> Time(DataViewRow row, DataViewSchema.Column column, TimestampUnit unit)
    {
        long scale = Scale(unit);
        return Typed(column.Type.RawType) switch
        {
            NumberType.Signed64 => Scalar<long, long>(row, column, v => Times(v, scale)),
            NumberType.Signed32 => Scalar<int, long>(row, column, v => v * scale),
            NumberType.Unsigned32 => Scalar<uint, long>(row, column, v => v * scale),
            NumberType.Unsigned64 => Scalar<ulong, long>(row, column, v => Times(checked((long)v), scale)),
            NumberType.Single => Scalar<float, long>(row, column, v => FromReal(v, scale)),
            NumberType.Double => Scalar<double, long>(row, column, v => FromReal(v, scale)),
            NumberType.Date => Scalar<DateTime, long>(row, column, FromDate),
            NumberType.DateWithOffset => Scalar<DateTimeOffset, long>(row, column, v => v == default ? NoTime : v.ToUnixTimeMilliseconds()),
            _ => throw Unsupported(column),
        };
    }

    /// <summary>A getter of vectors of times as unix milliseconds, dense.</summary>
    public static ValueGetter<VBuffer<long>> TimeVector(DataViewRow row, DataViewSchema.Column column, TimestampUnit unit)
    {
        long scale = Scale(unit);
        return Typed(((VectorDataViewType)column.Type).ItemType.RawType) switch
        {
            NumberType.Signed64 => Vector<long, long>(row, column, v => Times(v, scale)),
            NumberType.Signed32 => Vector<int, long>(row, column, v => v * scale),
            NumberType.Unsigned32 => Vector<uint, long>(row, column, v => v * scale),
            NumberType.Unsigned64 => Vector<ulong, long>(row, column, v => Times(checked((long)v), scale)),
            NumberType.Single => Vector<float, long>(row, column, v => FromReal(v, scale)),
            NumberType.Double => Vector<double, long>(row, column, v => FromReal(v, scale)),
            NumberType.Date => Vector<DateTime, long>(row, column, FromDate),
            NumberType.DateWithOffset => Vector<DateTimeOffset, long>(row, column, v => v == default ? NoTime : v.ToUnixTimeMilliseconds()),
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

    private static long Scale(TimestampUnit unit) => unit == TimestampUnit.Seconds ? 1000 : 1;

    // A time so large that milliseconds overflow is no time; it is treated as missing instead of wrapping round.
    private static long Times(long value, long scale) => value > long.MaxValue / scale || value < long.MinValue / scale ? NoTime : value * scale;

    private static long FromReal(double value, long scale) => Math.Abs(value * scale) < 9e18 ? (long)Math.Round(value * scale) : NoTime;

    // A date without a kind is taken as UTC: a result must not depend on the machine's time zone.
    private static long FromDate(DateTime value)
    {
        if (value == default) return NoTime;
        if (value.Kind == DateTimeKind.Local) value = value.ToUniversalTime();
        return (value.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;
    }

    private static ValueGetter<TOut> Scalar<TIn, TOut>(DataViewRow row, DataViewSchema.Column column, Func<TIn, TOut> convert)
    {
        ValueGetter<TIn> getter = row.GetGetter<TIn>(column);
        TIn? raw = default;
        return (ref TOut value) =>
        {
            getter(ref raw!);
            value = convert(raw!);
        };
    }

    private static ValueGetter<VBuffer<TOut>> Vector<TIn, TOut>(DataViewRow row, DataViewSchema.Column column, Func<TIn, TOut> convert)
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

    private static NotSupportedException Unsupported(DataViewSchema.Column column) =>
        new($"Column '{column.Name}' is {column.Type}; a number or a date was expected.");
}
