using System.Diagnostics;
using System.Text.Json;

namespace RRec.Benchmarks;

/// <summary>
/// One measured figure. <c>Baseline</c> is the plain way in the same run (unshared, unbatched), <c>Bound</c> what the hardware could give.
/// </summary>
public sealed record BenchLine(string Name, string Shape, double Value, string Unit, double? Baseline = null, double? Bound = null)
{
    public void Write()
    {
        BenchLog.Write(JsonSerializer.Serialize(new
        {
            name = Name, shape = Shape, value = Round(Value), unit = Unit, baseline = Round(Baseline), ratio = Round(Value / Baseline), bound = Round(Bound), share_of_bound = Round(Value / Bound),
        }));
    }

    /// <summary>Seconds of one run: the fastest of several, after one that only warms up.</summary>
    public static double Seconds(Action run, int repeats = 3)
    {
        run();
        double best = double.PositiveInfinity;
        for (int i = 0; i < repeats; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static double? Round(double? x) => x is double v && double.IsFinite(v) && v != 0 ? double.Parse(v.ToString("G5")) : x;
}
