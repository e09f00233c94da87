using System.Diagnostics;

namespace RRec.Backbones;

/// <summary>Seconds by part of a pass, from one mark to the next.</summary>
internal sealed class PartTimes
{
    private readonly Dictionary<string, double> _seconds = [];
    private long _last = Stopwatch.GetTimestamp();

    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>The time since the last mark belongs to this part.</summary>
    public void Add(string part)
    {
        long now = Stopwatch.GetTimestamp();
        _seconds[part] = _seconds.GetValueOrDefault(part) + Stopwatch.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
    }
}
