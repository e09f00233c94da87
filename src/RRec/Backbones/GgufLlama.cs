using System.Text.Json;
using System.Text.Json.Nodes;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// A GGUF file of the Llama architecture seen as a Hugging Face folder: its metadata as config.json, its tensors under the checkpoint's names. Metadata of the architecture that
/// would change a number and are not computed are refused by name.
/// </summary>
/// <remarks>
/// Such files hold the rows of every query and key head interleaved: row 2i belongs to the first half of the head's rotated pairs, row 2i + 1 to the second. Hugging Face keeps
/// the halves apart; <see cref="SourceRow"/> undoes it. Llama 3's stretched frequencies are a tensor of factors there (<c>rope_freqs.weight</c>) and four numbers here.
/// </remarks>
internal sealed class GgufLlama : WeightMap.ISource, IDisposable
{
    private const string RopeFactors = "rope_freqs.weight";

    private static readonly Dictionary<string, string> LayerNames = new(StringComparer.Ordinal)
    {
        ["attn_norm.weight"] = "input_layernorm.weight", ["ffn_norm.weight"] = "post_attention_layernorm.weight", ["attn_q.weight"] = "self_attn.q_proj.weight",
        ["attn_k.weight"] = "self_attn.k_proj.weight", ["attn_v.weight"] = "self_attn.v_proj.weight", ["attn_output.weight"] = "self_attn.o_proj.weight",
        ["ffn_gate.weight"] = "mlp.gate_proj.weight", ["ffn_up.weight"] = "mlp.up_proj.weight", ["ffn_down.weight"] = "mlp.down_proj.weight",
    };

    // Read below, or of no effect on the numbers.
    private static readonly string[] KnownKeys =
    [
        "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
        "attention.layer_norm_rms_epsilon", "rope.freq_base", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length",
        "rope.scaling.finetuned", "vocab_size", "expert_count", "expert_used_count",
    ];

    private readonly GgufFile _file;
    private readonly Dictionary<string, string> _nameThere;

    private GgufLlama(GgufFile file)
    {
        _file = file;
        _nameThere = file.Tensors.Keys.Where(n => n != RopeFactors).ToDictionary(HuggingFaceName, n => n, StringComparer.Ordinal);
        Config = BackboneConfig.Parse(ConfigJson(), file.Path);
    }

    public BackboneConfig Config { get; }

    public string Name => _file.Path;

    public IReadOnlyCollection<string> Names => _nameThere.Keys;

