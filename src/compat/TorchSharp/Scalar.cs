namespace TorchSharp;

/// <summary>A number with a type, as operators take it. It holds no native memory: Dispose does nothing.</summary>
public sealed class Scalar : IDisposable
{
    internal readonly Tag Tag;
    internal readonly long Bits;

    internal Scalar(Tag tag, long bits, torch.ScalarType? type = null)
    {
        Tag = tag;
        Bits = bits;
        Type = type ?? tag switch { Tag.Bool => torch.ScalarType.Bool, Tag.Double => torch.ScalarType.Float64, _ => torch.ScalarType.Int64 };
    }

    private Scalar(long value, torch.ScalarType type) : this(Tag.Int, value, type) { }
    private Scalar(double value, torch.ScalarType type) : this(Tag.Double, BitConverter.DoubleToInt64Bits(value), type) { }

    public torch.ScalarType Type { get; }

    internal double AsDouble => Tag == Tag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;
    internal long AsLong => Tag == Tag.Double ? checked((long)BitConverter.Int64BitsToDouble(Bits)) : Bits;

    internal static Scalar BFloat16(float value) => new((double)value, torch.ScalarType.BFloat16);

    public static implicit operator Scalar(byte value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(sbyte value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(short value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(int value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(long value) => new(value, torch.ScalarType.Int64);
    public static implicit operator Scalar(Half value) => new((double)value, torch.ScalarType.Float64);
    public static implicit operator Scalar(float value) => new((double)value, torch.ScalarType.Float64);
    public static implicit operator Scalar(double value) => new(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(bool value) => new(Tag.Bool, value ? 1 : 0);

    public void Dispose() { }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;

    public static byte ToByte(this Scalar value) => checked((byte)value.AsLong);
    public static sbyte ToSByte(this Scalar value) => checked((sbyte)value.AsLong);
    public static short ToInt16(this Scalar value) => checked((short)value.AsLong);
    public static int ToInt32(this Scalar value) => checked((int)value.AsLong);
    public static long ToInt64(this Scalar value) => value.AsLong;
    public static Half ToHalf(this Scalar value) => (Half)value.AsDouble;
    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static double ToDouble(this Scalar value) => value.AsDouble;
    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
}
