using RRec.TestSupport;

namespace RRec.Benchmarks;

/// <summary>The most anonymous memory above what there was, looked at every few milliseconds: pages of mapped files are the kernel's to take back and do not count.</summary>
internal sealed class PeakMemory : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly long? _before = ProcessMemory.Anonymous;
    private readonly Thread _watch;
    private long _peak;

    public PeakMemory()
    {
        _watch = new Thread(() =>
        {
            do _peak = Math.Max(_peak, ProcessMemory.Anonymous ?? 0);
            while (!_stop.Token.WaitHandle.WaitOne(5));
            _peak = Math.Max(_peak, ProcessMemory.Anonymous ?? 0);
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
}
