using System.Diagnostics;
using System.Globalization;

namespace RRec.Backbones;

/// <summary>Seconds by part of a pass, from one mark to the next.</summary>
/// <param name="processor">Counts what all threads of the process computed, not the clock's seconds: on a machine that others use too.</param>
internal sealed class PartTimes(bool processor = false)
{
    private readonly Dictionary<string, double> _seconds = [];
    private TimeSpan _last = Now(processor);

    /// <summary>The time since the last mark belongs to this part.</summary>
    public void Add(string part)
    {
        TimeSpan now = Now(processor);
        _seconds[part] = _seconds.GetValueOrDefault(part) + (now - _last).TotalSeconds;
        _last = now;
    }

    /// <summary>Keeps the lower time of every part, over several passes.</summary>
    public void Least(Dictionary<string, double> least)
    {
        foreach ((string part, double seconds) in _seconds) least[part] = Math.Min(least.GetValueOrDefault(part, double.PositiveInfinity), seconds);
    }

    /// <summary>Milliseconds, the longest first.</summary>
    public static string Text(Dictionary<string, double> parts) =>
        string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", parts.OrderByDescending(p => p.Value).Select(p => FormattableString.Invariant($"{p.Key} {1e3 * p.Value:F3}")))}; sum {1e3 * parts.Values.Sum():F2}");

    private static TimeSpan Now(bool processor) => processor ? Environment.CpuUsage.TotalTime : Stopwatch.GetElapsedTime(0);
}
