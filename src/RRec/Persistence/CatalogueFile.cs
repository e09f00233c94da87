using System.Text.Json;
using System.Text.Json.Serialization;
using RRec.Data;

namespace RRec.Persistence;

/// <summary>A catalogue as JSON; positions are the indexes of the item table.</summary>
internal sealed record CatalogueFile(string Category, string CategoryPlural, IReadOnlyList<CatalogueItem> Items)
{
    public const string FileName = "catalogue.json";

    public static void Write(Stream stream, Catalogue catalogue) =>
        JsonSerializer.Serialize(stream, new CatalogueFile(catalogue.Category, catalogue.CategoryPlural, catalogue.Items), CatalogueJson.Default.CatalogueFile);

    /// <exception cref="InvalidDataException">Not a catalogue: bad JSON, missing parts, an id twice.</exception>
    public static Catalogue Read(Stream stream, string source)
    {
        try
        {
            CatalogueFile file = JsonSerializer.Deserialize(stream, CatalogueJson.Default.CatalogueFile) ?? throw new InvalidDataException($"{source}: null.");
            if (file.Items is null) throw new InvalidDataException($"{source}: has no items.");
            for (int i = 0; i < file.Items.Count; i++)
            {
                CatalogueItem? item = file.Items[i];
                if (item?.Id is null || item.Title is null || item.Attributes is null || item.Attributes.Any(a => a?.Label is null || a.Values is null || a.Values.Contains(null!)))
                    throw new InvalidDataException($"{source}: item {i} lacks its id, title or attributes.");
            }

            return new Catalogue(file.Items, file.Category, file.CategoryPlural);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException)
        {
            throw new InvalidDataException($"{source}: not a catalogue: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CatalogueFile))]
internal sealed partial class CatalogueJson : JsonSerializerContext;
