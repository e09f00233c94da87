using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RRec.Backbones;

/// <summary>
/// Products of many rows with weights in bfloat16 by the library, on processors that multiply this type themselves: two to three times as fast as in single precision.
/// The rows are rounded to bfloat16 too, sums are kept in single precision. On other processors the library needs twenty times as long, so it is measured, once.
/// </summary>
internal static unsafe class HalfProducts
{
    /// <summary>For fewer rows the weights' way through memory is what takes the time.</summary>
    public const int LeastRows = 48;

    private static readonly Lazy<bool> Measured = new(Measure);

    /// <summary>Whether the library is clearly the faster one here.</summary>
    public static bool Pay => Measured.Value;

    /// <summary>x [n, columns] times wᵀ, plus bias, to y.</summary>
    public static void Multiply(float* x, int n, Tensor w, float* y, int stride, float* bias)
    {
        using DisposeScope scope = NewDisposeScope();
        long k = w.shape[1], outputs = w.shape[0];
        Tensor rows = empty([n, k]);
        new Span<float>(x, checked((int)(n * k))).CopyTo(Floats(rows));
        Tensor product = F.linear(rows.to(ScalarType.BFloat16), w).to(ScalarType.Float32);
        Span<float> from = Floats(product);
        for (int i = 0; i < n; i++)
        {
            Span<float> row = new(y + (long)i * stride, (int)outputs);
            from.Slice((int)(i * outputs), (int)outputs).CopyTo(row);
            if (bias is null) continue;
            for (int j = 0; j < row.Length; j++) row[j] += bias[j];
        }
    }

    private static Span<float> Floats(Tensor t) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(t.bytes);

    private static bool Measure()
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        const int N = 256, K = 512, Outputs = 512;
        Tensor w = zeros([Outputs, K], dtype: ScalarType.BFloat16), x = zeros([N, K]), y = zeros([N, Outputs]);
        fixed (byte* weights = w.bytes, from = x.bytes, to = y.bytes)
        {
            WorkerTeam team = WorkerTeam.Of(get_num_threads());
            (nint p, nint a, nint b) = ((nint)weights, (nint)from, (nint)to);
            double library = Timing.Least(() => Multiply((float*)a, N, w, (float*)b, Outputs, null)), own = Timing.Least(() => Products.Multiply(team, (float*)a, N, new Matrix(p, Outputs, K, true), (float*)b, Outputs));
            return library * 1.3 < own;
        }
    }
}
