using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RRec.Kernels;

/// <summary>A matrix [rows, columns], row after row, in single precision or in bfloat16.</summary>
/// <param name="Data">Its first number.</param>
/// <param name="Rows">Outputs of a product.</param>
/// <param name="Columns">Inputs.</param>
/// <param name="Half">Whether the numbers are bfloat16.</param>
internal readonly record struct Matrix(nint Data, int Rows, int Columns, bool Half)
{
    /// <summary>Some of its rows.</summary>
    public Matrix Part(int from, int rows) => this with { Data = Data + (nint)from * Columns * (Half ? 2 : 4), Rows = rows };
}

/// <summary>
/// y = x wᵀ for weights as a checkpoint stores them, one row per output: every output is a dot product of two rows that lie in memory one number after the other,
/// so nothing has to be packed. Libraries pack the weights for each product, which for few rows costs more than the product. Four rows of x meet four rows of w in
/// registers; each dot product adds its terms in one and the same order wherever it stands, so a row's result does not depend on the rows beside it.
/// </summary>
internal static unsafe class Products
{
    // A block of x that stays in a core's second-level cache, and the outputs that one piece of work computes for it.
    private const int BlockBytes = 400 << 10, MostRows = 128;

    /// <summary>x [n, columns] times wᵀ.</summary>
    /// <param name="team">Who works.</param>
    /// <param name="x">[n, columns].</param>
    /// <param name="n">Rows of x.</param>
    /// <param name="w">[outputs, columns].</param>
    /// <param name="y">[n, outputs], rows <paramref name="stride"/> apart.</param>
    /// <param name="stride">From one row of y to the next.</param>
    /// <param name="bias">[outputs] or null.</param>
    /// <param name="add">Adds to what stands in y.</param>
    public static void Multiply(WorkerTeam team, float* x, int n, Matrix w, float* y, int stride, float* bias = null, bool add = false)
    {
        if (n == 0) return;
        int most = Math.Clamp(BlockBytes / (w.Columns * sizeof(float)) & ~3, 8, MostRows), blocks = (n + most - 1) / most;
        int rows = (n + blocks - 1) / blocks + 3 & ~3;   // blocks of like size: a last one of few rows would read all of w for them
        // Pieces of like size: few enough that claiming them costs nothing, enough that threads end together.
        long work = (long)Math.Min(n, rows) * w.Columns;
        int outputs = (int)Math.Clamp((1 << 19) / work, 16, 512);
        outputs = Math.Max(16, Math.Min(outputs, (w.Rows + 2 * team.Threads - 1) / (2 * team.Threads)) + 15 & ~15);
        int slices = (w.Rows + outputs - 1) / outputs;
        team.For(blocks * slices, piece =>
        {
            int block = piece / slices, from = piece % slices * outputs, first = block * rows;
            int count = Math.Min(rows, n - first), to = Math.Min(w.Rows, from + outputs);
            if (w.Half) Slice<HalfWeights>(x + (long)first * w.Columns, count, w, from, to, y + (long)first * stride, stride, bias, add);
            else Slice<FullWeights>(x + (long)first * w.Columns, count, w, from, to, y + (long)first * stride, stride, bias, add);
        });
    }

    /// <summary>The same for few rows, at most 128, by the caller alone.</summary>
    public static void Block(float* x, int n, Matrix w, float* y, int stride)
    {
        if (w.Half) Slice<HalfWeights>(x, n, w, 0, w.Rows, y, stride, null, false);
        else Slice<FullWeights>(x, n, w, 0, w.Rows, y, stride, null, false);
    }

