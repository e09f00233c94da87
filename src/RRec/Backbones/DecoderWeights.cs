using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// The tensors of a decoder as the forward pass wants them: query, key and value projections fused into one matrix, gate and up into one,
/// norm factors complete (Gemma's 1 added). <see cref="WeightMap"/> knows how they came from a checkpoint and how they go back.
/// </summary>
internal sealed class DecoderWeights : IDisposable
{
    /// <summary>[vocabulary, hidden]</summary>
    public required Tensor Embedding { get; init; }

    /// <summary>[vocabulary, hidden]; the same object as <see cref="Embedding"/> where the head is tied.</summary>
    public required Tensor Head { get; init; }

    /// <summary>[hidden]</summary>
    public required Tensor FinalNorm { get; init; }

    public required LayerWeights[] Layers { get; init; }

    /// <summary>Every tensor once, under the name the fused tensor has among trainable parameters.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> All()
    {
        yield return ("model.embed_tokens.weight", Embedding);
        for (int i = 0; i < Layers.Length; i++)
        {
            LayerWeights l = Layers[i];
            string p = $"model.layers.{i}.";
            yield return (p + "input_layernorm.weight", l.InputNorm);
            yield return (p + "self_attn.qkv_proj.weight", l.Qkv);
            if (l.QkvBias is not null) yield return (p + "self_attn.qkv_proj.bias", l.QkvBias);
            if (l.QueryNorm is not null) yield return (p + "self_attn.q_norm.weight", l.QueryNorm);
            if (l.KeyNorm is not null) yield return (p + "self_attn.k_norm.weight", l.KeyNorm);
            yield return (p + "self_attn.o_proj.weight", l.Output);
            yield return (p + "post_attention_layernorm.weight", l.PostAttentionNorm);
            if (l.PreMlpNorm is not null) yield return (p + "pre_feedforward_layernorm.weight", l.PreMlpNorm);
            yield return (p + "mlp.gate_up_proj.weight", l.GateUp);
            yield return (p + "mlp.down_proj.weight", l.Down);
            if (l.PostMlpNorm is not null) yield return (p + "post_feedforward_layernorm.weight", l.PostMlpNorm);
        }
        yield return ("model.norm.weight", FinalNorm);
        if (!ReferenceEquals(Head, Embedding)) yield return ("lm_head.weight", Head);
    }

    /// <summary>The same tensors, with those that require gradients as leaves of their own over the same numbers.</summary>
    public DecoderWeights Twin()
    {
        Tensor embedding = Leaf(Embedding);
        return new DecoderWeights
        {
            Embedding = embedding, Head = ReferenceEquals(Head, Embedding) ? embedding : Leaf(Head), FinalNorm = Leaf(FinalNorm), Layers = [.. Layers.Select(l => l.Twin(Leaf))],
        };
        static Tensor Leaf(Tensor t) => t.requires_grad ? t.detach().requires_grad_().DetachFromDisposeScope() : t;
    }

    public void Dispose()
    {
        foreach ((string _, Tensor t) in All()) t.Dispose();
    }
}

/// <summary>One layer's tensors. Heads x head size is written H d, key/value heads K d.</summary>
internal sealed class LayerWeights
{
    public required Tensor InputNorm { get; init; }              // [hidden]
    public required Tensor Qkv { get; set; }                     // [(H+2K) d, hidden]
    public Tensor? QkvBias { get; init; }                        // [(H+2K) d]
    public Tensor? QueryNorm { get; init; }                      // [d]
    public Tensor? KeyNorm { get; init; }                        // [d]
    public required Tensor Output { get; set; }                  // [hidden, H d]
    public required Tensor PostAttentionNorm { get; init; }      // [hidden]; with four norms it acts on the attention's output, else before the MLP
    public Tensor? PreMlpNorm { get; init; }                     // [hidden]
    public required Tensor GateUp { get; set; }                  // [2 intermediate, hidden]
    public required Tensor Down { get; set; }                    // [hidden, intermediate]
    public Tensor? PostMlpNorm { get; init; }                    // [hidden]

    public LayerWeights Twin(Func<Tensor, Tensor> leaf)
    {
        Tensor? Optional(Tensor? t) => t is null ? null : leaf(t);
        return new LayerWeights
        {
            InputNorm = leaf(InputNorm), Qkv = leaf(Qkv), QkvBias = Optional(QkvBias), QueryNorm = Optional(QueryNorm), KeyNorm = Optional(KeyNorm), Output = leaf(Output),
            PostAttentionNorm = leaf(PostAttentionNorm), PreMlpNorm = Optional(PreMlpNorm), GateUp = leaf(GateUp), Down = leaf(Down), PostMlpNorm = Optional(PostMlpNorm),
        };
    }
}
