namespace Microsoft.ML.Runtime;

public interface IProgressChannelProvider
{
    IProgressChannel StartProgressChannel(string name);
}

/// <summary>Tells how far a computation is, and its metrics: when asked, or at checkpoints.</summary>
public interface IProgressChannel : IProgressChannelProvider, IDisposable
{
    void SetHeader(ProgressHeader header, Action<IProgressEntry>? fillAction);

    void Checkpoint(params double?[] values);
}

public interface IProgressEntry
{
    void SetProgress(int index, double value);

    void SetProgress(int index, double value, double lim);

    void SetMetric(int index, double value);
}

/// <summary>Names of what is counted and of what is measured.</summary>
public sealed class ProgressHeader
{
    public readonly IReadOnlyList<string> UnitNames;
    public readonly IReadOnlyList<string> MetricNames;

    public ProgressHeader(string[]? metricNames, string[]? unitNames)
    {
        UnitNames = unitNames ?? [];
        MetricNames = metricNames ?? [];
    }

    public ProgressHeader(params string[] unitNames) : this(null, unitNames) { }
}

/// <summary>
/// The channel of an MLContext: its environment has no listener for progress, so values are checked against the header and dropped.
/// </summary>
internal sealed class ProgressChannel(IExceptionContext ectx) : IProgressChannel
{
    private ProgressHeader header = new();
    private bool disposed;

    public void SetHeader(ProgressHeader header, Action<IProgressEntry>? fillAction) => this.header = header;

    /// <summary>In this order: metrics, progress of each unit, limit of each unit; the tail may be left out.</summary>
    public void Checkpoint(params double?[] values)
    {
        ectx.Check(!disposed, "A checkpoint came after the progress channel was disposed.");
        int most = header.MetricNames.Count + (2 * header.UnitNames.Count);
        ectx.Check((values?.Length ?? 0) <= most, $"A checkpoint holds at most {most} values under this header.");
    }

    public IProgressChannel StartProgressChannel(string name) => new ProgressChannel(ectx);

    public void Dispose() => disposed = true;
}
