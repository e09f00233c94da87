using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RRec.Backbones;

/// <summary>
/// How the tokens of one pass see each other and what came before. The decoder hands over rotated queries and keys; where keys are kept,
/// and which may be seen, is decided here. R rows of t tokens, H query heads, K key/value heads, d head size.
/// </summary>
internal abstract class Attention(BackboneConfig config)
{
    protected BackboneConfig Config { get; } = config;

    /// <summary>Rotation tables for this pass, full or sliding layers.</summary>
    public abstract (Tensor Cos, Tensor Sin) Rotation(bool slides);

    /// <summary>
    /// q [R, t, H, d], k and v [R, t, K, d] of layer <paramref name="layer"/> to [R, t, H d]. q is null where only keys and values are
    /// wanted; then the result is null. With <paramref name="last"/> q [R, 1, H, d] is that of each row's last real token only, k and v
    /// are those of all tokens.
    /// </summary>
    public abstract Tensor? Attend(int layer, Tensor? q, Tensor k, Tensor v, LastTokens? last = null);

    /// <summary>
    /// The plain form of attention: rows are grouped by P prompts with G rows each (R = P G), every row sees its prompt's keys and its own.
    /// No key is copied per row or per query head: the rows and query heads that share keys become rows of one product.
    /// </summary>
    /// <param name="q">[R, t, H, d]</param>
    /// <param name="prompts">P</param>
    /// <param name="prefix">Keys and values [P, K, L, d] and mask (broadcasts to [P, K, G, H/K, t, L]), or null.</param>
    /// <param name="own">Keys and values [R, K, S, d] and mask (broadcasts to [P, K, G, H/K, t, S]).</param>
    protected Tensor Grouped(Tensor q, long prompts, (Tensor K, Tensor V, Tensor? Mask)? prefix, (Tensor K, Tensor V, Tensor? Mask) own)
    {
        long rows = q.shape[0], t = q.shape[1], d = q.shape[3], kv = Config.KeyValueHeads, g = Config.Heads / kv, each = rows / prompts;
        long s = own.K.shape[2];
        // [R, t, K, g, d] -> [R, K, g, t, d]
        Tensor scaled = (q * Config.QueryScale).view(rows, t, kv, g, d).permute(0, 2, 3, 1, 4);
        // own: [R, K, g t, d] x [R, K, d, S] -> [P, G, K, g, t, S] -> [P, K, G, g, t, S]
        Tensor ownScores = Scores(scaled.reshape(rows, kv, g * t, d), own.K).view(prompts, each, kv, g, t, s).transpose(1, 2);
        ownScores = Shape(ownScores, own.Mask);
        if (prefix is not { } p)
        {
            Tensor weights = Softmax(ownScores).transpose(1, 2).reshape(rows, kv, g * t, s);
            return Mix(weights, own.V).view(rows, kv, g, t, d).permute(0, 3, 1, 2, 4).reshape(rows, t, kv * g * d);
        }
        long l = p.K.shape[2];
        // prompt: [P, K, G g t, d] x [P, K, d, L] -> [P, K, G, g, t, L]
        Tensor grouped = scaled.view(prompts, each, kv, g, t, d).transpose(1, 2).reshape(prompts, kv, each * g * t, d);
        Tensor promptScores = Shape(Scores(grouped, p.K).view(prompts, kv, each, g, t, l), p.Mask);
        Tensor[] both = Softmax(cat([promptScores, ownScores], -1)).split([l, s], -1);
        Tensor fromPrompt = Mix(both[0].reshape(prompts, kv, each * g * t, l), p.V).view(prompts, kv, each, g, t, d);
        Tensor fromOwn = Mix(both[1].transpose(1, 2).reshape(rows, kv, g * t, s), own.V).view(prompts, each, kv, g, t, d).transpose(1, 2);
        // [P, K, G, g, t, d] -> [P, G, t, K, g, d]
        return (fromPrompt + fromOwn).permute(0, 2, 4, 1, 3, 5).reshape(rows, t, kv * g * d);
    }

