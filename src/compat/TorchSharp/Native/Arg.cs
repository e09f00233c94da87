using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Kinds of values at the border; mirrors Tag in native/shim.h.</summary>
internal enum Tag { None, Tensor, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, Device, Generator }

/// <summary>Mirrors Value in native/shim.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    public Tag Tag;
    public int Count;
    public long Bits;
}

/// <summary>
/// One argument of an operator on the managed side. It keeps the object that it came from (a tensor, an array), so that the
/// collector cannot free it while the call runs. Everything that an operator takes converts to it; null is libtorch's None.
/// </summary>
internal readonly struct Arg
{
    internal readonly object? Object;
    internal readonly long Bits;
    internal readonly Tag Tag;
    internal readonly int Count;

    private Arg(Tag tag, long bits, object? from = null, int count = 0)
    {
        Object = from;
        Bits = bits;
        Tag = tag;
        Count = count;
    }

    internal static Arg None => default;
    internal static Arg OptionalTensors(torch.Tensor?[] tensors) => new(Tag.OptionalTensorList, 0, tensors, tensors.Length);

    /// <summary>A list of longs in memory that the caller keeps fixed.</summary>
    internal static unsafe Arg Fixed(long* values, int count) => new(Tag.IntList, (long)values, null, count);

    public static implicit operator Arg(torch.Tensor? tensor) => tensor is null ? default : new(Tag.Tensor, tensor.Handle, tensor);
    public static implicit operator Arg(torch.Tensor[] tensors) => new(Tag.TensorList, 0, tensors, tensors.Length);
    public static implicit operator Arg(bool value) => new(Tag.Bool, value ? 1 : 0);
    public static implicit operator Arg(int value) => new(Tag.Int, value);
    public static implicit operator Arg(long value) => new(Tag.Int, value);
    public static implicit operator Arg(long? value) => value is { } given ? new(Tag.Int, given) : default;
    public static implicit operator Arg(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(double? value) => value is { } given ? given : default(Arg);
    public static implicit operator Arg(long[]? values) => values is null ? default : new(Tag.IntList, 0, values, values.Length);
    public static implicit operator Arg(string? text) => text is null ? default : new(Tag.String, 0, text);
    public static implicit operator Arg(torch.ScalarType type) => new(Tag.Int, (long)type);
    public static implicit operator Arg(torch.ScalarType? type) => type is { } given ? given : default(Arg);
    public static implicit operator Arg(torch.Device? device) => device is null ? default : new(Tag.Device, device.Packed);
    public static implicit operator Arg(torch.Generator? generator) => generator is null ? default : new(Tag.Generator, generator.Handle, generator);
    public static implicit operator Arg(Scalar? scalar) => scalar is null ? default : new(scalar.Tag, scalar.Bits);
}
