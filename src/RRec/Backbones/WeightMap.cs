using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Between the names of a Hugging Face checkpoint and the fused tensors of <see cref="DecoderWeights"/>, both ways. All differences of
/// checkpoints are absorbed here, so that the forward pass reads once. Before anything is read the whole list is compared: missing,
/// unexpected and mis-shaped tensors are reported together, by name.
/// </summary>
internal static class WeightMap
{
    /// <summary>Where tensors come from: a folder of files or a dictionary.</summary>
    public interface ISource
    {
        string Name { get; }

        IReadOnlyCollection<string> Names { get; }

        long[] Shape(string name);

        Tensor Read(string name, ScalarType dtype, Device device);
    }

    /// <summary>Names and shapes of a checkpoint of this config, in the order they are written.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Expected(BackboneConfig c)
    {
        long h = c.HiddenSize, q = (long)c.Heads * c.HeadSize, kv = (long)c.KeyValueHeads * c.HeadSize, m = c.IntermediateSize;
        yield return ("model.embed_tokens.weight", [c.VocabularySize, h]);
        for (int i = 0; i < c.Layers; i++)
        {
            string p = $"model.layers.{i}.", a = p + "self_attn.";
            yield return (p + "input_layernorm.weight", [h]);
            yield return (a + "q_proj.weight", [q, h]);
            yield return (a + "k_proj.weight", [kv, h]);
            yield return (a + "v_proj.weight", [kv, h]);
            if (c.Family.QkvBias)
            {
                yield return (a + "q_proj.bias", [q]);
                yield return (a + "k_proj.bias", [kv]);
                yield return (a + "v_proj.bias", [kv]);
            }
            if (c.Family.QkNorm)
            {
                yield return (a + "q_norm.weight", [c.HeadSize]);
                yield return (a + "k_norm.weight", [c.HeadSize]);
            }
            yield return (a + "o_proj.weight", [h, q]);
            yield return (p + "post_attention_layernorm.weight", [h]);
            if (c.Family.FourNorms)
            {
                yield return (p + "pre_feedforward_layernorm.weight", [h]);
                yield return (p + "post_feedforward_layernorm.weight", [h]);
            }
            yield return (p + "mlp.gate_proj.weight", [m, h]);
            yield return (p + "mlp.up_proj.weight", [m, h]);
            yield return (p + "mlp.down_proj.weight", [h, m]);
        }
        yield return ("model.norm.weight", [h]);
        if (!c.TiedHead) yield return ("lm_head.weight", [c.VocabularySize, h]);
    }

    public static DecoderWeights Load(BackboneConfig c, ISource source, Device device, ScalarType dtype)
    {
        Check(c, source);
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int q = c.Heads * c.HeadSize, kv = c.KeyValueHeads * c.HeadSize;
        Tensor One(string name) => source.Read(name, dtype, device);
        // Norm factors stay in single precision: they are tiny, and norms are computed in it whatever the type of the weights.
        Tensor Norm(string name)
        {
            Tensor w = source.Read(name, ScalarType.Float32, device);
            return c.Family.OnePlusNorm ? w.add_(1) : w;
        }
        Tensor Fuse(long[] shape, params (string Name, long Rows)[] parts)
        {
            Tensor all = empty(shape, dtype: dtype, device: device);
            long at = 0;
            foreach ((string name, long rows) in parts)
            {
                using DisposeScope part = NewDisposeScope();
                all.narrow(0, at, rows).copy_(source.Read(name, dtype, device));
                at += rows;
            }
            return all;
        }
        var layers = new LayerWeights[c.Layers];
        for (int i = 0; i < layers.Length; i++)
        {
            string p = $"model.layers.{i}.", a = p + "self_attn.";
            layers[i] = new LayerWeights
            {
                InputNorm = Norm(p + "input_layernorm.weight"),
                Qkv = Fuse([q + 2 * kv, c.HiddenSize], (a + "q_proj.weight", q), (a + "k_proj.weight", kv), (a + "v_proj.weight", kv)),
                QkvBias = c.Family.QkvBias ? Fuse([q + 2 * kv], (a + "q_proj.bias", q), (a + "k_proj.bias", kv), (a + "v_proj.bias", kv)) : null,
                QueryNorm = c.Family.QkNorm ? Norm(a + "q_norm.weight") : null,
                KeyNorm = c.Family.QkNorm ? Norm(a + "k_norm.weight") : null,
                Output = One(a + "o_proj.weight"),
                PostAttentionNorm = Norm(p + "post_attention_layernorm.weight"),
                PreMlpNorm = c.Family.FourNorms ? Norm(p + "pre_feedforward_layernorm.weight") : null,
                GateUp = Fuse([2L * c.IntermediateSize, c.HiddenSize], (p + "mlp.gate_proj.weight", c.IntermediateSize), (p + "mlp.up_proj.weight", c.IntermediateSize)),
                Down = One(p + "mlp.down_proj.weight"),
                PostMlpNorm = c.Family.FourNorms ? Norm(p + "post_feedforward_layernorm.weight") : null,
            };
        }
        Tensor embedding = One("model.embed_tokens.weight");
        var result = new DecoderWeights
        {
            Embedding = embedding, Head = c.TiedHead ? embedding : One("lm_head.weight"), FinalNorm = Norm("model.norm.weight"), Layers = layers,
        };
        foreach ((string _, Tensor t) in result.All()) t.DetachFromDisposeScope();
        return result;
    }

