using System.Text.Json;
using System.Text.Json.Nodes;
using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>
/// LoRA adapters in peft's layout: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, with peft's names for the tensors.
/// Options of peft that change the computation and are not supported are refused by name.
/// </summary>
public static class PeftAdapter
{
    private const string ConfigFile = "adapter_config.json", WeightsFile = "adapter_model.safetensors";

    // Keys that must be unset, empty or false for an adapter to be plain LoRA on whole layers.
    private static readonly string[] MustBeOff =
    [
        "use_dora", "use_qalora", "use_bdlora", "fan_in_fan_out", "lora_bias", "modules_to_save", "layers_to_transform", "rank_pattern", "alpha_pattern",
        "layer_replication", "target_parameters", "trainable_token_indices", "alora_invocation_tokens", "arrow_config", "kasa_config", "velora_config", "monteclora_config",
    ];

    /// <summary>Reads an adapter for a backbone of the given config.</summary>
    /// <exception cref="FileNotFoundException">One of the two files is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, an option is not supported, or the tensors do not fit.</exception>
    public static LoraAdapter Load(string folder, BackboneConfig backbone, Device? device = null)
    {
        string configPath = Path.Combine(folder, ConfigFile), weightsPath = Path.Combine(folder, WeightsFile);
        foreach (string path in new[] { configPath, weightsPath })
            if (!File.Exists(path)) throw new FileNotFoundException($"Folder '{folder}' has no {Path.GetFileName(path)}; an adapter as peft writes it is needed.", path);
        LoraOptions options = ReadOptions(File.ReadAllText(configPath), configPath);
        using SafetensorsFile file = SafetensorsFile.Open(weightsPath);
        return FromFile(file, backbone, options, device ?? torch.CPU);
    }

    /// <summary>Writes an adapter; both files beside their targets and renamed.</summary>
    /// <param name="folder">Made where missing.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="baseModel">What the config names as base model; null: nothing.</param>
    public static void Save(string folder, LoraAdapter adapter, string? baseModel = null)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        Directory.CreateDirectory(folder);
        var config = new JsonObject
        {
            ["base_model_name_or_path"] = baseModel, ["bias"] = "none", ["fan_in_fan_out"] = false, ["inference_mode"] = true, ["init_lora_weights"] = true,
            ["lora_alpha"] = adapter.Options.Alpha, ["lora_dropout"] = 0.0, ["modules_to_save"] = null, ["peft_type"] = "LORA", ["r"] = adapter.Options.Rank,
            ["target_modules"] = new JsonArray([.. adapter.Options.Targets.Order(StringComparer.Ordinal).Select(t => (JsonNode)t)]),
            ["task_type"] = "CAUSAL_LM", ["use_dora"] = false, ["use_rslora"] = adapter.Options.RankStabilised,
        };
        WholeFile.WriteText(Path.Combine(folder, ConfigFile), config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        SafetensorsWriter.Save(Path.Combine(folder, WeightsFile),
            adapter.Parameters().OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Name, p.Parameter)));
    }

    private static LoraOptions ReadOptions(string json, string source)
    {
        using JsonDocument document = ConfigReader.Document(json, source);
        var c = new ConfigReader(document.RootElement, source);
        if (c.TextOrNull("peft_type") is string type && type != "LORA") throw c.Error($"peft_type '{type}' is not supported, only LORA");
        if (c.TextOrNull("bias") is string bias && bias != "none") throw c.Error($"bias '{bias}' is not supported, only none");
        foreach (string key in MustBeOff)
        {
            if (!document.RootElement.TryGetProperty(key, out JsonElement e)) continue;
            bool off = e.ValueKind is JsonValueKind.Null or JsonValueKind.False
                || (e.ValueKind == JsonValueKind.Array && e.GetArrayLength() == 0) || (e.ValueKind == JsonValueKind.Object && !e.EnumerateObject().Any());
            if (!off) throw c.Error($"'{key}' is {ConfigReader.Short(e)}, which is not supported");
        }
        return new LoraOptions { Rank = c.Int("r"), Alpha = c.NumberOrNull("lora_alpha") ?? 8, RankStabilised = c.Flag("use_rslora", false) };
    }

    private static LoraAdapter FromFile(SafetensorsFile file, BackboneConfig backbone, LoraOptions options, Device device)
    {
        HashSet<string> unused = [.. file.Names];
        var problems = new List<string>();
        var targets = new HashSet<string>(StringComparer.Ordinal);
        Tensor? Take(string name, params long[] shape)
        {
            if (!unused.Remove(name)) return null;
            if (file.Info(name).Shape.SequenceEqual(shape)) return file.Read(name, ScalarType.Float32, device);
            problems.Add($"{name} is {file.Info(name).ShapeText}, expected [{string.Join(", ", shape)}]");
            return null;
        }
        using DisposeScope scope = NewDisposeScope();
        LoraAdapter adapter = LoraAdapter.Build(backbone, options, (layer, projection, rows, columns) =>
        {
            string path = LoraAdapter.NameOf(layer, projection);
            bool a = file.Contains(path + ".lora_A.weight"), b = file.Contains(path + ".lora_B.weight");
            if (a != b) problems.Add($"{path} has only one of lora_A and lora_B");
            if (!a || !b) return null;
            targets.Add(projection);
            Tensor? left = Take(path + ".lora_A.weight", options.Rank, columns), right = Take(path + ".lora_B.weight", rows, options.Rank);
            return left is null || right is null ? null : (left, right);
        });
        if (unused.Count > 0 && problems.Count == 0) problems.Add($"these tensors belong to no projection of this backbone: {NameList.Of([.. unused.Order(StringComparer.Ordinal)])}");
        if (targets.Count == 0) problems.Add("no adapted projection was found");
        if (problems.Count == 0) return new LoraAdapter(options with { Targets = [.. LoraOptions.AllProjections.Where(targets.Contains)] }, adapter.Layers);
        adapter.Dispose();
        throw new InvalidDataException($"{file.Path}: the adapter does not fit ({backbone.ModelType}, {backbone.Layers} layers): {NameList.Of(problems)}.");
    }
}
