using System.Text.Json;
using System.Text.Json.Nodes;
using RRec.Text;

namespace RRec.Tests.Text;

/// <summary>The golden tokenizers, each read once.</summary>
internal static class TokenizerFixtures
{
    public static readonly string[] Names = ["qwen2.5", "qwen3", "smollm2", "bytelevel-llama3-style", "sentencepiece-gemma-style"];

    private static readonly Dictionary<string, Lazy<HuggingFaceTokenizer>> Loaded = Names.ToDictionary(n => n, n => new Lazy<HuggingFaceTokenizer>(() => Read(n)));

    public static HuggingFaceTokenizer Get(string name) => Loaded[name].Value;

    public static HuggingFaceTokenizer Tiny { get; } = HuggingFaceTokenizer.Load(Goldens.PathOf("goldens/recpo/tiny-qwen2"));

    public static JsonElement Golden(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Goldens.PathOf($"goldens/tokenizers/{name}/golden.json"))).RootElement;

    public static int[] Ints(this JsonElement array) => array.EnumerateArray().Select(e => e.GetInt32()).ToArray();

    private static HuggingFaceTokenizer Read(string name)
    {
        if (name == "smollm2") return HuggingFaceTokenizer.Load(Goldens.PathOf("models/SmolLM2-135M-Instruct"));
        if (name != "qwen3") return HuggingFaceTokenizer.Load(Goldens.PathOf($"goldens/tokenizers/{name}"));
        // Qwen3 is Qwen2.5's file with other added tokens.
        JsonNode json = JsonNode.Parse(File.ReadAllBytes(Goldens.PathOf("goldens/tokenizers/qwen2.5/tokenizer.json")))!;
        json["added_tokens"] = JsonNode.Parse(File.ReadAllBytes(Goldens.PathOf("goldens/tokenizers/qwen3/added_tokens.json")));
        return HuggingFaceTokenizer.Parse(JsonSerializer.SerializeToUtf8Bytes(json), "qwen3");
    }
}
