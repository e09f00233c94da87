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
        string json = JsonSerializer.Serialize(new
        {
            name = Name, shape = Shape, value = Round(Value), unit = Unit, baseline = Round(Baseline), ratio = Round(Value / Baseline), bound = Round(Bound), share_of_bound = Round(Value / Bound),
        });
        Console.WriteLine(json);
        string? root = Root();
        if (root is null) return;
        Directory.CreateDirectory(Path.Combine(root, "artifacts"));
        File.AppendAllText(Path.Combine(root, "artifacts", "bench.jsonl"), json + "\n");
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

    /// <summary>The checkout's root, where the program runs inside one.</summary>
    public static string? Root()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
            if (File.Exists(Path.Combine(d.FullName, "RRec.MLNet.sln"))) return d.FullName;
        return null;
    }

    private static double? Round(double? x) => x is double v && double.IsFinite(v) && v != 0 ? double.Parse(v.ToString("G5")) : x;
}
