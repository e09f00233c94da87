using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace RRec.Weights;

/// <summary>One of GGUF's ways to store values: blocks of so many values in so many bytes, and how to turn them into single precision.</summary>
internal sealed unsafe class GgufType
{
    private delegate void Expand(byte* source, Span<float> target);

    private readonly Expand _expand;

    private GgufType(string name, int blockValues, int blockBytes, Expand expand) => (Name, BlockValues, BlockBytes, _expand) = (name, blockValues, blockBytes, expand);

    public string Name { get; }

    public int BlockValues { get; }

    public int BlockBytes { get; }

    /// <summary>The types that are read, by their number in the file.</summary>
    public static readonly IReadOnlyDictionary<uint, GgufType> Known = new Dictionary<uint, GgufType>
    {
        [0] = new("F32", 1, 4, Single), [1] = new("F16", 1, 2, Half), [3] = new("Q4_1", 32, 20, FourBits), [8] = new("Q8_0", 32, 34, EightBits), [30] = new("BF16", 1, 2, BrainFloat),
    };

    // For refusals: people know a file by these names.
    private static readonly Dictionary<uint, string> OtherNames = new()
    {
        [2] = "Q4_0", [6] = "Q5_0", [7] = "Q5_1", [9] = "Q8_1", [10] = "Q2_K", [11] = "Q3_K", [12] = "Q4_K", [13] = "Q5_K", [14] = "Q6_K", [15] = "Q8_K", [16] = "IQ2_XXS",
        [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S", [20] = "IQ4_NL", [21] = "IQ3_S", [22] = "IQ2_S", [23] = "IQ4_XS", [24] = "I8", [25] = "I16", [26] = "I32", [27] = "I64",
        [28] = "F64", [29] = "IQ1_M", [34] = "TQ1_0", [35] = "TQ2_0", [39] = "MXFP4",
    };

    public static string NameOf(uint number) => Known.TryGetValue(number, out GgufType? known) ? known.Name : OtherNames.GetValueOrDefault(number, $"type {number}");

    /// <summary>Turns values into single precision; <paramref name="target"/> is a multiple of the block.</summary>
    public void ToSingle(byte* source, Span<float> target) => _expand(source, target);

    private static void Single(byte* p, Span<float> to) => new ReadOnlySpan<float>(p, to.Length).CopyTo(to);   // little-endian, as all our machines

    private static float HalfAt(byte* p) => (float)BinaryPrimitives.ReadHalfLittleEndian(new ReadOnlySpan<byte>(p, 2));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]   // long loops, run once: there is no second call to get the fast code
    private static void Half(byte* p, Span<float> to)
    {
        for (int i = 0; i < to.Length; i++) to[i] = HalfAt(p + 2 * i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BrainFloat(byte* p, Span<float> to)
    {
        for (int i = 0; i < to.Length; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)(p[2 * i] | p[2 * i + 1] << 8) << 16);
    }

    // A half scale, then 32 signed bytes: value = scale * byte.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightBits(byte* p, Span<float> to)
    {
        for (int at = 0; at < to.Length; at += 32, p += 34)
        {
            float scale = HalfAt(p);
            Span<float> block = to.Slice(at, 32);
            for (int i = 0; i < block.Length; i++) block[i] = scale * (sbyte)p[2 + i];
        }
    }

    // A half scale, a half offset, then 16 bytes: value = scale * nibble + offset, the low nibbles first. Two roundings, not one fused: what the references do.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourBits(byte* p, Span<float> to)
    {
        for (int at = 0; at < to.Length; at += 32, p += 20)
        {
            float scale = HalfAt(p), offset = HalfAt(p + 2);
            Span<float> low = to.Slice(at, 16), high = to.Slice(at + 16, 16);
            for (int i = 0; i < 16; i++)
            {
                int pair = p[4 + i];
                low[i] = scale * (pair & 15) + offset;
                high[i] = scale * (pair >> 4) + offset;
            }
        }
    }
}
