using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

// Two graphs at once need leaves of their own: where both sent their gradients into the same leaf, the order of the sums would be a matter of who came first.
public sealed partial class Backbone
{
    private bool _twin;

    /// <summary>
    /// How many operations must come together, for them to be shared out among threads with a graph each: a change of the library's number of threads makes it start
    /// threads that spin for tens of milliseconds.
    /// </summary>
    internal double LeastToShare { get; set; } = 5e10;

    /// <summary>Operations of so many tokens' way through the layers' products and back, frozen weights assumed.</summary>
    internal double OperationsBothWays(double tokens) =>
        4 * tokens * Config.Layers * Config.HiddenSize * ((double)(2 * Config.Heads + 2 * Config.KeyValueHeads) * Config.HeadSize + 3.0 * Config.IntermediateSize);

    /// <summary>
    /// The same weights for one more thread that differentiates at the same time: what is trained stands in leaves of the twin's own, which share their numbers with
    /// these and collect gradients apart. Disposing it leaves the weights alone.
    /// </summary>
    /// <param name="tokens">The most tokens that a row of its passes has: what is computed on first use must be there before threads ask for it.</param>
    internal Backbone Twin(int tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        _ropes.Full.First(tokens);
        _ropes.Sliding.First(tokens);
        DecoderWeights weights = _fullFineTuning ? _decoder.Weights.Twin() : _decoder.Weights;
        Backbone twin = new(Config, weights, _ropes, Device, Type) { _twin = true, _fullFineTuning = _fullFineTuning, FusedAttention = FusedAttention, LeastSaved = LeastSaved };
        twin._decoder.Adapter = Adapter?.Twin();
        return twin;
    }

    /// <summary>Adds a twin's gradients to these and drops them.</summary>
    internal void Gather(Backbone twin)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (((_, Tensor own), (_, Tensor others)) in TrainableParameters().Zip(twin.TrainableParameters()))
        {
            if (others.grad is not { } arrived) continue;
            if (own.grad is { } there) there.add_(arrived);
            else own.grad = arrived;
            others.grad = null!;
        }
    }

    private void DisposeTwin()
    {
        Adapter?.Dispose();
        if (_fullFineTuning) foreach ((_, Tensor leaf) in TrainableParameters()) leaf.Dispose();
    }
}
