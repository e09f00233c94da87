using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>The weights of a Qwen2 decoder as arrays that the wiring writes into, by their Hugging Face names.</summary>
internal sealed class DecoderArrays
{
    private readonly Dictionary<string, (float[] Values, long[] Shape)> _weights = [];
    private readonly Random _random;

    public DecoderArrays(BackboneConfig config, int seed)
    {
        Config = config;
        _random = new Random(seed);
        foreach ((string name, long[] shape) in Backbone.ExpectedWeights(config))
            _weights[name] = (new float[shape.Aggregate(1L, (a, b) => a * b)], shape);
    }

    public BackboneConfig Config { get; }

    public float[] Embedding => this["model.embed_tokens.weight"];

    public float[] this[string name] => _weights[name].Values;

    public float[] Layer(int layer, string name) => this[$"model.layers.{layer}.{name}"];

    public Span<float> Token(int id) => Embedding.AsSpan(id * Config.HiddenSize, Config.HiddenSize);

    /// <summary>Adds seeded Gaussian noise.</summary>
    public void AddNoise(float[] values, double deviation)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()));
            values[i] += (float)(deviation * radius * Math.Cos(2 * Math.PI * _random.NextDouble()));
        }
    }

    /// <summary>Fills with seeded uniform values in [-bound, bound].</summary>
    public void FillUniform(Span<float> values, double bound)
    {
        foreach (ref float v in values) v = (float)((_random.NextDouble() * 2 - 1) * bound);
    }

    /// <summary>Tensors on the CPU by name, in the config's order.</summary>
    public IReadOnlyDictionary<string, Tensor> ToTensors() =>
        _weights.ToDictionary(w => w.Key, w => tensor(w.Value.Values, w.Value.Shape));
}
