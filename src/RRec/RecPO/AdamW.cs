using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// AdamW with the arithmetic of PyTorch's (decoupled decay first, bias correction, epsilon after the corrected root). It is ours, so that numbers are the same on
/// every TorchSharp and its state can be saved. Gradients come from each parameter's <c>grad</c>; parameters without one are left alone.
/// </summary>
internal sealed class AdamW : IDisposable
{
    private readonly IReadOnlyList<(string Name, Tensor Parameter)> _parameters;
    private readonly Tensor[] _mean, _square;
    private readonly double _beta1, _beta2, _epsilon, _weightDecay;

    /// <summary>Takes the parameters in a fixed order; the moments start at zero.</summary>
    /// <param name="parameters">Leaf tensors that require gradients, with names that are stable over runs.</param>
    /// <param name="beta1">Decay of the mean, 0 to below 1.</param>
    /// <param name="beta2">Decay of the mean square, 0 to below 1.</param>
    /// <param name="epsilon">Added to the root, above 0.</param>
    /// <param name="weightDecay">Decoupled decay, 0 or more.</param>
    public AdamW(IReadOnlyList<(string Name, Tensor Parameter)> parameters, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _parameters = parameters;
        (_beta1, _beta2, _epsilon, _weightDecay) = (beta1, beta2, epsilon, weightDecay);
        using (no_grad())
        {
            _mean = [.. parameters.Select(p => zeros_like(p.Parameter).DetachFromDisposeScope())];
            _square = [.. parameters.Select(p => zeros_like(p.Parameter).DetachFromDisposeScope())];
        }
    }

    /// <summary>Steps done.</summary>
    public int Steps { get; private set; }

    /// <summary>A factor on the learning rate by parameter name; null (default): 1 everywhere.</summary>
    public Func<string, double>? RateFactor { get; init; }

    /// <summary>Drops all gradients.</summary>
    public void ZeroGradients()
    {
        foreach ((_, Tensor p) in _parameters) p.grad = null!;
    }

    /// <summary>The norm of all gradients together; scaled down to <paramref name="maximum"/> where it is above (0: never).</summary>
    /// <returns>The norm before clipping.</returns>
    public double ClipGradients(double maximum)
    {
        using var scope = NewDisposeScope();
        double norm = GradientNorm() is { } there ? HostTensors.Read<double>(there)[0] : 0;
        Clip(norm, maximum);
        return norm;
    }

    /// <summary>The norm where the gradients are, a scalar in double precision; null where there are none.</summary>
    internal Tensor? GradientNorm()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        List<Tensor> norms = [];
        foreach ((string name, Tensor p) in _parameters)
            if (p.grad is { } g) norms.Add(g.norm());
        return norms.Count == 0 ? null : stack(norms).norm().to(ScalarType.Float64).MoveToOuterDisposeScope();
    }

    /// <summary>The second half of <see cref="ClipGradients"/>, for a norm that was read with other things.</summary>
    internal void Clip(double norm, double maximum)
    {
        // torch.nn.utils.clip_grad_norm_: factor maximum / (norm + 1e-6), never above 1.
        double factor = maximum / (norm + 1e-6);
        if (!(maximum > 0 && factor < 1)) return;
        using var _ = no_grad();
        foreach ((string name, Tensor p) in _parameters)
            p.grad?.mul_(factor);
    }

    /// <summary>One update with the gradients as they are.</summary>
    public void Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Steps++;
        double correction1 = 1 - Math.Pow(_beta1, Steps), correction2 = 1 - Math.Pow(_beta2, Steps);
        for (int i = 0; i < _parameters.Count; i++)
        {
            (string name, Tensor p) = _parameters[i];
            if (p.grad is not { } g) continue;
            double rate = learningRate * (RateFactor?.Invoke(name) ?? 1);
            if (_weightDecay > 0) p.mul_(1 - rate * _weightDecay);
            _mean[i].mul_(_beta1).add_(g, 1 - _beta1);
            _square[i].mul_(_beta2).addcmul_(g, g, 1 - _beta2);
            using Tensor root = _square[i].sqrt();
            root.div_(Math.Sqrt(correction2)).add_(_epsilon);
            p.addcdiv_(_mean[i], root, -rate / correction1);
        }
    }

    /// <summary>The moments by name (<c>mean/…</c>, <c>square/…</c>), owned by this object.</summary>
    public IEnumerable<(string Name, Tensor Value)> State()
    {
        for (int i = 0; i < _parameters.Count; i++)
        {
            yield return ($"mean/{_parameters[i].Name}", _mean[i]);
            yield return ($"square/{_parameters[i].Name}", _square[i]);
        }
    }

    /// <summary>Puts saved moments back.</summary>
    /// <param name="read">Gives the tensor of a name as <see cref="State"/> names it; it is copied.</param>
    /// <param name="steps">Steps that had been done.</param>
    public void Restore(Func<string, Tensor> read, int steps)
    {
        ArgumentNullException.ThrowIfNull(read);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach ((string name, Tensor value) in State()) value.copy_(read(name));
        Steps = steps;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor t in _mean) t.Dispose();
        foreach (Tensor t in _square) t.Dispose();
    }
}
