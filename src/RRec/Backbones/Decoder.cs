using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RRec.Backbones;

/// <summary>
/// The one decoder of all families: pre-norm attention and gated MLP with residuals. What differs between families is data in
/// <see cref="BackboneFamily"/> and was absorbed into the tensors by <see cref="WeightMap"/>; who sees whom is the
/// <see cref="Attention"/>'s business. Each layer runs in its own dispose scope, so that a pass without gradients holds one layer's
/// activations at a time. R rows of t tokens, h hidden, H query and K key/value heads of size d, m intermediate.
/// </summary>
internal sealed class Decoder(BackboneConfig config, DecoderWeights weights)
{
    private static readonly double GeluFactor = Math.Sqrt(2 / Math.PI);

    private readonly double _embeddingFactor = Rounded(Math.Sqrt(config.HiddenSize), weights.Embedding.dtype);

    public DecoderWeights Weights { get; } = weights;

    public LoraAdapter? Adapter { get; set; }

    /// <summary>Token ids [..] to input embeddings [.., h].</summary>
    public Tensor Embed(Tensor ids)
    {
        Tensor x = Weights.Embedding.index_select(0, ids.reshape(-1)).view([.. ids.shape, config.HiddenSize]);
        // The factor is rounded to the weights' type, as the reference does.
        return config.Family.ScaleEmbedding ? x * _embeddingFactor : x;
    }

    /// <summary>All layers and the final norm: [R, t, h] to [R, t - skip, h] single precision.</summary>
    /// <param name="x">Input embeddings.</param>
    /// <param name="attention">Who sees whom.</param>
    /// <param name="inputs">Receives every layer's input and the last layer's output.</param>
    /// <param name="skip">Nobody reads what the last layer makes of so many first tokens.</param>
    public Tensor Run(Tensor x, Attention attention, List<Tensor>? inputs = null, int skip = 0)
    {
        for (int i = 0; i < config.Layers; i++)
        {
            inputs?.Add(x);
            using DisposeScope scope = NewDisposeScope();
            x = Layer(i, x, attention, true, skip: i == config.Layers - 1 ? skip : 0)!.MoveToOuterDisposeScope();
        }
        inputs?.Add(x);
        return Normalise(x);
    }

    /// <summary>The final norm.</summary>
    public Tensor Normalise(Tensor x) => Norm(x, Weights.FinalNorm, ScalarType.Float32);

    /// <summary>The same, for the last real token of each row only: [R, t, h] to [R, h] single precision.</summary>
    public Tensor RunLast(Tensor x, Attention attention, LastTokens last)
    {
        for (int i = 0; i < config.Layers; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            x = Layer(i, x, attention, true, i == config.Layers - 1 ? last : null)!.MoveToOuterDisposeScope();
        }
        return Normalise(x.squeeze(1));
    }

    /// <summary>
    /// Only what later tokens need of these: keys and values of every layer, which <paramref name="attention"/> keeps. What the last layer
    /// would do after them is discarded by everybody, so it is not computed.
    /// </summary>
    public void KeysOnly(Tensor x, Attention attention, List<Tensor>? inputs = null)
    {
        for (int i = 0; i < config.Layers; i++)
        {
            inputs?.Add(x);
            using DisposeScope scope = NewDisposeScope();
            bool last = i == config.Layers - 1;
            Tensor? y = Layer(i, x, attention, !last);
            if (!last) x = y!.MoveToOuterDisposeScope();
        }
    }

    /// <summary>Hidden states [n, h] (single precision) to logits [n, vocabulary] in single precision.</summary>
    public Tensor Logits(Tensor hidden)
    {
        Tensor h = hidden.to(Weights.Head.dtype);
        return Capped((h.shape[0] == 1 ? Weights.Head.mv(h.reshape(-1)).unsqueeze(0) : F.linear(h, Weights.Head)).to(ScalarType.Float32));
    }

    /// <summary>The same for some tokens only: [n, tokens].</summary>
    public Tensor Logits(Tensor hidden, Tensor tokens) => Capped(F.linear(hidden.to(Weights.Head.dtype), Weights.Head.index_select(0, tokens)).to(ScalarType.Float32));

    private Tensor Capped(Tensor logits)
    {
        return config.FinalSoftCap is double cap ? (logits / cap).tanh() * cap : logits;
    }

