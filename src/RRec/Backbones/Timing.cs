using System.Diagnostics;

namespace RRec.Backbones;

/// <summary>Short measurements by which a processor's faster way is chosen.</summary>
internal static class Timing
{
    /// <summary>Seconds of one run, the fastest of six: the first also sets up threads and kernels.</summary>
    public static double Least(Action run)
    {
        double least = double.PositiveInfinity;
        for (int i = 0; i < 6; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return least;
    }
}
