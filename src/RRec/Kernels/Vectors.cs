using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RRec.Kernels;

/// <summary>What a decoder does to rows of numbers besides products: norms, activations, rotation. All in single precision.</summary>
/// <remarks>
/// Loops here and in the other kernels are compiled at their best at once: until the runtime has found out that they are hot, a small model's answers take several
/// times as long, and a short job ends before that.
/// </remarks>
internal static unsafe class Vectors
{
    /// <summary>Whether this processor has vectors that make these kernels worth using.</summary>
    public static bool Supported => Vector256.IsHardwareAccelerated && (System.Runtime.Intrinsics.X86.Fma.IsSupported || Vector512.IsHardwareAccelerated);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.IsHardwareAccelerated
        ? Vector512.FusedMultiplyAdd(a, b, c)
        : Vector512.Create(Vector256.FusedMultiplyAdd(a.GetLower(), b.GetLower(), c.GetLower()), Vector256.FusedMultiplyAdd(a.GetUpper(), b.GetUpper(), c.GetUpper()));

    /// <summary>e^x to about one unit in the last place for x from -87 to 88; 0 and infinity are not reached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-87.3f)), Vector512.Create(88.3f));
        Vector512<float> n = Vector512.Round(x * 1.44269504f);
        // ln 2 in two parts, so that the remainder is exact.
        Vector512<float> r = Fma(n, Vector512.Create(-0.693359375f), x);
        r = Fma(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1f / 5040);
        p = Fma(p, r, Vector512.Create(1f / 720));
        p = Fma(p, r, Vector512.Create(1f / 120));
        p = Fma(p, r, Vector512.Create(1f / 24));
        p = Fma(p, r, Vector512.Create(1f / 6));
        p = Fma(p, r, Vector512.Create(0.5f));
        p = Fma(p, r, Vector512<float>.One);
        p = Fma(p, r, Vector512<float>.One);
        Vector512<int> power = Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n) + Vector512.Create(127), 23);
        return p * power.AsSingle();
    }

    /// <summary>The sum of each of four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
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

    /// <summary>Tells the processor that these bytes will soon be asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fetch(byte* at, int bytes)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < bytes; i += 64) Sse.Prefetch0(at + i);
    }

    /// <summary>y = x / rms(x) * factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Norm(float* x, float* factor, float* y, int n, float epsilon)
    {
        Vector512<float> squares = Vector512<float>.Zero;
        int i = 0;
        for (; i + 16 <= n; i += 16)
        {
            Vector512<float> v = Vector512.Load(x + i);
            squares = Fma(v, v, squares);
        }
        float sum = Vector512.Sum(squares);
        for (; i < n; i++) sum += x[i] * x[i];
        float scale = 1 / MathF.Sqrt(sum / n + epsilon);
        for (i = 0; i + 16 <= n; i += 16) (Vector512.Load(x + i) * scale * Vector512.Load(factor + i)).Store(y + i);
        for (; i < n; i++) y[i] = x[i] * scale * factor[i];
    }

    /// <summary>x += y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, float* y, int n)
    {
        int i = 0;
        for (; i + 16 <= n; i += 16) (Vector512.Load(x + i) + Vector512.Load(y + i)).Store(x + i);
        for (; i < n; i++) x[i] += y[i];
    }

    /// <summary>x *= factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* x, float factor, int n)
    {
        int i = 0;
        for (; i + 16 <= n; i += 16) (Vector512.Load(x + i) * factor).Store(x + i);
        for (; i < n; i++) x[i] *= factor;
    }

    /// <summary>y = activation(gate) * up; the activation is silu or the tanh form of gelu, which is x times a sigmoid too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate(float* gate, float* up, float* y, int n, bool gelu)
    {
        int i = 0;
        for (; i + 16 <= n; i += 16) (Activate(Vector512.Load(gate + i), gelu) * Vector512.Load(up + i)).Store(y + i);
        if (i == n) return;
        float* pad = stackalloc float[16];
        for (int j = i; j < n; j++) pad[j - i] = gate[j];
        Activate(Vector512.Load(pad), gelu).Store(pad);
        for (; i < n; i++) y[i] = pad[i & 15] * up[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Activate(Vector512<float> x, bool gelu)
    {
        Vector512<float> u = x;
        if (gelu) u = Fma(x * x * x, Vector512.Create(0.044715f), x) * 1.59576912f;   // 2 sqrt(2 / pi)
        return x / (Vector512<float>.One + Exp(-u));
    }

    /// <summary>cap * tanh(x / cap).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SoftCap(float* x, float cap, int n)
    {
        Vector512<float> twice = Vector512.Create(2 / cap), caps = Vector512.Create(cap);
        int i = 0;
        for (; i + 16 <= n; i += 16)
        {
            Vector512<float> e = Exp(Vector512.Load(x + i) * twice);
            (caps * (Vector512<float>.One - Vector512.Create(2f) / (Vector512<float>.One + e))).Store(x + i);
        }
        for (; i < n; i++) x[i] = cap * MathF.Tanh(x[i] / cap);
    }

    /// <summary>Rotates pairs (i, i + d/2) of one head by a position's angles, then multiplies by <paramref name="scale"/>; y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(float* x, float* y, float* cos, float* sin, int d, float scale)
    {
        int half = d / 2, i = 0;
        for (; i + 16 <= half; i += 16)
        {
            Vector512<float> a = Vector512.Load(x + i), b = Vector512.Load(x + half + i), c = Vector512.Load(cos + i), s = Vector512.Load(sin + i);
            ((a * c - b * s) * scale).Store(y + i);
            ((b * c + a * s) * scale).Store(y + half + i);
        }
        for (; i < half; i++)
        {
            (float a, float b) = (x[i], x[half + i]);
            y[i] = (a * cos[i] - b * sin[i]) * scale;
            y[half + i] = (b * cos[i] + a * sin[i]) * scale;
        }
    }

    /// <summary>Rows of sixteen numbers, <paramref name="stride"/> apart, become columns of y [16, 16]; where there are fewer than sixteen rows, the last stands for the rest. Needs AVX512.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* x, int stride, int rows, float* y)
    {
        Vector512<float>* quads = stackalloc Vector512<float>[16];   // [four numbers' remainder of 4, four rows]
        for (int g = 0; g < 4; g++)
        {
            float* r = x + (long)Math.Min(4 * g, rows - 1) * stride;
            Vector512<float> a = Vector512.Load(r), b = Vector512.Load(x + (long)Math.Min(4 * g + 1, rows - 1) * stride);
            Vector512<float> c = Vector512.Load(x + (long)Math.Min(4 * g + 2, rows - 1) * stride), e = Vector512.Load(x + (long)Math.Min(4 * g + 3, rows - 1) * stride);
            Vector512<double> low = Avx512F.UnpackLow(a, b).AsDouble(), high = Avx512F.UnpackHigh(a, b).AsDouble();
            Vector512<double> low2 = Avx512F.UnpackLow(c, e).AsDouble(), high2 = Avx512F.UnpackHigh(c, e).AsDouble();
            quads[g] = Avx512F.UnpackLow(low, low2).AsSingle();
            quads[4 + g] = Avx512F.UnpackHigh(low, low2).AsSingle();
            quads[8 + g] = Avx512F.UnpackLow(high, high2).AsSingle();
            quads[12 + g] = Avx512F.UnpackHigh(high, high2).AsSingle();
        }
        for (int j = 0; j < 4; j++)
        {
            Vector512<float>* q = quads + 4 * j;
            Vector512<float> even = Avx512F.Shuffle4x128(q[0], q[1], 0x88), even2 = Avx512F.Shuffle4x128(q[2], q[3], 0x88);
            Vector512<float> odd = Avx512F.Shuffle4x128(q[0], q[1], 0xDD), odd2 = Avx512F.Shuffle4x128(q[2], q[3], 0xDD);
            Avx512F.Shuffle4x128(even, even2, 0x88).Store(y + 16 * j);
            Avx512F.Shuffle4x128(odd, odd2, 0x88).Store(y + 16 * (4 + j));
            Avx512F.Shuffle4x128(even, even2, 0xDD).Store(y + 16 * (8 + j));
            Avx512F.Shuffle4x128(odd, odd2, 0xDD).Store(y + 16 * (12 + j));
        }
    }
}
