using System.Text.Json;

namespace RRec.Backbones;

// Which keys of config.json are understood. A key that is neither read nor known to be harmless may switch on something that this
// decoder does not compute, so it is refused by name unless its value says "off".
public sealed partial record BackboneConfig
{
    private static readonly HashSet<string> Read = new(StringComparer.Ordinal)
    {
        "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
        "rms_norm_eps", "tie_word_embeddings", "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping", "sliding_window",
        "use_sliding_window", "max_window_layers", "layer_types", "sliding_window_pattern", "rope_theta", "rope_local_base_freq", "rope_scaling",
        "rope_parameters", "max_position_embeddings", "eos_token_id", "pad_token_id", "hidden_act", "hidden_activation",
    };

    // They describe training, storage or tooling, not the forward pass.
    private static readonly HashSet<string> Harmless = new(StringComparer.Ordinal)
    {
        "architectures", "bos_token_id", "torch_dtype", "dtype", "transformers_version", "use_cache", "initializer_range", "attention_dropout", "hidden_dropout",
        "cache_implementation", "is_llama_config", "pretraining_tp", "num_labels", "id2label", "label2id", "return_dict", "output_scores", "chunk_size_feed_forward",
        "auto_map", "unsloth_fixed", "unsloth_version", "model_name", "eos_token", "pad_token", "bos_token", "task_specific_params", "transformers.js_config",
    };

    private static void RefuseUnknown(ConfigReader c, BackboneFamily family)
    {
        if (c.Has("quantization_config")) throw c.Error("'quantization_config' is set: quantised weights are not supported, use the bf16, f16 or f32 folder");
        string[] keys = family.Gelu ? ["hidden_activation"] : ["hidden_act"];
        string wanted = family.Gelu ? "gelu_pytorch_tanh" : "silu";
        foreach (string key in keys)
            if (c.TextOrNull(key) is string activation && activation != wanted) throw c.Error($"'{key}' is '{activation}'; {family.ModelType} is supported with '{wanted}' only");
        foreach (JsonProperty p in c.Properties)
        {
            if (Read.Contains(p.Name) || Harmless.Contains(p.Name) || p.Name.StartsWith('_')) continue;
            bool off = p.Value.ValueKind switch
            {
                JsonValueKind.Null or JsonValueKind.False or JsonValueKind.String => true,
                JsonValueKind.Array => p.Value.GetArrayLength() == 0,
                JsonValueKind.Number => IsNeutral(p),
                _ => false,
            };
            if (!off)
                throw c.Error($"'{p.Name}' is {ConfigReader.Short(p.Value)}: this key is not known for {family.ModelType}, and it may change the computation. Remove it if it does not");
        }
    }

    // Multipliers of 1 and amounts of 0 change nothing.
    private static bool IsNeutral(JsonProperty p) =>
        p.Value.TryGetDouble(out double v) && (v == 0 || (v == 1 && (p.Name.EndsWith("multiplier", StringComparison.Ordinal) || p.Name.EndsWith("factor", StringComparison.Ordinal))));
}
