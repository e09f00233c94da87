using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>A copy of the trained parameters on the host: the best weights so far.</summary>
internal sealed class WeightSnapshot(IReadOnlyList<(string Name, Tensor Parameter)> parameters) : IDisposable
{
    private Tensor[]? _copies;

    public bool Taken => _copies is not null;

    public IEnumerable<(string Name, Tensor Value)> Tensors() =>
        _copies is null ? [] : parameters.Select((p, i) => (p.Name, _copies[i]));

    /// <summary>Copies the parameters as they are.</summary>
    public void Take()
    {
        Dictionary<string, Tensor> now = parameters.ToDictionary(p => p.Name, p => p.Parameter);
        Take(name => now[name]);
    }

    /// <summary>Copies what <paramref name="read"/> gives for each parameter's name.</summary>
    public void Take(Func<string, Tensor> read)
    {
        using var _ = no_grad();
        _copies ??= [.. parameters.Select(p => zeros(p.Parameter.shape, dtype: p.Parameter.dtype).DetachFromDisposeScope())];
        for (int i = 0; i < _copies.Length; i++) _copies[i].copy_(read(parameters[i].Name));
    }

    /// <summary>Writes the copy into the parameters.</summary>
    public void PutBack()
    {
        using var _ = no_grad();
        for (int i = 0; i < parameters.Count; i++) parameters[i].Parameter.copy_(_copies![i]);
    }

    public void Dispose()
    {
        foreach (Tensor t in _copies ?? []) t.Dispose();
        _copies = null;
    }
}
