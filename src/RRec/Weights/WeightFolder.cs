using System.Text.Json;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>
/// The weights of a Hugging Face folder: <c>model.safetensors</c>, or shards named by <c>model.safetensors.index.json</c>. Shards are
/// opened when first read.
/// </summary>
public sealed class WeightFolder : IDisposable
{
    private readonly string _folder;
    private readonly Dictionary<string, string> _fileOf;
    private readonly Dictionary<string, SafetensorsFile> _open = new(StringComparer.Ordinal);

    private WeightFolder(string folder, Dictionary<string, string> fileOf)
    {
        _folder = folder;
        _fileOf = fileOf;
    }

    /// <summary>The names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => _fileOf.Keys;

    /// <summary>Opens a folder's weights.</summary>
    /// <exception cref="FileNotFoundException">Neither file is there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the index names a shard or tensor that is not there.</exception>
    public static WeightFolder Open(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors"), index = single + ".index.json";
        if (File.Exists(single))
        {
            SafetensorsFile file = SafetensorsFile.Open(single);
            var one = new WeightFolder(folder, file.Names.ToDictionary(n => n, _ => "model.safetensors", StringComparer.Ordinal));
            one._open.Add("model.safetensors", file);
            return one;
        }
        if (!File.Exists(index))
            throw new FileNotFoundException($"Folder '{folder}' has no weights: neither model.safetensors nor model.safetensors.index.json is there.", single);
        var result = new WeightFolder(folder, ReadIndex(index));
        try
        {
            result.CheckShards(index);
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>Type and shape of a tensor.</summary>
    public TensorInfo Info(string name) => FileOf(name).Info(name);

    /// <summary>A tensor's values; see <see cref="SafetensorsFile.Read"/>.</summary>
    public Tensor Read(string name, ScalarType? dtype = null, Device? device = null) => FileOf(name).Read(name, dtype, device);

    /// <summary>Closes all files.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _open.Values) file.Dispose();
        _open.Clear();
    }

    private SafetensorsFile FileOf(string name)
    {
        if (!_fileOf.TryGetValue(name, out string? file)) throw new KeyNotFoundException($"{_folder}: there is no tensor '{name}'.");
        if (!_open.TryGetValue(file, out SafetensorsFile? open)) _open.Add(file, open = SafetensorsFile.Open(Path.Combine(_folder, file)));
        return open;
    }

    private void CheckShards(string index)
    {
        foreach (string file in _fileOf.Values.Distinct(StringComparer.Ordinal))
            if (!File.Exists(Path.Combine(_folder, file)))
                throw new InvalidDataException($"{index}: shard '{file}' is named but is not in the folder.");
        string[] lost = [.. _fileOf.Keys.Where(n => !FileOf(n).Contains(n))];
        if (lost.Length > 0)
            throw new InvalidDataException($"{index}: {lost.Length} tensors are not in the shards it names for them: {NameList.Of(lost)}.");
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: there is no object 'weight_map'.");
            var result = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String) throw new InvalidDataException($"{path}: weight_map['{entry.Name}'] must be a file name.");
                string file = entry.Value.GetString()!;
                // A shard lies in the folder itself: an index must not be able to point elsewhere on the machine.
                if (file.Length == 0 || file.IndexOfAny(['/', '\\', ':', '\0']) >= 0 || file == "..")
                    throw new InvalidDataException($"{path}: weight_map['{entry.Name}'] is '{file}', which is not a plain file name.");
                if (!result.TryAdd(entry.Name, file)) throw new InvalidDataException($"{path}: weight_map names tensor '{entry.Name}' twice.");
            }
            return result;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: not valid JSON: {e.Message}", e);
        }
    }
}

/// <summary>Name lists for error messages: the first few and how many more.</summary>
internal static class NameList
{
    public static string Of(IReadOnlyCollection<string> names, int most = 12) =>
        string.Join(", ", names.Take(most)) + (names.Count > most ? $" and {names.Count - most} more" : "");
}
