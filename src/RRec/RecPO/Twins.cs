using System.Runtime.ExceptionServices;
using RRec.Backbones;
using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// A backbone and its twins, each of which differentiates its share of an update on a thread of its own, by operators that use no further thread. The library's own way,
/// all threads in one operator after the other, has them wait at the end of each of thousands of small ones. Gradients are added in a fixed order, whoever comes first.
/// </summary>
internal sealed class Twins : IDisposable
{
    // Each twin has gradients of its own: 16 million in single precision are little beside the activations of a share.
    private const long MostGradients = 16 << 20;
    // How much longer than its fair time the largest share may take.
    private const double MostUneven = 1.25;

    private readonly Backbone[] _all;

    /// <param name="backbone">Whose gradients are wanted.</param>
    /// <param name="count">How many shares there are.</param>
    /// <param name="tokens">The most tokens that a row has.</param>
    public Twins(Backbone backbone, int count, int tokens) => _all = [backbone, .. Enumerable.Range(1, count - 1).Select(_ => backbone.Twin(tokens))];

    /// <summary>
    /// Cuts things in a row into one share for each thread, as even as neighbours allow; all in one share where that is so uneven that the library's threads do better,
    /// where there is little to do, or where twins would cost too much memory.
    /// </summary>
    /// <param name="backbone">What they go through.</param>
    /// <param name="tokens">The size of each.</param>
    public static (int From, int To)[] Shares(Backbone backbone, IReadOnlyList<int> tokens)
    {
        int threads = backbone.Device.type == DeviceType.CPU ? get_num_threads() : 1;
        if (threads == 1 || tokens.Count < threads || backbone.TrainableParameters().Sum(p => p.Parameter.numel()) > MostGradients) return [(0, tokens.Count)];
        double all = tokens.Sum(t => (double)t), sum = 0, largest = 0;
        if (backbone.OperationsBothWays(all) < backbone.LeastToShare) return [(0, tokens.Count)];
        var shares = new (int From, int To)[threads];
        for (int i = 0, to = 0; i < threads; i++)
        {
            (int from, double before) = (to, sum);
            // On while the end comes nearer to the share's, and enough is left for the others.
            while (to < tokens.Count - (threads - 1 - i) && (to == from || i == threads - 1 || sum + tokens[to] / 2.0 <= all * (i + 1) / threads)) sum += tokens[to++];
            shares[i] = (from, to);
            largest = Math.Max(largest, sum - before);
        }

        return largest * threads > MostUneven * all ? [(0, tokens.Count)] : shares;
    }

    /// <summary>Runs <paramref name="share"/> for each of them at once and returns when all are done.</summary>
    public void Run(Action<int, Backbone> share)
    {
        int threads = get_num_threads();
        var failures = new ExceptionDispatchInfo?[_all.Length];
        WorkerTeam team = WorkerTeam.Of(threads);   // the same threads each time: glibc keeps a heap for each thread
        try
        {
            team.For(_all.Length, i =>
            {
                set_num_threads(1);   // of the library's loops on this thread, and of its products on all
                try
                {
                    using DisposeScope scope = NewDisposeScope();
                    share(i, _all[i]);
                }
                catch (Exception e)
                {
                    failures[i] = ExceptionDispatchInfo.Capture(e);
                }
            });
        }
        finally
        {
            set_num_threads(threads);
        }

        failures.FirstOrDefault(f => f is not null)?.Throw();
    }

    /// <summary>Adds the twins' gradients to the backbone's, in their order.</summary>
    public void Gather()
    {
        foreach (Backbone twin in _all.Skip(1)) _all[0].Gather(twin);
    }

    public void Dispose()
    {
        foreach (Backbone twin in _all.Skip(1)) twin.Dispose();
    }
}
