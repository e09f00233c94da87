using RRec.Backbones;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// Items through the backbone and their gradient back, shared out among threads. With <paramref name="later"/> the way there keeps no graph and is gone again on the way
/// back, some items at a time.
/// </summary>
internal sealed class ItemPass(Backbone backbone, ItemTable items, int[] fresh, bool later) : IDisposable
{
    // Items that are computed together on the way back.
    private const int ItemsAgain = 16;

    private readonly (int From, int To)[] _shares = later ? [(0, fresh.Length)] : Twins.Shares(backbone, [.. fresh.Select(items.Tokens)]);
    private Tensor[] _vectors = [];   // of each share, with its graph
    private Twins? _twins;

    /// <summary>Unit vectors of the items, f32 <c>[fresh, hidden]</c>, detached.</summary>
    public Tensor Forward()
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad(!later);
        if (_shares.Length == 1) _vectors = [items.Embed(fresh).DetachFromDisposeScope()];
        else
        {
            _vectors = new Tensor[_shares.Length];
            _twins = new Twins(backbone, _shares.Length, fresh.Max(items.Tokens));
            _twins.Run((i, own) => _vectors[i] = items.Embed(fresh[_shares[i].From.._shares[i].To], own).DetachFromDisposeScope());
        }

        return (_vectors.Length == 1 ? _vectors[0].detach() : cat([.. _vectors.Select(v => v.detach())], 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Adds the parameters' gradients, given that of the vectors <c>[fresh, hidden]</c>.</summary>
    public void Backward(Tensor arrived)
    {
        if (_twins is not null)
        {
            _twins.Run((i, _) => _vectors[i].backward([arrived.narrow(0, _shares[i].From, _shares[i].To - _shares[i].From)]));
            _twins.Gather();
            return;
        }

        if (!later)
        {
            _vectors[0].backward([arrived]);
            return;
        }

        for (int at = 0; at < fresh.Length; at += ItemsAgain)
        {
            using var piece = NewDisposeScope();
            int end = Math.Min(at + ItemsAgain, fresh.Length);
            items.Embed(fresh[at..end]).backward([arrived.narrow(0, at, end - at)]);
        }
    }

    public void Dispose()
    {
        foreach (Tensor vectors in _vectors) vectors?.Dispose();
        _twins?.Dispose();
    }
}