    // Products of q [n, K, m, d] with keys [n, K, s, d], and of weights [n, K, m, s] with values [n, K, s, d]. On a CPU a batched product of
    // single rows costs more in its loop over the batch than in arithmetic: elementwise it takes half the time.
    private static Tensor Scores(Tensor q, Tensor keys) => SingleRows(q)
        ? (q * keys).sum(-1).unsqueeze(2)
        : q.matmul(keys.transpose(2, 3));

    private static Tensor Mix(Tensor weights, Tensor values) => SingleRows(weights)
        ? (weights.transpose(2, 3) * values).sum(2).unsqueeze(2)
        : weights.matmul(values);

    private static bool SingleRows(Tensor x) => x.shape[2] == 1 && x.device_type == DeviceType.CPU && !is_grad_enabled();

    private Tensor Shape(Tensor scores, Tensor? mask)
    {
        if (Config.AttentionSoftCap is double cap) scores = (scores / cap).tanh() * cap;
        if (mask is null) return scores;
        // In place and behind autograd's back: the derivative of adding a constant is 1, and neither a product nor a scaling reads its result again.
        using IDisposable noGrad = no_grad();
        scores.detach().add_(mask);
        return scores;
    }

    /// <summary>
    /// The library's fused attention of q [R, t, H, d] over k and v [R, K, s, d]; <paramref name="mask"/> broadcasts to [R, H, t, s], null: causal.
    /// It never holds the scores on devices that have such a kernel. [R, t, H d].
    /// </summary>
    protected Tensor Fused(Tensor q, Tensor k, Tensor v, Tensor? mask)
    {
        long rows = q.shape[0], t = q.shape[1], d = q.shape[3];
        double factor = Config.QueryScale * Math.Sqrt(d);   // the kernel scales by 1/sqrt(d) itself
        if (Math.Abs(factor - 1) > 1e-9) q = q * factor;
        Tensor o = F.scaled_dot_product_attention(q.transpose(1, 2), PerQueryHead(k), PerQueryHead(v), mask, 0, mask is null);
        return o.transpose(1, 2).reshape(rows, t, Config.Heads * d);
    }

    // [R, K, s, d] -> [R, H, s, d]: the published signature knows no grouped heads.
    private Tensor PerQueryHead(Tensor x)
    {
        long g = Config.Heads / Config.KeyValueHeads;
        if (g == 1) return x;
        long[] s = x.shape;
        return x.unsqueeze(2).expand(s[0], s[1], g, s[2], s[3]).reshape(s[0], s[1] * g, s[2], s[3]);
    }

    private static Tensor Softmax(Tensor scores) => scores.dtype == ScalarType.Float32
        ? scores.softmax(-1)
        : scores.softmax(-1, ScalarType.Float32).to(scores.dtype);

    /// <summary>0 where <paramref name="seen"/>, minus infinity elsewhere.</summary>
    internal static Tensor Additive(Tensor seen, ScalarType dtype) =>
        zeros(seen.shape, dtype: dtype, device: seen.device).masked_fill_(seen.logical_not(), double.NegativeInfinity);
}

/// <summary>
/// The last real token of each of R rows of t tokens: where only these states are wanted, the last layer asks only their queries and runs
/// its MLP on them alone.
/// </summary>
/// <param name="Index">Where they are among all R t tokens, [R].</param>
/// <param name="Lengths">Real tokens of each row, at least 1.</param>
internal sealed record LastTokens(Tensor Index, int[] Lengths)
{
    /// <summary>Which of its own row's tokens each may see; broadcasts to [P, K, G, H/K, 1, t], null: all.</summary>
    public Tensor? OwnMask(long prompts, int tokens, int? window, ScalarType dtype)
    {
        if (Lengths.All(n => n == tokens) && (window is null || tokens <= window)) return null;
        Tensor behind = HostTensors.Long([.. Lengths.Select(n => n - 1)], Index.device).unsqueeze(1) - arange(tokens, ScalarType.Int64, Index.device);   // [R, t]
        Tensor seen = behind.ge(0);
        if (window is int w) seen = seen.logical_and(behind.lt(w));
        return Attention.Additive(seen, dtype).view(prompts, 1, -1, 1, 1, tokens);
    }
}
