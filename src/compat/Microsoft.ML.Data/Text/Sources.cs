namespace Microsoft.ML.Data;

/// <summary>Where a loader's data comes from: one or more streams.</summary>
public interface IMultiStreamSource
{
    int Count { get; }

    string? GetPathOrNull(int index);

    Stream Open(int index);

    TextReader OpenTextReader(int index);
}

/// <summary>Files, read one after the other. An empty list is allowed: a loader's schema needs no data.</summary>
public sealed class MultiFileSource : IMultiStreamSource
{
    private readonly string[] _paths;

    public MultiFileSource(params string[] paths)
    {
        _paths = paths ?? [];
        foreach (string path in _paths)
            Contracts.CheckParam(!string.IsNullOrWhiteSpace(path), nameof(paths), "A path must not be empty.");
    }

    public int Count => _paths.Length;

    public string GetPathOrNull(int index) => _paths[index];

    public Stream Open(int index) => File.OpenRead(_paths[index]);

    public TextReader OpenTextReader(int index) => new StreamReader(_paths[index]);
}

