using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>Decoders of known shapes with random weights: speed does not ask what they are.</summary>
internal static class BenchShapes
{
    /// <summary>Names that <see cref="Config"/> knows.</summary>
    public const string Names = "smollm2, qwen2.5-3b, gemma-2-2b, catalogue, tiny";

    /// <summary>The config of a name.</summary>
    public static BackboneConfig Config(string name) => name switch
    {
        "smollm2" => BackboneConfig.Parse("""{"model_type":"llama","vocab_size":49152,"hidden_size":576,"intermediate_size":1536,"num_hidden_layers":30,"num_attention_heads":9,"num_key_value_heads":3,"rms_norm_eps":1e-5,"rope_theta":100000,"tie_word_embeddings":true,"max_position_embeddings":8192}""", "SmolLM2-135M"),
        "qwen2.5-3b" => BackboneConfig.Parse("""{"model_type":"qwen2","vocab_size":151936,"hidden_size":2048,"intermediate_size":11008,"num_hidden_layers":36,"num_attention_heads":16,"num_key_value_heads":2,"rms_norm_eps":1e-6,"rope_theta":1000000,"tie_word_embeddings":true,"max_position_embeddings":32768}""", "Qwen2.5-3B"),
        "gemma-2-2b" => BackboneConfig.Parse("""{"model_type":"gemma2","vocab_size":256000,"hidden_size":2304,"intermediate_size":9216,"num_hidden_layers":26,"num_attention_heads":8,"num_key_value_heads":4,"head_dim":256,"rms_norm_eps":1e-6,"sliding_window":4096,"tie_word_embeddings":true,"max_position_embeddings":8192}""", "Gemma-2-2b"),
        "catalogue" => BackboneConfig.Qwen2(8000, 256, 512, 2, 8, 8, endOfSequenceId: 1),
        "tiny" => BackboneConfig.Qwen2(300, 32, 64, 2, 4, 2, endOfSequenceId: 1),
        _ => throw new ArgumentException($"Shape '{name}' is unknown; known are {Names}."),
    };

    /// <summary>f32 or bf16.</summary>
    public static ScalarType Type(string name) => name switch
    {
        "f32" => ScalarType.Float32,
        "bf16" => ScalarType.BFloat16,
        _ => throw new ArgumentException($"Type '{name}' is unknown; known are f32 and bf16."),
    };

    /// <summary>A backbone of that config; norm factors 1, the rest small noise, made on the device itself.</summary>
    public static Backbone Random(BackboneConfig config, Device? device = null, ScalarType dtype = ScalarType.Float32)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        manual_seed(1);
        return Backbone.Create(config, Backbone.ExpectedWeights(config).ToDictionary(w => w.Name, w => w.Shape.Length == 1
            ? ones(w.Shape, dtype: dtype, device: device)
            : randn(w.Shape, dtype: dtype, device: device).mul_(0.02)), device, dtype);
    }
}
