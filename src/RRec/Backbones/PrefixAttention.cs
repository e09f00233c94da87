using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Rows that continue prompts: every row sees its prompt's keys and its own tokens so far. One pass in training (the completion's tokens
/// see each other causally), many passes of one token in generation (earlier tokens come out of the cache).
/// </summary>
internal sealed class PrefixAttention : Attention
{
    private readonly KvPrefix _prefix;
    private readonly KvCache? _cache;
    private readonly KvPrefix? _keep;
    private readonly Tensor _positions;
    private readonly int? _window;
    private readonly bool _fused;
    private readonly (Tensor Cos, Tensor Sin) _full, _sliding;
    private readonly (Tensor? Prefix, Tensor? Own) _mask, _slidingMask;

    /// <param name="config">The decoder's shape.</param>
    /// <param name="ropes">Rotation of full and of sliding layers.</param>
    /// <param name="prefix">The prompts, R / P rows each.</param>
    /// <param name="positions">Position of every token, [R, t].</param>
    /// <param name="maxPosition">The largest of them.</param>
    /// <param name="dtype">The type of the activations.</param>
    /// <param name="fused">Whether the library's fused kernel is used where it can be: in one pass, not over a cache.</param>
    /// <param name="cache">Null: the rows' tokens of this pass are all there are.</param>
    /// <param name="keep">Receives keys and values [R, K, t, d] of every layer, where there is no cache.</param>
    public PrefixAttention(BackboneConfig config, (Rotary Full, Rotary Sliding) ropes, KvPrefix prefix, Tensor positions, int maxPosition, ScalarType dtype, bool fused, KvCache? cache, KvPrefix? keep = null) : base(config)
    {
        (_prefix, _cache, _keep, _positions) = (prefix, cache, keep, positions);
        _full = ropes.Full.At(positions, maxPosition);
        _sliding = ReferenceEquals(ropes.Full, ropes.Sliding) ? _full : ropes.Sliding.At(positions, maxPosition);
        // A window that reaches back to position 0 from everywhere is no window.
        int? window = _window = config.SlidingWindow is int w && maxPosition >= w ? w : null;
        _fused = fused && cache is null && config.AttentionSoftCap is null && prefix.Width > 0;
        _mask = Masks(null, dtype);
        _slidingMask = window is null ? _mask : Masks(window, dtype);
    }

    public override (Tensor Cos, Tensor Sin) Rotation(bool slides) => slides ? _sliding : _full;

    public override Tensor? Attend(int layer, Tensor? q, Tensor k, Tensor v, LastTokens? last = null)
    {
        k = k.transpose(1, 2);   // [R, K, t, d]
        v = v.transpose(1, 2);
        if (_cache is not null) (k, v) = _cache.Append(layer, k, v);
        _keep?.Keep(layer, k, v);
        if (q is null) return null;
        (Tensor? prefixMask, Tensor? ownMask) = Config.LayerSlides[layer] ? _slidingMask : _mask;
        if (last is not null)
        {
            int? window = Config.LayerSlides[layer] ? _window : null;
            ownMask = last.OwnMask(_prefix.Prompts, (int)_positions.shape[1], window, q.dtype);
            if (window is not null) prefixMask = PrefixMask(_positions.reshape(-1).index_select(0, last.Index).view(-1, 1), window, q.dtype);
            else if (_fused) prefixMask = PrefixMask(_positions, null, q.dtype);
        }
        (Tensor, Tensor, Tensor?)? prompt = _prefix.Width == 0 ? null : (_prefix[layer].K, _prefix[layer].V, prefixMask);
        if (!_fused || last is not null) return Grouped(q, _prefix.Prompts, prompt, (k, v, ownMask));
        (Tensor promptK, Tensor promptV) = _prefix[layer];
        return Fused(q, cat([PerRow(promptK, q.shape[0]), k], 2), cat([PerRow(promptV, q.shape[0]), v], 2), prefixMask);
    }

    // [P, K, L, d] -> [R, K, L, d]
    private static Tensor PerRow(Tensor x, long rows)
    {
        long[] s = x.shape;
        return x.unsqueeze(1).expand(s[0], rows / s[0], s[1], s[2], s[3]).reshape(rows, s[1], s[2], s[3]);
    }

    // For the fused kernel both in one, as the first: broadcasts to [R, H, t, L + S].
    private (Tensor? Prefix, Tensor? Own) Masks(int? window, ScalarType dtype)
    {
        Tensor? prefix = PrefixMask(_positions, window, dtype), own = OwnMask(_positions, window, dtype);
        if (!_fused) return (prefix, own);
        long rows = _positions.shape[0], t = _positions.shape[1], prompts = _prefix.Prompts, width = _prefix.Width;
        if (prefix is null && own is null) return (zeros([1, 1, t, width + t], dtype: dtype, device: _positions.device), null);
        Tensor first = prefix is null ? zeros([1, 1, t, width], dtype: dtype, device: _positions.device)
            : prefix.expand(prompts, 1, rows / prompts, 1, t, width).reshape(rows, 1, t, width);
        own ??= zeros([t, t], dtype: dtype, device: _positions.device);
        return (cat([first, own.expand(first.shape[0], 1, t, t)], -1), null);
    }

    // Broadcasts to [P, K, G, H/K, t, L]; null where every query sees every column.
    private Tensor? PrefixMask(Tensor positions, int? window, ScalarType dtype)
    {
        int width = _prefix.Width;
        if (width == 0 || (window is null && _prefix.Lengths.All(n => n == width))) return null;
        long prompts = _prefix.Prompts;
        Tensor at = arange(width, ScalarType.Int64, positions.device);                                        // [L]
        Tensor lengths = _prefix.LengthsOn(positions.device).view(prompts, 1, 1, 1);                       // [P, 1, 1, 1]
        Tensor seen = at.lt(lengths);                                                                         // [P, 1, 1, L]
        if (window is int w) seen = seen.logical_and((positions.view(prompts, -1, positions.shape[1], 1) - at).lt(w));   // [P, G, t, L]
        return Additive(seen, dtype).unsqueeze(1).unsqueeze(3);                                               // [P, 1, G|1, 1, t|1, L]
    }

    // Broadcasts to [P, K, G, H/K, t, S].
    private Tensor? OwnMask(Tensor positions, int? window, ScalarType dtype)
    {
        long t = positions.shape[1], prompts = _prefix.Prompts;
        if (_cache is null)
        {
            if (t == 1) return null;
            Tensor at = arange(t, ScalarType.Int64, positions.device);
            Tensor back = at.unsqueeze(1) - at.unsqueeze(0);
            Tensor seen = back.ge(0);
            if (window is int w) seen = seen.logical_and(back.lt(w));
            return Additive(seen, dtype);                                                                     // [t, t]
        }
        Tensor? keys = _cache.KeyPositions(positions, window is not null);                                    // [R, S], or null: all are seen
        if (keys is null) return null;
        Tensor behind = positions.unsqueeze(2) - keys.unsqueeze(1);                                           // [R, t, S]
        Tensor visible = behind.ge(0);
        if (window is int far) visible = visible.logical_and(behind.lt(far));
        return Additive(visible, dtype).view(prompts, 1, -1, 1, t, keys.shape[1]);
    }
}
