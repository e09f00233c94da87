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
    /// <summary>What it takes.</summary>
    public long Bytes => (long)Rows * Columns * (Half ? 2 : 4);

    /// <summary>Some of its rows.</summary>
    public Matrix Part(int from, int rows) => this with { Data = Data + (nint)from * Columns * (Half ? 2 : 4), Rows = rows };
}

/// <summary>
/// y = x wᵀ for weights as a checkpoint stores them, one row per output: every output is a dot product of two rows that lie in memory one number after the other,
/// so nothing has to be packed. Libraries pack the weights for each product, which for few rows costs more than the product. Four rows of x meet four rows of w in
/// registers; each dot product adds its terms in one and the same order wherever it stands, so a row's result does not depend on the rows beside it.
/// </summary>
internal static unsafe partial class Products
{
    // A block of x that stays in a core's second-level cache, and the outputs that one piece of work computes for it.
    private const int BlockBytes = 400 << 10, MostRows = 128;

    // Rows of w are taken in parts of about so many columns, and so many bytes of x (eight rows at least) stay in the first-level cache beside them.
    private const int PartColumns = 512, FewBytes = 16 << 10;

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
        Share(team, n, w.Columns, w.Rows, 1, (first, count, from, to) =>
        {
            float* source = x + (long)first * w.Columns, target = y + (long)first * stride;
            if (w.Half) Slice<HalfWeights>(source, count, w, from, to, target, stride, bias, add);
            else Slice<FullWeights>(source, count, w, from, to, target, stride, bias, add);
        });
    }

    /// <summary>activation(x gateᵀ) * (x upᵀ): the upper half of an MLP.</summary>
    /// <param name="team">Who works.</param>
    /// <param name="x">[n, columns].</param>
    /// <param name="n">Rows of x.</param>
    /// <param name="w">[2 m, columns], the gate's rows first.</param>
    /// <param name="y">[n, m].</param>
    /// <param name="gelu">The activation, see <see cref="Vectors.Gate"/>.</param>
    public static void Gated(WorkerTeam team, float* x, int n, Matrix w, float* y, bool gelu)
    {
        int m = w.Rows / 2;
        Share(team, n, w.Columns, m, 2, (first, count, from, to) =>
        {
            float* source = x + (long)first * w.Columns, target = y + (long)first * m;
            if (w.Half) GatedSlice<HalfWeights>(source, count, w, from, to, target, gelu);
            else GatedSlice<FullWeights>(source, count, w, from, to, target, gelu);
        });
    }

    // Cuts [n, rows] outputs, each of so many sums over the columns, into pieces: rows of x, and outputs [from, to) for them.
    private static void Share(WorkerTeam team, int n, int columns, int rows, int sums, Action<int, int, int, int> work)
    {
        if (n == 0) return;
        int most = Math.Clamp(BlockBytes / (columns * sizeof(float)) & ~3, 8, MostRows), blocks = (n + most - 1) / most;
        int each = (n + blocks - 1) / blocks + 3 & ~3;   // blocks of like size: a last one of few rows would read all of w for them
        // Pieces of like size: few enough that claiming them costs nothing, enough that threads end together.
        int outputs = (int)Math.Clamp((1 << 19) / ((long)Math.Min(n, each) * columns * sums), 16, 512);
        outputs = team.Threads == 1 ? rows + 15 & ~15 : Math.Max(16, Math.Min(outputs, (rows + 2 * team.Threads - 1) / (2 * team.Threads)) + 15 & ~15);
        int slices = (rows + outputs - 1) / outputs;
        team.For(blocks * slices, piece =>
        {
            int first = piece / slices * each, from = piece % slices * outputs;
            work(first, Math.Min(each, n - first), from, Math.Min(rows, from + outputs));
        });
    }

    /// <summary>The same for few rows, at most 128, by the caller alone.</summary>
    public static void Block(float* x, int n, Matrix w, float* y, int stride)
    {
        if (w.Half) Slice<HalfWeights>(x, n, w, 0, w.Rows, y, stride, null, false);
        else Slice<FullWeights>(x, n, w, 0, w.Rows, y, stride, null, false);
    }

    // Outputs [from, to) of n rows, sixteen at a time: they are put together beside each other and then written line by line, because rows of y may lie so far apart
    // that they evict one another.
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    private static void Slice<T>(float* x, int n, Matrix w, int from, int to, float* y, int stride, float* bias, bool add) where T : struct, IWeights
    {
        float* block = stackalloc float[MostRows * 16];
        for (int start = from; start < to; start += 16)
        {
            int width = Math.Min(16, to - start);
            Sixteen<T>(x, n, w, start, width, block);
            Write(block, n, width, y + start, stride, bias is null ? null : bias + start, add);
        }
    }

    // Outputs [from, to) of an MLP's upper half: gates and what they let through meet while both are at hand, so neither is ever written out.
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    private static void GatedSlice<T>(float* x, int n, Matrix w, int from, int to, float* y, bool gelu) where T : struct, IWeights
    {
        int m = w.Rows / 2;
        float* gates = stackalloc float[2 * MostRows * 16], ups = gates + MostRows * 16;
        for (int start = from; start < to; start += 16)
        {
            int width = Math.Min(16, to - start);
            Sixteen<T>(x, n, w, start, width, gates);
            Sixteen<T>(x, n, w, m + start, width, ups);
            float* to16 = y + start;
            for (int i = 0; i < 16 * n; i += 16, to16 += m) Vectors.Gate(gates + i, ups + i, to16, width, gelu);
        }
    }

    // Up to sixteen outputs of n rows. Of long rows a part after the other, and of many rows as many at a time as stay in the first-level cache beside four rows of w;
    // which columns make a part depends on nothing but their number, so sums come out the same for any n.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sixteen<T>(float* x, int n, Matrix w, int start, int width, float* block) where T : struct, IWeights
    {
        int columns = w.Columns, parts = Math.Max(1, columns / PartColumns), part = (columns + parts - 1) / parts + 15 & ~15;
        int most = Math.Max(8, FewBytes / (Math.Min(part, columns) * sizeof(float)) & ~3);
        long row = (long)columns * T.Size;
        byte* p = (byte*)w.Data + start * row;
        for (int at = 0; at < columns; at += part)
        {
            int k = Math.Min(part, columns - at);
            for (int first = 0; first < n; first += most)
                Rows<T>(x + (long)first * columns + at, Math.Min(most, n - first), columns, p + (long)at * T.Size, row, k, width, block + 16 * first, at > 0, first == 0);
        }
    }

    // While four rows of w are at work, those after the next are fetched into the second-level cache: what the processor does of itself comes too late, by a factor of
    // two at eight rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<T>(float* x, int n, int columns, byte* p, long row, int k, int width, float* block, bool more, bool fetch) where T : struct, IWeights
    {
        int tiles = Avx512F.IsSupported ? n / 4 : 0;
        for (int j = 0; j < width; j += 4, p += 4 * row)
        {
            int others = Math.Min(3, width - j - 1), fours = others == 3 ? tiles : 0;
            byte* ahead = p + 8 * row;
            for (int t = 0; t < fours; t++)
            {
                float* at = x + 4L * t * columns, to = block + 64 * t + j;
                if (!fetch) FourByFour<T, Fetch0>(at, columns, p, row, k, to, ahead, more);
                else if (tiles == 1) FourByFour<T, Fetch4>(at, columns, p, row, k, to, ahead, more);
                else if (tiles < 4 && t < 2) FourByFour<T, Fetch2>(at, columns, p, row, k, to, ahead + 2 * t * row, more);
                else if (tiles >= 4 && t < 4) FourByFour<T, Fetch1>(at, columns, p, row, k, to, ahead + t * row, more);
                else FourByFour<T, Fetch0>(at, columns, p, row, k, to, ahead, more);
            }
            for (int i = 4 * fours; i < n; i++)
            {
                if (i == 0 && fetch) OneByFour<T, Fetch4>(x, p, row, others, k, block + j, ahead, more);
                else OneByFour<T, Fetch0>(x + (long)i * columns, p, row, others, k, block + 16 * i + j, ahead, more);
            }
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
}
