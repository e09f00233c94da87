using System.Text.Json;
using RRec.Weights;

namespace RRec.Text;

/// <summary>
/// The tokenizer in a GGUF file's metadata (<c>tokenizer.ggml.*</c>), written as the tokenizer.json it came from: tokens and merges are lists there, what splits a text is only
/// a name (<c>tokenizer.ggml.pre</c>). Names whose rule is not known here and SentencePiece models, which lack merges, are refused by name.
/// </summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const int Control = 3, UserDefined = 4;

    /// <summary>How a name in <c>tokenizer.ggml.pre</c> splits: a regular expression, digits one by one, or (both unset) the byte-level rule of GPT-2.</summary>
    private sealed record Splitting(string? Pattern = null, bool SingleDigits = false, bool WholeWords = false, bool AddBos = false);

    private static readonly Splitting Llama3 = new(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", WholeWords: true, AddBos: true);

    private static readonly Dictionary<string, Splitting> Known = new(StringComparer.Ordinal)
    {
        ["smollm"] = new(SingleDigits: true), ["llama-bpe"] = Llama3, ["llama3"] = Llama3, ["llama-v3"] = Llama3, ["gpt-2"] = new(), ["gpt2"] = new(),
    };

    /// <exception cref="InvalidDataException">There is none, or one of a kind that is not supported.</exception>
    public static byte[] ToJson(GgufFile file)
    {
        string model = file.TextOrNull(Prefix + "model") ?? throw file.Wrong(Prefix + "model", "is missing");
        if (model != "gpt2") throw file.Wrong(Prefix + "model", $"is '{model}', which is not supported; supported is gpt2 (byte-level BPE). Use the model's Hugging Face folder");
        string pre = file.TextOrNull(Prefix + "pre") ?? throw file.Wrong(Prefix + "pre", "is missing");
        if (!Known.TryGetValue(pre, out Splitting? split)) throw file.Wrong(Prefix + "pre", $"is '{pre}', which is not supported; supported are {string.Join(", ", Known.Keys)}. Use the model's Hugging Face folder");
        string[] tokens = [.. file.Texts(Prefix + "tokens")];
        int[] types = file.Integers(Prefix + "token_type");
        if (types.Length != 0 && types.Length != tokens.Length) throw file.Wrong(Prefix + "token_type", $"has {types.Length} entries for {tokens.Length} tokens");

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteStartArray("added_tokens");
            for (int id = 0; id < types.Length; id++)
                if (types[id] is Control or UserDefined) WriteAdded(json, id, tokens[id], types[id] == Control);
            json.WriteEndArray();
            WritePreTokenizer(json, split);
            if ((file.FlagOrNull(Prefix + "add_bos_token") ?? split.AddBos) && file.IntegerOrNull(Prefix + "bos_token_id") is int bos)
                WriteTemplate(json, bos < tokens.Length ? tokens[bos] : throw file.Wrong(Prefix + "bos_token_id", $"is {bos} with {tokens.Length} tokens"), bos);
            json.WriteStartObject("decoder");
            WriteByteLevel(json, useRegex: true, prefixSpace: true);
            json.WriteEndObject();
            json.WriteStartObject("model");
            json.WriteString("type", "BPE");
            json.WriteBoolean("ignore_merges", split.WholeWords);
            json.WriteStartObject("vocab");
            for (int id = 0; id < tokens.Length; id++) json.WriteNumber(tokens[id], id);
            json.WriteEndObject();
            json.WriteStartArray("merges");
            foreach (string merge in file.Texts(Prefix + "merges")) json.WriteStringValue(merge);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static void WriteAdded(Utf8JsonWriter json, int id, string token, bool special)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", token);
        foreach (string flag in new[] { "single_word", "lstrip", "rstrip", "normalized" }) json.WriteBoolean(flag, false);
        json.WriteBoolean("special", special);
        json.WriteEndObject();
    }

    private static void WritePreTokenizer(Utf8JsonWriter json, Splitting split)
    {
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        if (split.SingleDigits)
        {
            json.WriteStartObject();
            json.WriteString("type", "Digits");
            json.WriteBoolean("individual_digits", true);
            json.WriteEndObject();
        }
        if (split.Pattern is not null)
        {
            json.WriteStartObject();
            json.WriteString("type", "Split");
            json.WriteStartObject("pattern");
            json.WriteString("Regex", split.Pattern);
            json.WriteEndObject();
            json.WriteString("behavior", "Isolated");
            json.WriteBoolean("invert", false);
            json.WriteEndObject();
        }
        json.WriteStartObject();
        WriteByteLevel(json, useRegex: split.Pattern is null, prefixSpace: false);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json, bool useRegex, bool prefixSpace)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", prefixSpace);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", useRegex);
    }

    // [BOS] text
    private static void WriteTemplate(Utf8JsonWriter json, string bos, int id)
    {
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        json.WriteStartArray("single");
        foreach ((string kind, string name) in new[] { ("SpecialToken", bos), ("Sequence", "A") })
        {
            json.WriteStartObject();
            json.WriteStartObject(kind);
            json.WriteString("id", name);
            json.WriteNumber("type_id", 0);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("pair");
        json.WriteEndArray();
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(bos);
        json.WriteString("id", bos);
        json.WriteStartArray("ids");
        json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(bos);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
