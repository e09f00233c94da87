using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Prompts and the rows that continue them in one pass, as one row of tokens: first the prompts' rectangle [P, L], then the continuing rows [R, t]. Every product of
/// a layer reads its weights once for all of them; attention is each one's own. Where queries of the continuing rows alone are given, prompts only keep their keys.
/// </summary>
/// <param name="config">The decoder's shape.</param>
/// <param name="ropes">Rotation of full and of sliding layers.</param>
/// <param name="prompts">The prompts' attention, which keeps what <paramref name="rows"/> sees.</param>
/// <param name="rows">The continuing rows' attention.</param>
/// <param name="shape">P, L, R and t.</param>
/// <param name="positions">Of all tokens, [1, P L + R t].</param>
/// <param name="maxPosition">The largest of them.</param>
internal sealed class JointAttention(BackboneConfig config, (Rotary Full, Rotary Sliding) ropes, CausalAttention prompts, PrefixAttention rows, (int P, int L, int R, int T) shape, Tensor positions, int maxPosition) : Attention(config)
{
    private readonly (Tensor Cos, Tensor Sin) _full = ropes.Full.At(positions, maxPosition), _sliding = ropes.Sliding.At(positions, maxPosition);

    public override (Tensor Cos, Tensor Sin) Rotation(bool slides) => slides ? _sliding : _full;

    public override Tensor? Attend(int layer, Tensor? q, Tensor k, Tensor v, LastTokens? last = null)
    {
        (int p, int l, int r, int t) = shape;
        long all = q!.shape[1], own = (long)r * t, first = all - own, width = (long)Config.Heads * Config.HeadSize;
        Tensor Prompts(Tensor x) => x.narrow(1, 0, (long)p * l).view(p, l, x.shape[2], x.shape[3]);
        Tensor Rows(Tensor x) => x.narrow(1, x.shape[1] - own, own).view(r, t, x.shape[2], x.shape[3]);
        Tensor? before = prompts.Attend(layer, first == 0 ? null : Prompts(q), Prompts(k), Prompts(v));
        Tensor seen = rows.Attend(layer, Rows(q), Rows(k), Rows(v))!.view(1, own, width);
        return before is null ? seen : cat([before.view(1, first, width), seen], 1);
    }
}
