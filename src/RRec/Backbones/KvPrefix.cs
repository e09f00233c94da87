using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Keys and values of prompts, computed once and seen by every row that continues them. In training they are part of the graph: gradients
/// of all completions add up in them and flow back through the prompt.
/// </summary>
internal sealed class KvPrefix : IDisposable
{
    private readonly (Tensor K, Tensor V)[] _layers;
    private readonly int _width;
    private int[] _lengths;
    private Tensor? _lengthsOnDevice;

    /// <param name="layers">Number of layers.</param>
    /// <param name="lengths">Real tokens of each prompt's prefix; 0 is allowed.</param>
    /// <param name="width">The rectangle's width until keys are kept.</param>
    public KvPrefix(int layers, int[] lengths, int width = 0)
    {
        _width = width;
        _layers = new (Tensor, Tensor)[layers];
        _lengths = lengths;
    }

    /// <summary>Real tokens of each prompt.</summary>
    public int[] Lengths
    {
        get => _lengths;
        private set
        {
            _lengths = value;
            _lengthsOnDevice?.Dispose();
            _lengthsOnDevice = null;
        }
    }

    public int Prompts => Lengths.Length;

    /// <summary>Width of the rectangle, 0 where no prompt has a token.</summary>
    public int Width => _layers[0].K is null ? _width : (int)_layers[0].K.shape[2];

    /// <summary>The lengths where the keys are, [P]; sent there once, not once a token.</summary>
    public Tensor LengthsOn(Device device) => _lengthsOnDevice ??= HostTensors.Long(_lengths, device).DetachFromDisposeScope();

    /// <summary>Keys and values of a layer, [P, K, L, d].</summary>
    public (Tensor K, Tensor V) this[int layer] => _layers[layer];

    /// <summary>Takes a layer's keys and values [P, K, L, d] out of the running dispose scope.</summary>
    public void Keep(int layer, Tensor k, Tensor v) => _layers[layer] = (k.contiguous().DetachFromDisposeScope(), v.contiguous().DetachFromDisposeScope());

    /// <summary>Becomes one common start followed by what each prompt has of its own.</summary>
    public void Join(KvPrefix start, KvPrefix rest)
    {
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _layers.Length; i++)
        {
            ((Tensor k0, Tensor v0), (Tensor k1, Tensor v1)) = (start[i], rest[i]);
            long[] shape = [k1.shape[0], k0.shape[1], k0.shape[2], k0.shape[3]];
            Keep(i, cat([k0.expand(shape), k1], 2), cat([v0.expand(shape), v1], 2));
        }
    }

    /// <summary>Adds further prompts, and lets go of theirs.</summary>
    public void Append(KvPrefix others)
    {
        int width = Math.Max(Width, others.Width);
        if (width > 0)
        {
            using DisposeScope scope = NewDisposeScope();
            for (int i = 0; i < _layers.Length; i++)
            {
                ((Tensor k, Tensor v), (Tensor k1, Tensor v1)) = (_layers[i], others[i]);
                _layers[i] = (cat([Wider(k, k1, Prompts, width), Wider(k1, k, others.Prompts, width)], 0).DetachFromDisposeScope(),
                    cat([Wider(v, v1, Prompts, width), Wider(v1, v, others.Prompts, width)], 0).DetachFromDisposeScope());
                k?.Dispose();
                v?.Dispose();
            }
        }
        Lengths = [.. Lengths, .. others.Lengths];
        others.Dispose();
    }

    // Zeros where a prompt has no tokens; one without any has no tensor either.
    private static Tensor Wider(Tensor? t, Tensor? like, int prompts, int width)
    {
        Tensor model = t ?? like!;
        long have = t?.shape[2] ?? 0;
        if (have == width) return t!;
        Tensor none = zeros([prompts, model.shape[1], width - have, model.shape[3]], dtype: model.dtype, device: model.device);
        return t is null ? none : cat([t, none], 2);
    }

    /// <summary>Keeps only some prompts, in the order given, and as many columns as they need.</summary>
    public void Select(int[] prompts)
    {
        Lengths = [.. prompts.Select(p => Lengths[p])];
        if (Width == 0) return;
        int width = Math.Max(1, Lengths.Max());
        using DisposeScope scope = NewDisposeScope();
        Tensor index = HostTensors.Long(prompts, _layers[0].K.device);
        for (int i = 0; i < _layers.Length; i++)
        {
            (Tensor k, Tensor v) = _layers[i];
            _layers[i] = (k.narrow(2, 0, width).index_select(0, index).DetachFromDisposeScope(), v.narrow(2, 0, width).index_select(0, index).DetachFromDisposeScope());
            k.Dispose();
            v.Dispose();
        }
    }

    /// <summary>Makes keys and values leaves that collect gradients; they must have been computed without.</summary>
    public void RequireGradients()
    {
        foreach ((Tensor k, Tensor v) in _layers)
        {
            k?.requires_grad_();
            v?.requires_grad_();
        }
    }

    /// <summary>Lets go of one layer's tensors.</summary>
    public void Release(int layer)
    {
        _layers[layer].K?.Dispose();
        _layers[layer].V?.Dispose();
    }

    /// <summary>Lets go of the tensors; a graph that still needs them keeps its own hold.</summary>
    public void Dispose()
    {
        foreach ((Tensor k, Tensor v) in _layers)
        {
            k?.Dispose();
            v?.Dispose();
        }
        _lengthsOnDevice?.Dispose();
        _lengthsOnDevice = null;
    }
}
