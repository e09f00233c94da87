using System.Text.Json;
using System.Text.RegularExpressions;
using RRec.Weights;

namespace RRec.Text;

// Which preset a model folder asks for. Templates are recognised by the markers they write, not executed: a template language is a
// program from outside, and nine families need nine rows.
public sealed partial record ChatFormat
{
    /// <summary>The file that, in a model folder, holds a chat format of its own (<see cref="ToJson"/>) and overrules everything else there.</summary>
    public const string FileName = "rrec_chat.json";

    private const int MaxTemplateBytes = 16 << 20;

    /// <summary>
    /// The chat format of a Hugging Face folder: from <see cref="FileName"/>; else by the template in chat_template.jinja or
    /// tokenizer_config.json, whose own default system text is taken over; else by config.json's model_type. Of a GGUF file: by the template in its metadata.
    /// </summary>
    /// <exception cref="InvalidDataException">Nothing there says how this model writes a conversation; the message says what to set instead.</exception>
    public static ChatFormat Detect(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (GgufFile.Is(folder)) return OfGguf(folder);
        string own = Path.Combine(folder, FileName);
        if (File.Exists(own)) return FromJson(File.ReadAllText(own), own);

        string? template = ReadTemplate(folder);
        if (template is not null && FromTemplate(template) is { } byTemplate) return byTemplate;

        string config = Path.Combine(folder, "config.json");
        if (template is null && ReadString(config, "model_type") is { } family && FromModelType(family, folder) is { } byFamily) return byFamily;

        string why = template is null ? "has no chat template and no model type with a known one" : "has a chat template of no known family";
        throw new InvalidDataException(
            $"{folder} {why}. Known formats: {string.Join(", ", Presets.Keys)}. Name one in the options, or give the strings of a format " +
            $"of your own ({FileName} in the folder, or ChatFormat with {{ ... }}).");
    }

    private static ChatFormat OfGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        string? template = file.TextOrNull("tokenizer.chat_template");
        return (template is { Length: <= MaxTemplateBytes } ? FromTemplate(template) : null) ?? throw new InvalidDataException(
            $"{path} {(template is null ? "has no chat template" : "has a chat template of no known family")}. Known formats: {string.Join(", ", Presets.Keys)}. Name one in the options.");
    }

    internal static ChatFormat? FromTemplate(string template)
    {
        if (template.Contains("<|start_header_id|>", StringComparison.Ordinal))
            return template.Contains("Cutting Knowledge Date", StringComparison.Ordinal) ? Llama32 : Llama3;
        if (template.Contains("<start_of_turn>", StringComparison.Ordinal))
            return template.Contains("System role not supported", StringComparison.Ordinal) ? Gemma2 : Gemma3;
        if (!template.Contains("<|im_start|>", StringComparison.Ordinal)) return null;
        if (template.Contains("<think>", StringComparison.Ordinal)) return Qwen3;

        // A ChatML template writes its default system turn as one literal; the line break in it is real or escaped.
        Match match = DefaultSystemTurn().Match(template);
        if (!match.Success) return ChatML;
        string system = match.Groups[1].Value;
        foreach (ChatFormat known in Presets.Values)
            if (known.DefaultSystem == system) return known;
        return ChatML with { Name = "chatml-own-system", DefaultSystem = system };
    }

    private static ChatFormat? FromModelType(string modelType, string folder) => modelType switch
    {
        "qwen2" => Qwen25,
        "qwen3" => Qwen3,
        "gemma2" => Gemma2,
        "gemma3" or "gemma3_text" => Gemma3,
        "llama" when NamesToken(folder, "<|start_header_id|>") => Llama3,
        "llama" when NamesToken(folder, "<|im_start|>") => ChatML,
        _ => null,
    };

    private static bool NamesToken(string folder, string token) =>
        ReadString(Path.Combine(folder, "tokenizer_config.json"), "added_tokens_decoder")?.Contains(token, StringComparison.Ordinal) == true;

    private static string? ReadTemplate(string folder)
    {
        string file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file) && new FileInfo(file).Length <= MaxTemplateBytes) return File.ReadAllText(file);
        return ReadString(Path.Combine(folder, "tokenizer_config.json"), "chat_template");
    }

    /// <summary>A member of a JSON object file: strings as they are, other values as their raw JSON; null where file or member are missing.</summary>
    private static string? ReadString(string file, string member)
    {
        if (!File.Exists(file)) return null;
        if (new FileInfo(file).Length > MaxTemplateBytes) throw new InvalidDataException($"{file} is larger than {MaxTemplateBytes >> 20} MB.");
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty(member, out JsonElement value)) return null;
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Null => null,
                // Several named templates: the one called "default", or all of them as text to look for markers in.
                _ => value.GetRawText(),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{file}: not valid JSON: {e.Message}", e);
        }
    }

    [GeneratedRegex("""<\|im_start\|>system(?:\\n|\n)([^<{}'"]+)<\|im_end\|>""")]
    private static partial Regex DefaultSystemTurn();
}
