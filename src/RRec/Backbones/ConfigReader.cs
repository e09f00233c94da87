using System.Text.Json;

namespace RRec.Backbones;

/// <summary>Typed, bounded access to config.json: every error names the file and the key.</summary>
internal sealed class ConfigReader(JsonElement root, string source, string prefix = "")
{
    public string Source => source;

    /// <summary>Parses a JSON object whose names and texts can all be read: an escaped half of a character passes the parser and fails later.</summary>
    public static JsonDocument Document(string json, string source)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32 });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{source}: a JSON object is needed.");
            Decode(document.RootElement);
            return document;
        }
        catch (Exception e)
        {
            document?.Dispose();
            if (e is not (JsonException or InvalidOperationException)) throw;
            throw new InvalidDataException($"{source}: not valid JSON: {e.Message}", e);
        }
    }

    private static void Decode(JsonElement e)
    {
        if (e.ValueKind == JsonValueKind.String) e.GetString();
        else if (e.ValueKind == JsonValueKind.Array) foreach (JsonElement x in e.EnumerateArray()) Decode(x);
        else if (e.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty p in e.EnumerateObject())
            {
                _ = p.Name;
                Decode(p.Value);
            }
        }
    }

    public IEnumerable<JsonProperty> Properties => root.EnumerateObject();

    public bool Has(string key) => root.TryGetProperty(key, out JsonElement e) && e.ValueKind != JsonValueKind.Null;

    /// <summary>Whether the key is there, be it null: null switches off what a missing key leaves at its default.</summary>
    public bool Mentions(string key) => root.TryGetProperty(key, out _);

    public int Int(string key) => IntOrNull(key) ?? throw Error($"'{prefix}{key}' is missing; an integer of at least 1 is needed");

    public int? IntOrNull(string key)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return null;
        if (e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int value) && value >= 1) return value;
        throw Error($"'{prefix}{key}' is {Short(e)}; an integer from 1 to 2147483647 is needed");
    }

    public double? NumberOrNull(string key)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return null;
        if (e.ValueKind == JsonValueKind.Number && e.TryGetDouble(out double value) && double.IsFinite(value) && value > 0) return value;
        throw Error($"'{prefix}{key}' is {Short(e)}; a positive number is needed");
    }

    public double Number(string key) => NumberOrNull(key) ?? throw Error($"'{prefix}{key}' is missing; a positive number is needed");

    public bool Flag(string key, bool unset)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return unset;
        return e.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Error($"'{prefix}{key}' is {Short(e)}; true or false is needed"),
        };
    }

    public string? TextOrNull(string key)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return null;
        return e.ValueKind == JsonValueKind.String ? e.GetString() : throw Error($"'{prefix}{key}' is {Short(e)}; text is needed");
    }

    public ConfigReader? ObjectOrNull(string key)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return null;
        return e.ValueKind == JsonValueKind.Object ? new ConfigReader(e, source, prefix + key + ".") : throw Error($"'{prefix}{key}' is {Short(e)}; an object is needed");
    }

    public string[]? TextsOrNull(string key)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return null;
        if (e.ValueKind != JsonValueKind.Array || e.EnumerateArray().Any(x => x.ValueKind != JsonValueKind.String)) throw Error($"'{prefix}{key}' is {Short(e)}; a list of texts is needed");
        return [.. e.EnumerateArray().Select(x => x.GetString()!)];
    }

    /// <summary>Token ids: one number, a list of numbers, or nothing.</summary>
    public int[] Ids(string key, int vocabulary)
    {
        if (!root.TryGetProperty(key, out JsonElement e) || e.ValueKind == JsonValueKind.Null) return [];
        JsonElement[] all = e.ValueKind == JsonValueKind.Array ? [.. e.EnumerateArray()] : [e];
        var ids = new List<int>();
        foreach (JsonElement x in all)
        {
            if (x.ValueKind != JsonValueKind.Number || !x.TryGetInt32(out int id)) throw Error($"'{prefix}{key}' is {Short(e)}; a token id or a list of them is needed");
            // Hub files do carry ids outside the vocabulary (-1, or one past it) for "none": such an id can never be written.
            if (id >= 0 && id < vocabulary) ids.Add(id);
        }
        return [.. ids];
    }

    public InvalidDataException Error(string what) => new($"{source}: {what}.");

    public static string Short(JsonElement e)
    {
        string text = e.GetRawText();
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
