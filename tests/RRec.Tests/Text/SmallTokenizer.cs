using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RRec.Text;
using RRec.Text.Tokenization;

namespace RRec.Tests.Text;

/// <summary>A byte-level tokenizer made here: all bytes, a few merges, one special token. Tests bend its JSON.</summary>
internal static class SmallTokenizer
{
    public static JsonObject Json(params (string Left, string Right)[] merges)
    {
        var vocabulary = new JsonObject();
        for (int b = 0; b < 256; b++) vocabulary[ByteAlphabet.CharOf((byte)b).ToString()] = b;
        var list = new JsonArray();
        foreach ((string left, string right) in merges)
        {
            if (!vocabulary.ContainsKey(left + right)) vocabulary[left + right] = vocabulary.Count;
            list.Add(new JsonArray(left, right));
        }
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = vocabulary.Count, ["content"] = "<|end|>", ["special"] = true }),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = list },
        };
    }

    public static HuggingFaceTokenizer Create(params (string Left, string Right)[] merges) => Parse(Json(merges));

    public static HuggingFaceTokenizer Parse(JsonNode json) => HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString(new JsonSerializerOptions { MaxDepth = 2000 })), "small.json");
}