    /// <summary>The tensors under the checkpoint's names: views of the fused ones where nothing is changed, copies where Gemma's 1 comes off.</summary>
    public static IEnumerable<KeyValuePair<string, Tensor>> Export(BackboneConfig c, DecoderWeights w)
    {
        int q = c.Heads * c.HeadSize, kv = c.KeyValueHeads * c.HeadSize, m = c.IntermediateSize;
        Tensor Norm(Tensor t) => c.Family.OnePlusNorm ? t.detach() - 1 : t.detach();
        Tensor Part(Tensor t, long at, long rows) => t.detach().narrow(0, at, rows);
        static KeyValuePair<string, Tensor> Entry(string name, Tensor t) => new(name, t);
        yield return Entry("model.embed_tokens.weight", w.Embedding.detach());
        for (int i = 0; i < w.Layers.Length; i++)
        {
            LayerWeights l = w.Layers[i];
            string p = $"model.layers.{i}.", a = p + "self_attn.";
            yield return Entry(p + "input_layernorm.weight", Norm(l.InputNorm));
            yield return Entry(a + "q_proj.weight", Part(l.Qkv, 0, q));
            yield return Entry(a + "k_proj.weight", Part(l.Qkv, q, kv));
            yield return Entry(a + "v_proj.weight", Part(l.Qkv, q + kv, kv));
            if (l.QkvBias is not null)
            {
                yield return Entry(a + "q_proj.bias", Part(l.QkvBias, 0, q));
                yield return Entry(a + "k_proj.bias", Part(l.QkvBias, q, kv));
                yield return Entry(a + "v_proj.bias", Part(l.QkvBias, q + kv, kv));
            }
            if (l.QueryNorm is not null) yield return Entry(a + "q_norm.weight", Norm(l.QueryNorm));
            if (l.KeyNorm is not null) yield return Entry(a + "k_norm.weight", Norm(l.KeyNorm));
            yield return Entry(a + "o_proj.weight", l.Output.detach());
            yield return Entry(p + "post_attention_layernorm.weight", Norm(l.PostAttentionNorm));
            if (l.PreMlpNorm is not null) yield return Entry(p + "pre_feedforward_layernorm.weight", Norm(l.PreMlpNorm));
            if (l.PostMlpNorm is not null) yield return Entry(p + "post_feedforward_layernorm.weight", Norm(l.PostMlpNorm));
            yield return Entry(p + "mlp.gate_proj.weight", Part(l.GateUp, 0, m));
            yield return Entry(p + "mlp.up_proj.weight", Part(l.GateUp, m, m));
            yield return Entry(p + "mlp.down_proj.weight", l.Down.detach());
        }
        yield return Entry("model.norm.weight", Norm(w.FinalNorm));
        if (!c.TiedHead) yield return Entry("lm_head.weight", w.Head.detach());
    }

    private static void Check(BackboneConfig c, ISource source)
    {
        List<string> missing = [], misshaped = [];
        var known = new HashSet<string>(StringComparer.Ordinal);
        HashSet<string> there = [.. source.Names];
        foreach ((string name, long[] shape) in Expected(c))
        {
            known.Add(name);
            if (!there.Contains(name)) missing.Add(name);
            else if (!source.Shape(name).SequenceEqual(shape)) misshaped.Add($"{name} is [{string.Join(", ", source.Shape(name))}], expected [{string.Join(", ", shape)}]");
        }
        // Stored by some old checkpoints: frequencies that follow from the config, and a head that is tied anyway.
        List<string> unexpected = [.. there.Where(n => !known.Contains(n) && !n.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) && !(c.TiedHead && n == "lm_head.weight")).Order(StringComparer.Ordinal)];
        if (missing.Count + unexpected.Count + misshaped.Count == 0) return;
        var text = new System.Text.StringBuilder($"{source.Name}: the weights do not fit config.json ({c.ModelType}, {c.Layers} layers, hidden size {c.HiddenSize}).");
        if (missing.Count > 0) text.Append($" Missing ({missing.Count}): {NameList.Of(missing)}.");
        if (unexpected.Count > 0) text.Append($" Unexpected ({unexpected.Count}): {NameList.Of(unexpected)}.");
        if (misshaped.Count > 0) text.Append($" Mis-shaped ({misshaped.Count}): {NameList.Of(misshaped)}.");
        throw new InvalidDataException(text.ToString());
    }

    /// <summary>A folder's files.</summary>
    public sealed class FolderSource(string folder, WeightFolder files) : ISource
    {
        public string Name => folder;

        public IReadOnlyCollection<string> Names => files.Names;

        public long[] Shape(string name) => files.Info(name).Shape;

        public Tensor Read(string name, ScalarType dtype, Device device) => FiniteWeights.Check(files.Read(name, dtype, device), folder, name);
    }

    /// <summary>Tensors in memory; always copied, so that the caller keeps his.</summary>
    public sealed class DictionarySource(IReadOnlyDictionary<string, Tensor> tensors, string name) : ISource
    {
        public string Name => name;

        public IReadOnlyCollection<string> Names => [.. tensors.Keys];

        public long[] Shape(string name) => tensors[name].shape;

        public Tensor Read(string name, ScalarType dtype, Device device) => tensors[name].detach().to(dtype, device, copy: true);
    }
}
