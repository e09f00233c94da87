using System.Diagnostics;
using System.Globalization;

namespace RRec.Benchmarks.Quality;

/// <summary>What a fit cost: wall seconds, and the process's highest resident memory meanwhile (data, runtime and libtorch included).</summary>
internal readonly record struct Measured(double Seconds, double PeakMegabytes)
{
    private const string ResetPeak = "/proc/self/clear_refs", Status = "/proc/self/status";

    public static (T Result, Measured Cost) Of<T>(Func<T> work)
    {
        GC.Collect();
        if (OperatingSystem.IsLinux()) File.WriteAllText(ResetPeak, "5");   // proc(5): sets VmHWM back to the present
        long start = Stopwatch.GetTimestamp();
        T result = work();
        return (result, new Measured(Stopwatch.GetElapsedTime(start).TotalSeconds, Peak()));
    }

    /// <summary>One after the other.</summary>
    public static Measured operator +(Measured a, Measured b) => new(a.Seconds + b.Seconds, Math.Max(a.PeakMegabytes, b.PeakMegabytes));

    private static double Peak()
    {
        if (OperatingSystem.IsLinux() && File.ReadLines(Status).FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line)
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1048576.0;   // elsewhere: the highest since the process began
    }
}
