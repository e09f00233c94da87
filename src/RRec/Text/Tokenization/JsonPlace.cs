using System.Text.Json;

namespace RRec.Text.Tokenization;

/// <summary>
/// A JSON value that knows where it stands, so that whatever is wrong with it is said with file and place. A member that is missing and
/// one that is null are the same here, as they are to the writers of these files.
/// </summary>
internal readonly struct JsonPlace(JsonElement element, string source, string path)
{
    public JsonElement Element => element;

    public bool IsString => element.ValueKind == JsonValueKind.String;

    public InvalidDataException Wrong(string what) => new($"{source}: {path}: {what}");

    /// <summary>A member that must be there.</summary>
    public JsonPlace Get(string name) => Find(name) ?? throw Wrong($"'{name}' is missing");

    public JsonPlace? Find(string name)
    {
        if (element.ValueKind != JsonValueKind.Object) throw Wrong($"an object is needed, not {Kind}");
        return element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new JsonPlace(value, source, $"{path}.{name}")
            : null;
    }

    public string Text()
    {
        if (element.ValueKind != JsonValueKind.String) throw Wrong($"a string is needed, not {Kind}");
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("the string is not valid Unicode");
        }
    }

    public int Int32()
    {
        if (element.ValueKind != JsonValueKind.Number) throw Wrong($"a whole number is needed, not {Kind}");
        return element.TryGetInt32(out int value) ? value : throw Wrong("the number is not a 32-bit whole number");
    }

    public bool Flag(string name, bool missing)
    {
        if (Find(name) is not { } value) return missing;
        return value.Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw value.Wrong($"true or false is needed, not {value.Kind}"),
        };
    }

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonPlace> Items()
    {
        if (element.ValueKind != JsonValueKind.Array) throw Wrong($"an array is needed, not {Kind}");
        return Each(element, source, path);

        static IEnumerable<JsonPlace> Each(JsonElement array, string source, string path)
        {
            int i = 0;
            foreach (JsonElement item in array.EnumerateArray()) yield return new JsonPlace(item, source, $"{path}[{i++}]");
        }
    }

    /// <summary>The <c>type</c> of a component.</summary>
    public string Type() => Get("type").Text();

    private string Kind => element.ValueKind.ToString().ToLowerInvariant();
}
