using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RRec.Kernels;

// Dot products of a few rows of x with four rows of w, in registers.
internal static unsafe partial class Products
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByFour<T, TFetch>(float* x, int columns, byte* w, long row, int k, float* y, byte* ahead, bool more) where T : struct, IWeights where TFetch : struct, IFetch
    {
        Vector512<float> zero = Vector512<float>.Zero;
        Vector512<float> a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        Vector512<float> c0 = zero, c1 = zero, c2 = zero, c3 = zero, d0 = zero, d1 = zero, d2 = zero, d3 = zero;
        byte* w1 = w + row, w2 = w1 + row, w3 = w2 + row;
        float* x1 = x + columns, x2 = x1 + columns, x3 = x2 + columns;
        int q = 0;
        for (; q + 16 <= k; q += 16)
        {
            TFetch.Fetch(ahead + q * T.Size, row);
            Vector512<float> p0 = T.Load(w, q), p1 = T.Load(w1, q), p2 = T.Load(w2, q), p3 = T.Load(w3, q);
            Vector512<float> v = Vector512.Load(x + q);
            a0 = Vectors.Fma(v, p0, a0);
            a1 = Vectors.Fma(v, p1, a1);
            a2 = Vectors.Fma(v, p2, a2);
            a3 = Vectors.Fma(v, p3, a3);
            v = Vector512.Load(x1 + q);
            b0 = Vectors.Fma(v, p0, b0);
            b1 = Vectors.Fma(v, p1, b1);
            b2 = Vectors.Fma(v, p2, b2);
            b3 = Vectors.Fma(v, p3, b3);
            v = Vector512.Load(x2 + q);
            c0 = Vectors.Fma(v, p0, c0);
            c1 = Vectors.Fma(v, p1, c1);
            c2 = Vectors.Fma(v, p2, c2);
            c3 = Vectors.Fma(v, p3, c3);
            v = Vector512.Load(x3 + q);
            d0 = Vectors.Fma(v, p0, d0);
            d1 = Vectors.Fma(v, p1, d1);
            d2 = Vectors.Fma(v, p2, d2);
            d3 = Vectors.Fma(v, p3, d3);
        }
        // A quarter of the vector for each row of x, in it the four outputs.
        Vector512<float> sums = Fours(Fours(Quarters(a0, b0, c0, d0), Quarters(a1, b1, c1, d1)), Fours(Quarters(a2, b2, c2, d2), Quarters(a3, b3, c3, d3)));
        Put(Finish<T>(sums.GetLower().GetLower(), x, w, w1, w2, w3, q, k), y, more);
        Put(Finish<T>(sums.GetLower().GetUpper(), x1, w, w1, w2, w3, q, k), y + 16, more);
        Put(Finish<T>(sums.GetUpper().GetLower(), x2, w, w1, w2, w3, q, k), y + 32, more);
        Put(Finish<T>(sums.GetUpper().GetUpper(), x3, w, w1, w2, w3, q, k), y + 48, more);
    }

    // Sixteen vectors become the vector of their sums by halves: 45 instructions where sixteen sums by themselves take more than a hundred, as long as a third of the
    // product at 256 columns. Which terms are added to which is as in Sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quarters(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<float> p = Halves(a, b), q = Halves(c, d);
        return Avx512F.Shuffle4x128(p, q, 0b10_00_10_00) + Avx512F.Shuffle4x128(p, q, 0b11_01_11_01);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Halves(Vector512<float> a, Vector512<float> b) => Vector512.Create(a.GetLower(), b.GetLower()) + Avx512F.Shuffle4x128(a, b, 0b11_10_11_10);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fours(Vector512<float> a, Vector512<float> b) => Avx512F.Shuffle(a, b, 0b10_00_10_00) + Avx512F.Shuffle(a, b, 0b11_01_11_01);

    // Also all that half as many registers half as wide (AVX2) can hold. Outputs that are not there (others: how many follow the first) repeat the last.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByFour<T, TFetch>(float* x, byte* w, long row, int others, int k, float* y, byte* ahead, bool more) where T : struct, IWeights where TFetch : struct, IFetch
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
        byte* w1 = w + Math.Min(1, others) * row, w2 = w + Math.Min(2, others) * row, w3 = w + others * row;
        int q = 0;
        for (; q + 16 <= k; q += 16)
        {
            TFetch.Fetch(ahead + q * T.Size, row);
            Vector512<float> v = Vector512.Load(x + q);
            a = Vectors.Fma(v, T.Load(w, q), a);
            b = Vectors.Fma(v, T.Load(w1, q), b);
            c = Vectors.Fma(v, T.Load(w2, q), c);
            d = Vectors.Fma(v, T.Load(w3, q), d);
        }
        Put(Finish<T>(Vectors.Sum(a, b, c, d), x, w, w1, w2, w3, q, k), y, more);
    }

    // The sums of a part of the columns; more: parts before it are in y.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector128<float> sums, float* y, bool more)
    {
        if (more) sums += Vector128.Load(y);
        sums.Store(y);
    }

    // The columns that fill no vector, of four outputs of one row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Finish<T>(Vector128<float> sums, float* x, byte* w, byte* w1, byte* w2, byte* w3, int q, int k) where T : struct, IWeights
    {
        for (; q < k; q++)
        {
            Vector128<float> column = Vector128.Create(T.One(w, q), T.One(w1, q), T.One(w2, q), T.One(w3, q));
            sums = Vector128.FusedMultiplyAdd(Vector128.Create(x[q]), column, sums);
        }
        return sums;
    }

    private interface IWeights
    {
        static abstract int Size { get; }

        static abstract Vector512<float> Load(byte* row, int at);

        static abstract float One(byte* row, int at);
    }

    private struct FullWeights : IWeights
    {
        public static int Size => sizeof(float);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(byte* row, int at) => Vector512.Load((float*)row + at);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float One(byte* row, int at) => ((float*)row)[at];
    }

    // bfloat16 is the upper half of a single: widening is a shift.
    private struct HalfWeights : IWeights
    {
        public static int Size => sizeof(ushort);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(byte* row, int at)
        {
            Vector256<ushort> packed = Vector256.Load((ushort*)row + at);
            Vector512<uint> wide = Avx512F.IsSupported
                ? Avx512F.ConvertToVector512UInt32(packed)
                : Vector512.Create(Vector256.WidenLower(packed), Vector256.WidenUpper(packed));
            return Vector512.ShiftLeft(wide, 16).AsSingle();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float One(byte* row, int at) => BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[at] << 16);
    }

    // How many rows of what comes next a step fetches. An address behind the end does no harm: fetching is a hint.
    private interface IFetch
    {
        static abstract void Fetch(byte* at, long row);
    }

    private struct Fetch0 : IFetch
    {
        public static void Fetch(byte* at, long row) { }
    }

    private struct Fetch1 : IFetch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Fetch(byte* at, long row)
        {
            if (Sse.IsSupported) Sse.Prefetch1(at);
        }
    }

    private struct Fetch2 : IFetch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Fetch(byte* at, long row)
        {
            Fetch1.Fetch(at, row);
            Fetch1.Fetch(at + row, row);
        }
    }

    private struct Fetch4 : IFetch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Fetch(byte* at, long row)
        {
            Fetch2.Fetch(at, row);
            Fetch2.Fetch(at + 2 * row, row);
        }
    }
}
