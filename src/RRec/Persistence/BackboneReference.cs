using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RRec.Persistence;

/// <summary>
/// A backbone by name: the folder it lay in and the hashes of what makes its numbers (config.json and the safetensors files). Found again at the
/// old place or, by the folder's last name, in the folders of <c>RREC_MODELS</c>; one with other hashes is refused.
/// </summary>
internal sealed record BackboneReference
{
    public const string FileName = "backbone.json";
    public const string Variable = "RREC_MODELS";

    public string Folder { get; init; } = "";

    public List<ManifestEntry> Files { get; init; } = [];

    public static BackboneReference Of(string folder)
    {
        BackboneReference reference = new() { Folder = Path.GetFullPath(folder) };
        foreach (string path in FilesOf(folder))
            reference.Files.Add(new ManifestEntry(Path.GetFileName(path), new FileInfo(path).Length, Hash(path)));
        return reference;
    }

    /// <summary>How many bytes the weights of a folder take.</summary>
    public static long WeightBytes(string folder) => Directory.Exists(folder) ? FilesOf(folder).Sum(p => new FileInfo(p).Length) : 0;

    public string ToJson() => JsonSerializer.Serialize(this, ReferenceJson.Default.BackboneReference);

    public static BackboneReference Parse(string json, string source)
    {
        try
        {
            BackboneReference? reference = JsonSerializer.Deserialize(json, ReferenceJson.Default.BackboneReference);
            if (reference?.Folder is not { Length: > 0 } || reference.Files is not { Count: > 0 } || reference.Files.Any(f => f?.Name is null || f.Name != Path.GetFileName(f.Name)))
                throw new InvalidDataException($"{source}: not a reference to a backbone.");
            return reference;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: not valid JSON ({e.Message}).", e);
        }
    }

    /// <summary>The folder that holds exactly these files.</summary>
    /// <exception cref="FileNotFoundException">No such folder; lists where it was looked for.</exception>
    /// <exception cref="InvalidDataException">The folder is there but a file in it is missing or another one.</exception>
    public string Find(string source)
    {
        string name = Path.GetFileName(Folder.TrimEnd('/', '\\'));
        if (Folder.LastIndexOf('\\') is var slash and >= 0 && Folder.LastIndexOf('/') < slash) name = Folder[(slash + 1)..];   // written on Windows
        List<string> places = [Folder];
        foreach (string root in (Environment.GetEnvironmentVariable(Variable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            places.Add(Path.Combine(root, name));

        List<string> wrong = [];
        foreach (string place in places.Where(Directory.Exists))
        {
            if (Difference(place) is not { } difference) return place;
            wrong.Add($"{place}: {difference}");
        }

        if (wrong.Count > 0) throw new InvalidDataException($"{source}: the model was trained on backbone '{name}', and what was found under this name is another one: {string.Join("; ", wrong)}.");
        throw new FileNotFoundException($"{source}: the model needs the backbone '{name}', which is not at {string.Join(" nor at ", places)}. Set {Variable} to the folder that holds it, or save the model with its backbone embedded.");
    }

    private string? Difference(string folder)
    {
        foreach (ManifestEntry file in Files)
        {
            string path = Path.Combine(folder, file.Name);
            if (!File.Exists(path)) return $"{file.Name} is missing";
            if (new FileInfo(path).Length != file.Bytes) return $"{file.Name} has {new FileInfo(path).Length} bytes, not {file.Bytes}";
            if (Hash(path) != file.Sha256) return $"{file.Name} has another SHA-256";
        }

        return null;
    }

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.GetFiles(folder).Where(p => Path.GetFileName(p) == "config.json" || p.EndsWith(".safetensors", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static string Hash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NewLine = "\n")]
[JsonSerializable(typeof(BackboneReference))]
internal sealed partial class ReferenceJson : JsonSerializerContext;