    /// <summary>
    /// One layer. <paramref name="whole"/> false stops at keys and values, and the result is null; <paramref name="last"/> goes on for some tokens only, and
    /// <paramref name="skip"/> for those behind so many.
    /// </summary>
    public Tensor? Layer(int i, Tensor x, Attention attention, bool whole, LastTokens? last = null, int skip = 0)
    {
        LayerWeights w = Weights.Layers[i];
        LoraLayer? lora = Adapter?.Layers[i];
        long rows = x.shape[0], t = x.shape[1], d = config.HeadSize, heads = config.Heads, kv = config.KeyValueHeads;

        Tensor normed = Norm(x, w.InputNorm, x.dtype);
        Tensor qkv = Project(normed, w.Qkv, w.QkvBias, lora?.Qkv).view(rows, t, heads + 2 * kv, d);
        (Tensor q, Tensor k) = Rotate(qkv, w, attention.Rotation(config.LayerSlides[i]));
        Tensor v = qkv.narrow(2, heads + kv, kv);
        if (last is not null)   // from here on t = 1
        {
            q = q.reshape(rows * t, heads, d).index_select(0, last.Index).unsqueeze(1);
            x = x.reshape(rows * t, -1).index_select(0, last.Index).unsqueeze(1);
        }
        if (skip > 0) (q, x) = (q.narrow(1, skip, t - skip), x.narrow(1, skip, t - skip));
        Tensor? seen = attention.Attend(i, whole ? q : null, k, v, last);   // [R, t, H d]
        if (seen is null) return null;

        Tensor attended = Project(seen, w.Output, null, lora?.Output);
        if (config.Family.FourNorms) attended = Norm(attended, w.PostAttentionNorm, x.dtype);
        x = x + attended;

        normed = Norm(x, w.PreMlpNorm ?? w.PostAttentionNorm, x.dtype);
        Tensor[] gateUp = Project(normed, w.GateUp, null, lora?.GateUp).chunk(2, -1);   // [R, t, m] each
        Tensor mlp = Project(Activate(gateUp[0]) * gateUp[1], w.Down, null, lora?.Down);
        if (w.PostMlpNorm is not null) mlp = Norm(mlp, w.PostMlpNorm, x.dtype);
        return x + mlp;
    }

    // Queries and keys of [R, t, H + 2 K, d], rotated together.
    private (Tensor Q, Tensor K) Rotate(Tensor qkv, LayerWeights w, (Tensor Cos, Tensor Sin) table)
    {
        long heads = config.Heads, kv = config.KeyValueHeads;
        Tensor both = w.QueryNorm is null
            ? qkv.narrow(2, 0, heads + kv)
            : cat([Norm(qkv.narrow(2, 0, heads), w.QueryNorm, qkv.dtype), Norm(qkv.narrow(2, heads, kv), w.KeyNorm!, qkv.dtype)], 2);
        both = Rotary.Apply(both, table.Cos, table.Sin);
        return (both.narrow(2, 0, heads), both.narrow(2, heads, kv));
    }

    /// <summary>x [R, t, in] times a matrix [out, in], plus the adapter's part.</summary>
    private static Tensor Project(Tensor x, Tensor weight, Tensor? bias, LoraSite? lora)
    {
        long rows = x.shape[0], t = x.shape[1];
        // One row: a product with a vector reads the weights at the memory's speed, the general product does not.
        if (lora is null) return rows * t == 1 && bias is null ? weight.mv(x.reshape(-1)).view(1, 1, -1) : F.linear(x, weight, bias);
        Tensor flat = x.reshape(rows * t, -1);
        return lora.Apply(flat, F.linear(flat, weight, bias)).view(rows, t, -1);
    }

    // Root mean square norm, computed in single precision whatever the activations are.
    private Tensor Norm(Tensor x, Tensor factor, ScalarType result)
    {
        Tensor wide = x.to(ScalarType.Float32);
        Tensor scale = (wide.square().mean([-1L], true) + config.NormEpsilon).rsqrt();
        return (wide * scale * factor).to(result);
    }

    // A number as a type can hold it.
    private static double Rounded(double value, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        return torch.tensor((float)value).to(type).to(ScalarType.Float32).item<float>();
    }

    private Tensor Activate(Tensor x) => config.Family.Gelu
        ? (x * 0.5) * (1 + ((x + (x * x * x) * 0.044715) * GeluFactor).tanh())   // tanh form; the library's function has only the exact one
        : F.silu(x);
}
