using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Mirrors Index in native/tensor.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeIndex
{
    public int Kind;    // 0 none, 1 bool, 2 ellipsis, 3 single, 4 slice, 5 tensor
    public int Flags;   // of a slice: 1 start given, 2 stop given, 4 step given
    public long Start, Stop, Step;
    public nint Tensor;
}

public static partial class torch
{
    /// <summary>One place of an index expression: a position, a range, an ellipsis, a new axis, a mask or a tensor of positions.</summary>
    public struct TensorIndex
    {
        internal NativeIndex Native;
        internal Tensor? Of;

        public static TensorIndex None = new();
        public static TensorIndex Null = new();
        public static TensorIndex Ellipsis = new() { Native = { Kind = 2 } };
        public static TensorIndex Colon = new() { Native = { Kind = 4 } };

        public static TensorIndex Bool(bool value) => new() { Native = { Kind = 1, Start = value ? 1 : 0 } };
        public static TensorIndex Single(long? index) => index is { } at ? new() { Native = { Kind = 3, Start = at } } : None;
        public static TensorIndex Tensor(Tensor tensor) => new() { Native = { Kind = 5 }, Of = tensor };

        public static TensorIndex Slice(long? start = default, long? stop = default, long? step = default) => new()
        {
            Native =
            {
                Kind = 4,
                Flags = (start is null ? 0 : 1) | (stop is null ? 0 : 2) | (step is null ? 0 : 4),
                Start = start ?? 0, Stop = stop ?? 0, Step = step ?? 1,
            },
        };

        public static TensorIndex Slice((int?, int?) range) => Slice((long?)range.Item1, (long?)range.Item2);

        /// <summary>^n counts from the end; ^0 as the end means: to the end.</summary>
        public static TensorIndex Slice(Range range)
        {
            long? start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            long? stop = range.End.IsFromEnd ? (range.End.Value == 0 ? null : -range.End.Value) : range.End.Value;
            return Slice(start, stop);
        }

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int?, int?) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);

        /// <summary>Never meant to be used: it exists so that the compiler prefers the indexer of TensorIndex, and it throws.</summary>
        public static implicit operator Tensor(TensorIndex value) => throw new InvalidOperationException("A TensorIndex cannot become a Tensor.");
    }
}
