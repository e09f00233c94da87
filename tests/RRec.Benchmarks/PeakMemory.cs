namespace RRec.Benchmarks;

/// <summary>The most anonymous memory above what there was, looked at every few milliseconds: pages of mapped files are the kernel's to take back and do not count.</summary>
internal sealed class PeakMemory : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly long? _before = Anonymous();
    private readonly Thread _watch;
    private long _peak;

    public PeakMemory()
    {
        _watch = new Thread(() =>
        {
            do _peak = Math.Max(_peak, Anonymous() ?? 0);
            while (!_stop.Token.WaitHandle.WaitOne(5));
            _peak = Math.Max(_peak, Anonymous() ?? 0);
        });
        _watch.Start();
    }

    public long? Bytes()
    {
        _stop.Cancel();
        _watch.Join();
        return _before is long before ? _peak - before : null;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _watch.Join();
        _stop.Dispose();
    }

    private static long? Anonymous()
    {
        if (!OperatingSystem.IsLinux()) return null;
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("RssAnon:", StringComparison.Ordinal));
        return line is null ? null : long.Parse(line.AsSpan(8).Trim()[..^3]) << 10;
    }
}
