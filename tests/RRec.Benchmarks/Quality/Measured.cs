using System.Diagnostics;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>What a fit cost: wall seconds, and the process's highest resident memory meanwhile (data, runtime and libtorch included).</summary>
internal readonly record struct Measured(double Seconds, double PeakMegabytes)
{
    public static (T Result, Measured Cost) Of<T>(Func<T> work)
    {
        GC.Collect();
        ProcessMemory.ForgetPeak();
        long start = Stopwatch.GetTimestamp();
        T result = work();
        return (result, new Measured(Stopwatch.GetElapsedTime(start).TotalSeconds, Peak()));
    }

    /// <summary>One after the other.</summary>
    public static Measured operator +(Measured a, Measured b) => new(a.Seconds + b.Seconds, Math.Max(a.PeakMegabytes, b.PeakMegabytes));

    private static double Peak()
    {
        if (ProcessMemory.Peak is long peak) return peak / 1048576.0;
        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1048576.0;   // elsewhere: the highest since the process began
    }
}