    public static GgufLlama Open(string path)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new GgufLlama(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public long[] Shape(string name) => _file.Tensors[_nameThere[name]].Shape;

    public Tensor Read(string name, ScalarType dtype, Device device)
    {
        string there = _nameThere[name];
        int heads = there.EndsWith(".attn_q.weight", StringComparison.Ordinal) ? Config.Heads : there.EndsWith(".attn_k.weight", StringComparison.Ordinal) ? Config.KeyValueHeads : 0;
        int size = Config.HeadSize;
        return FiniteWeights.Check(_file.Read(there, dtype, device, heads == 0 ? null : row => SourceRow(row, size)), Name, name);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Which row of the file is this row of the checkpoint's query or key projection.</summary>
    internal static long SourceRow(long row, int headSize)
    {
        long head = row / headSize, i = row % headSize, half = headSize / 2;
        return head * headSize + (i < half ? 2 * i : 2 * (i - half) + 1);
    }

    /// <summary>Names that are not Llama's stay as they are: the comparison with the config then lists them as unexpected.</summary>
    private static string HuggingFaceName(string name)
    {
        switch (name)
        {
            case "token_embd.weight": return "model.embed_tokens.weight";
            case "output_norm.weight": return "model.norm.weight";
            case "output.weight": return "lm_head.weight";
        }
        string[] parts = name.Split('.', 3);
        // A layer has one spelling: "01" is not a second one for 1.
        return parts is ["blk", var layer, var rest] && int.TryParse(layer, out int n) && n >= 0 && n.ToString() == layer && LayerNames.TryGetValue(rest, out string? hf)
            ? $"model.layers.{layer}.{hf}" : name;
    }

    private string ConfigJson()
    {
        string architecture = _file.TextOrNull("general.architecture") ?? throw _file.Wrong("general.architecture", "is missing");
        if (architecture != "llama") throw _file.Wrong("general.architecture", $"is '{architecture}', which is not read from GGUF; supported is llama (other families: from their Hugging Face folder)");
        if (_file.IntegerOrNull("split.count") is int parts and > 1) throw _file.Wrong("split.count", $"is {parts}: files in parts are not supported");
        string[] unknown = [.. _file.Keys.Where(k => k.StartsWith("llama.", StringComparison.Ordinal) && !KnownKeys.Contains(k[6..]))];
        if (unknown.Length > 0) throw new InvalidDataException($"{_file.Path}: these metadata of the architecture are not supported: {NameList.Of(unknown)}.");
        if (_file.IntegerOrNull("llama.expert_count") is int experts and > 0) throw _file.Wrong("llama.expert_count", $"is {experts}; mixtures of experts are not supported");
        if (!_file.Tensors.TryGetValue("token_embd.weight", out GgufTensor? embedding)) throw new InvalidDataException($"{_file.Path}: there is no tensor 'token_embd.weight'.");

        int heads = Positive("llama.attention.head_count"), hidden = Positive("llama.embedding_length");
        int headSize = _file.IntegerOrNull("llama.attention.key_length") ?? hidden / heads;
        foreach (string key in new[] { "llama.attention.value_length", "llama.rope.dimension_count" })
            if (_file.IntegerOrNull(key) is int size && size != headSize) throw _file.Wrong(key, $"is {size}, and heads have {headSize} values; only heads of one size, rotated whole, are supported");
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"), ["model_type"] = "llama", ["vocab_size"] = embedding.Rows, ["hidden_size"] = hidden,
            ["intermediate_size"] = Positive("llama.feed_forward_length"), ["num_hidden_layers"] = Positive("llama.block_count"), ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = _file.IntegerOrNull("llama.attention.head_count_kv") ?? heads, ["head_dim"] = headSize, ["hidden_act"] = "silu",
            ["rms_norm_eps"] = _file.NumberOrNull("llama.attention.layer_norm_rms_epsilon") ?? throw _file.Wrong("llama.attention.layer_norm_rms_epsilon", "is missing"),
            ["rope_theta"] = Theta, ["rope_scaling"] = Scaling(headSize), ["tie_word_embeddings"] = !_file.Tensors.ContainsKey("output.weight"),
            ["max_position_embeddings"] = _file.IntegerOrNull("llama.context_length") ?? 2048, ["torch_dtype"] = "bfloat16",
        };
        int[] ends = [.. new[] { "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id" }.Select(_file.IntegerOrNull).OfType<int>().Distinct()];
        if (ends.Length > 0) json["eos_token_id"] = new JsonArray([.. ends.Select(id => (JsonNode)id)]);
        if (_file.IntegerOrNull("tokenizer.ggml.bos_token_id") is int bos) json["bos_token_id"] = bos;
        if (_file.IntegerOrNull("tokenizer.ggml.padding_token_id") is int pad) json["pad_token_id"] = pad;
        return json.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    private double Theta => _file.NumberOrNull("llama.rope.freq_base") ?? 10000;

    private int Positive(string key) => _file.Integer(key) is > 0 and int value ? value : throw _file.Wrong(key, "is 0; at least 1 is needed");

    private JsonObject? Scaling(int headSize)
    {
        string type = _file.TextOrNull("llama.rope.scaling.type") ?? "none";
        bool stretched = _file.Tensors.ContainsKey(RopeFactors);
        if (type == "linear" && !stretched) return new JsonObject { ["rope_type"] = "linear", ["factor"] = _file.NumberOrNull("llama.rope.scaling.factor") ?? throw _file.Wrong("llama.rope.scaling.factor", "is missing") };
        if (type != "none") throw _file.Wrong("llama.rope.scaling.type", $"is '{type}'{(stretched ? $" together with {RopeFactors}" : "")}, which is not supported; supported are none and linear");
        return stretched ? Llama3(headSize) : null;
    }

    // The factors are those of Llama 3.1 and later (wavelengths up to 8192 / 4 stay, from 8192 / 1 they are divided whole), or they are refused: there is no other rule to name them by.
    private JsonObject Llama3(int headSize)
    {
        if (_file.Tensors[RopeFactors].Shape is not [var count] || headSize < 2 || count != headSize / 2) throw new InvalidDataException($"{_file.Path}: '{RopeFactors}' must have {headSize / 2} values.");
        using DisposeScope scope = NewDisposeScope();
        float[] factors = _file.Read(RopeFactors, ScalarType.Float32, torch.CPU).data<float>().ToArray();
        var rule = new RopeSettings { Theta = Theta, Type = "llama3", Factor = factors.Max(), LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalPositions = 8192 };
        float[] plain = (rule with { Type = "default" }).InverseFrequencies(headSize), stretched = rule.InverseFrequencies(headSize);
        if (!(rule.Factor >= 1) || factors.Where((f, i) => !(Math.Abs(f * stretched[i] / plain[i] - 1) < 1e-4)).Any())
            throw new InvalidDataException($"{_file.Path}: the factors in '{RopeFactors}' are not those of Llama 3.1 to 3.3, which is not supported.");
        return new JsonObject
        {
            ["rope_type"] = "llama3", ["factor"] = rule.Factor, ["low_freq_factor"] = rule.LowFrequencyFactor, ["high_freq_factor"] = rule.HighFrequencyFactor,
            ["original_max_position_embeddings"] = (int)rule.OriginalPositions,
        };
    }
}
