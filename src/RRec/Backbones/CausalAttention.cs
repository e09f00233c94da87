using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Whole sequences from position 0: causal attention among a row's own tokens. Right padding needs no mask. By the library's fused kernel where that is one
/// (<see cref="Backbone.FusedAttention"/>) and the family allows it; else in blocks of queries that see only the keys up to their own end, so that the half of
/// the scores which nobody may see is mostly not computed. Optionally keeps every layer's keys and values.
/// </summary>
internal sealed class CausalAttention : Attention
{
    // Small enough to skip nearly half of the square, large enough for products that are busy.
    private const int QueriesPerBlock = 128;

    private readonly Rotary _full, _sliding;
    private readonly int _tokens;
    private readonly KvPrefix? _keep;
    private readonly ScalarType _dtype;
    private readonly Device _device;
    private readonly bool _fused;
    private readonly int? _window;
    private readonly Dictionary<(int From, bool Slides), Tensor> _masks = [];

    /// <param name="config">The decoder's shape.</param>
    /// <param name="full">Rotation of full layers.</param>
    /// <param name="sliding">Rotation of sliding layers.</param>
    /// <param name="tokens">Width of the batch.</param>
    /// <param name="dtype">The type of the activations.</param>
    /// <param name="device">Where they are.</param>
    /// <param name="fused">Whether the library's fused kernel is used.</param>
    /// <param name="keep">Receives keys and values [rows, K, tokens, d] of every layer.</param>
    public CausalAttention(BackboneConfig config, Rotary full, Rotary sliding, int tokens, ScalarType dtype, Device device, bool fused, KvPrefix? keep) : base(config)
    {
        (_full, _sliding, _tokens, _dtype, _device, _keep) = (full, sliding, tokens, dtype, device, keep);
        _fused = fused && config.AttentionSoftCap is null;
        _window = config.SlidingWindow is int window && tokens > window ? window : null;   // a window that reaches back to the start is none
        // Made now: layers run in dispose scopes of their own.
        foreach ((int from, int to) in Blocks())
            foreach (bool slides in new[] { false, true })
                if (!_fused || (slides && _window is not null)) _masks[(from, slides)] = Mask(from, to, slides);
    }

    public override (Tensor Cos, Tensor Sin) Rotation(bool slides) => (slides ? _sliding : _full).First(_tokens);

    public override Tensor? Attend(int layer, Tensor? q, Tensor k, Tensor v, LastTokens? last = null)
    {
        k = k.transpose(1, 2);   // [R, K, t, d]
        v = v.transpose(1, 2);
        _keep?.Keep(layer, k, v);
        if (q is null) return null;
        long rows = q.shape[0];
        bool slides = Config.LayerSlides[layer];
        if (last is not null) return Grouped(q, rows, null, (k, v, last.OwnMask(rows, _tokens, slides ? Config.SlidingWindow : null, q.dtype)));
        if (_fused) return Fused(q, k, v, slides && _window is not null ? _masks[(0, true)] : null);
        (k, v) = (k.contiguous(), v.contiguous());
        List<Tensor> parts = [];
        foreach ((int from, int to) in Blocks())
        {
            int first = First(from, slides);
            parts.Add(Grouped(q.narrow(1, from, to - from), rows, null, (k.narrow(2, first, to - first), v.narrow(2, first, to - first), _masks[(from, slides)])));
        }
        return parts.Count == 1 ? parts[0] : cat(parts, 1);
    }

    // The fused kernel takes all queries at once.
    private IEnumerable<(int From, int To)> Blocks()
    {
        int blocks = _fused ? 1 : (_tokens + QueriesPerBlock - 1) / QueriesPerBlock;
        for (int i = 0; i < blocks; i++) yield return ((int)((long)_tokens * i / blocks), (int)((long)_tokens * (i + 1) / blocks));
    }

    // The first key that any query from here on sees.
    private int First(int from, bool slides) => slides && _window is int w ? Math.Max(0, from - w + 1) : 0;

    // [to - from, to - first]
    private Tensor Mask(int from, int to, bool slides)
    {
        Tensor back = arange(from, to, ScalarType.Int64, _device).unsqueeze(1) - arange(First(from, slides), to, ScalarType.Int64, _device);
        Tensor seen = back.ge(0);
        if (slides && _window is int w) seen = seen.logical_and(back.lt(w));
        return Additive(seen, _dtype);
    }
}
