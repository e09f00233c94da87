using System.Diagnostics;
using System.Text.Json;

namespace RRec.Benchmarks;

/// <summary>
/// One measured figure. <c>Baseline</c> is the plain way in the same run (unshared, unbatched), <c>Bound</c> what the hardware could give (for seconds and bytes: the least).
/// </summary>
public sealed record BenchLine(string Name, string Shape, double Value, string Unit, double? Baseline = null, double? Bound = null)
{
    public void Write()
    {
        BenchLog.Write(JsonSerializer.Serialize(new
        {
            name = Name, shape = Shape, value = Round(Value), unit = Unit, baseline = Round(Baseline), ratio = Round(Value / Baseline), bound = Round(Bound), share_of_bound = Round(Unit is "s" or "ms" or "MiB" ? Bound / Value : Value / Bound),
        }));
    }

    /// <summary>
    /// Count processor seconds instead of the clock's: on a machine that others use too, with one thread, ratios stay true.
    /// </summary>
    public static bool ProcessorTime { get; set; }

    /// <summary>Seconds of one run: the fastest of several and of half a second's, after one that only warms up.</summary>
    public static double Seconds(Action run, int repeats = 3)
    {
        run();
        double best = double.PositiveInfinity;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats || Stopwatch.GetElapsedTime(begin).TotalSeconds < 0.5; i++)
        {
            (long start, TimeSpan before) = (Stopwatch.GetTimestamp(), Used());
            run();
            best = Math.Min(best, ProcessorTime ? (Used() - before).TotalSeconds : Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static TimeSpan Used() => ProcessorTime ? Environment.CpuUsage.TotalTime : default;

    private static double? Round(double? x) => x is double v && double.IsFinite(v) && v != 0 ? double.Parse(v.ToString("G5")) : x;
}
