using System.Text.Json;
using RRec.Backbones;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

/// <summary>One folder of goldens/models: its backbone and expected values. Opened inside a dispose scope that ends with it.</summary>
internal sealed class ModelGolden : IDisposable
{
    public const string Root = "goldens/models";
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly SafetensorsFile _values;

    public ModelGolden(string family, ScalarType dtype = ScalarType.Float32)
    {
        Folder = Goldens.PathOf($"{Root}/{family}");
        Backbone = Backbone.Load(Folder, dtype: dtype);
        string goldens = family == "qwen2-sharded" ? Goldens.PathOf($"{Root}/qwen2") : Folder;
        _values = SafetensorsFile.Open(Path.Combine(goldens, "golden.safetensors"));
        Json = JsonDocument.Parse(File.ReadAllText(Path.Combine(goldens, "golden.json"))).RootElement;
    }

    public string Folder { get; }

    public Backbone Backbone { get; }

    public JsonElement Json { get; }

    public int[][] Sequences => JsonSerializer.Deserialize<int[][]>(Json.TryGetProperty("sequences", out JsonElement s)
        ? s : JsonDocument.Parse(File.ReadAllText(Goldens.PathOf($"{Root}/qwen2/golden.json"))).RootElement.GetProperty("sequences"))!;

    public Tensor Expected(string name) => _values.Read(name);

    /// <summary>Largest difference over the real positions of right padded [b, t, n] tensors.</summary>
    public static float Worst(Tensor actual, Tensor expected, IReadOnlyList<int> lengths)
    {
        float worst = 0;
        for (int i = 0; i < lengths.Count; i++)
            worst = Math.Max(worst, Difference(actual[i].narrow(0, 0, lengths[i]), expected[i].narrow(0, 0, lengths[i])));
        return worst;
    }

    public static float Difference(Tensor a, Tensor b)
    {
        Assert.Equal(b.shape, a.shape);
        float d = (a.to(ScalarType.Float32) - b.to(ScalarType.Float32)).abs().max().item<float>();
        return float.IsNaN(d) ? float.PositiveInfinity : d;
    }

    public void Dispose()
    {
        Backbone.Dispose();
        _values.Dispose();
        _scope.Dispose();
    }
}
