using System.CommandLine;
using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>What this machine can do: products per second at our shapes, and bytes per second of a matrix times a vector.</summary>
internal static class GemmBench
{
    public static Command Command()
    {
        var command = new Command("gemm", "Calibration: GFLOP/s of matrix products at our shapes, GB/s of a matrix times a vector.");
        command.SetAction(_ => { Run(); });
        return command;
    }

    private static void Run()
    {
        using IDisposable noGrad = no_grad();
        foreach ((long m, long k, long n) in new[] { (2048L, 576L, 1536L), (2048L, 256L, 1024L), (512L, 256L, 768L), (64L, 576L, 49152L), (16L, 576L, 1536L) })
            new BenchLine("gemm", $"[{m},{k}]x[{k},{n}]", Gflops(m, k, n), "GFLOP/s").Write();
        new BenchLine("gemv", "[49152,576]x[576]", Bandwidth(), "GB/s").Write();
    }

    /// <summary>GFLOP/s of [m,k] x [k,n] in single precision.</summary>
    public static double Gflops(long m, long k, long n)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = rand([m, k]), b = rand([n, k]);
        int times = (int)Math.Clamp(2e9 / (2.0 * m * k * n), 1, 200);
        double seconds = BenchLine.Seconds(() =>
        {
            for (int i = 0; i < times; i++) nn.functional.linear(a, b).Dispose();
        });
        return 2e-9 * m * k * n * times / seconds;
    }

    /// <summary>GFLOP/s of [m,k] x [k,n] by the library and by our own kernel.</summary>
    public static unsafe (string Whose, double Gflops)[] Rates(int m, int k, int n)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = rand([m, k]), b = rand([n, k]), c = zeros([m, n]);
        WorkerTeam team = WorkerTeam.Of(get_num_threads());
        int times = (int)Math.Clamp(2e9 / (2.0 * m * k * n), 1, 200);
        fixed (byte* left = a.bytes, right = b.bytes, product = c.bytes)
        {
            (nint x, nint w, nint y) = ((nint)left, (nint)right, (nint)product);
            double seconds = BenchLine.Seconds(() =>
            {
                for (int i = 0; i < times; i++) Products.Multiply(team, (float*)x, m, new Matrix(w, n, k, false), (float*)y, n);
            });
            return [("ours", 2e-9 * m * k * n * times / seconds), ("the library", Gflops(m, k, n))];
        }
    }

    /// <summary>GB/s of reading a large matrix once, by the faster of the library's product with a vector and our own: the bound of decoding one row.</summary>
    public static unsafe double Bandwidth()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = rand([49152, 576]), x = rand([576]);
        fixed (byte* data = a.bytes) HugePages.Use((nint)data, 4L * 49152 * 576);   // as weights are
        double seconds = BenchLine.Seconds(() =>
        {
            for (int i = 0; i < 10; i++) a.mv(x).Dispose();
        });
        Tensor y = zeros([1, 49152]);
        fixed (byte* matrix = a.bytes, row = x.bytes, product = y.bytes)
        {
            (nint w, nint from, nint to) = ((nint)matrix, (nint)row, (nint)product);
            WorkerTeam team = WorkerTeam.Of(get_num_threads());
            seconds = Math.Min(seconds, BenchLine.Seconds(() =>
            {
                for (int i = 0; i < 10; i++) Products.Multiply(team, (float*)from, 1, new Matrix(w, 49152, 576, false), (float*)to, 49152);
            }));
        }
        return 10e-9 * 49152 * 576 * sizeof(float) / seconds;
    }
}