    // Outputs [from, to) of n rows, sixteen at a time: they are put together beside each other and then written line by line, because rows of y may lie so far apart
    // that they evict one another. While four rows of w are at work, those after the next are fetched into the second-level cache: what the processor does of itself
    // comes too late, by a factor of two at eight rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slice<T>(float* x, int n, Matrix w, int from, int to, float* y, int stride, float* bias, bool add) where T : struct, IWeights
    {
        int k = w.Columns, tiles = Avx512F.IsSupported ? n / 4 : 0;
        long row = (long)k * T.Size;
        float* block = stackalloc float[MostRows * 16];
        for (int start = from; start < to; start += 16)
        {
            int width = Math.Min(16, to - start);
            byte* p = (byte*)w.Data + start * row;
            for (int j = 0; j < width; j += 4, p += 4 * row)
            {
                int more = Math.Min(3, width - j - 1), fours = more == 3 ? tiles : 0;
                byte* ahead = p + 8 * row;
                for (int t = 0; t < fours; t++)
                {
                    float* at = x + 4L * t * k, to4 = block + 64 * t + j;
                    if (tiles == 1) FourByFour<T, Fetch4>(at, p, k, to4, ahead);
                    else if (tiles < 4 && t < 2) FourByFour<T, Fetch2>(at, p, k, to4, ahead + 2 * t * row);
                    else if (tiles >= 4 && t < 4) FourByFour<T, Fetch1>(at, p, k, to4, ahead + t * row);
                    else FourByFour<T, Fetch0>(at, p, k, to4, ahead);
                }
                for (int i = 4 * fours; i < n; i++)
                {
                    if (i == 0) OneByFour<T, Fetch4>(x, p, more, k, block + j, ahead);
                    else OneByFour<T, Fetch0>(x + (long)i * k, p, more, k, block + 16 * i + j, ahead);
                }
            }
            Write(block, n, width, y + start, stride, bias is null ? null : bias + start, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(float* block, int n, int width, float* y, int stride, float* bias, bool add)
    {
        for (int i = 0; i < n; i++, block += 16, y += stride)
        {
            if (width == 16)
            {
                Vector512<float> v = Vector512.Load(block);
                if (bias is not null) v += Vector512.Load(bias);
                if (add) v += Vector512.Load(y);
                v.Store(y);
                continue;
            }
            for (int j = 0; j < width; j++) y[j] = (add ? y[j] : 0) + (bias is null ? 0 : bias[j]) + block[j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByFour<T, TFetch>(float* x, byte* w, int k, float* y, byte* ahead) where T : struct, IWeights where TFetch : struct, IFetch
    {
        Vector512<float> zero = Vector512<float>.Zero;
        Vector512<float> a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        Vector512<float> c0 = zero, c1 = zero, c2 = zero, c3 = zero, d0 = zero, d1 = zero, d2 = zero, d3 = zero;
        long row = (long)k * T.Size;
        byte* w1 = w + row, w2 = w1 + row, w3 = w2 + row;
        float* x1 = x + k, x2 = x1 + k, x3 = x2 + k;
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
        Finish<T>(sums.GetLower().GetLower(), x, w, w1, w2, w3, q, k).Store(y);
        Finish<T>(sums.GetLower().GetUpper(), x1, w, w1, w2, w3, q, k).Store(y + 16);
        Finish<T>(sums.GetUpper().GetLower(), x2, w, w1, w2, w3, q, k).Store(y + 32);
        Finish<T>(sums.GetUpper().GetUpper(), x3, w, w1, w2, w3, q, k).Store(y + 48);
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

    // Also all that half as many registers half as wide (AVX2) can hold. Outputs that are not there (more: how many follow the first) repeat the last.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByFour<T, TFetch>(float* x, byte* w, int more, int k, float* y, byte* ahead) where T : struct, IWeights where TFetch : struct, IFetch
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
        long row = (long)k * T.Size;
        byte* w1 = w + Math.Min(1, more) * row, w2 = w + Math.Min(2, more) * row, w3 = w + more * row;
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
        Finish<T>(Sum(a, b, c, d), x, w, w1, w2, w3, q, k).Store(y);
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

    // The sums of four vectors.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Sum(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        if (Sse3.IsSupported) return Sse3.HorizontalAdd(Sse3.HorizontalAdd(Quarter(a), Quarter(b)), Sse3.HorizontalAdd(Quarter(c), Quarter(d)));
        return Vector128.Create(Pairs(Quarter(a)), Pairs(Quarter(b)), Pairs(Quarter(c)), Pairs(Quarter(d)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Quarter(Vector512<float> v)
    {
        Vector256<float> half = v.GetLower() + v.GetUpper();
        return half.GetLower() + half.GetUpper();
    }

    private static float Pairs(Vector128<float> v) => v[0] + v[1] + (v[2] + v[3]);

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
