using TorchSharp;

namespace RRec.TestSupport;

/// <summary>A test may change the library's number of threads: when this ends it is what it was.</summary>
internal sealed class ThreadsKept : IDisposable
{
    private readonly int _before = torch.get_num_threads();

    public void Dispose() => torch.set_num_threads(_before);
}
