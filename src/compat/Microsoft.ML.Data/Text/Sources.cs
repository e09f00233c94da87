namespace Microsoft.ML.Data;

/// <summary>Where a loader's data comes from: one or more streams.</summary>
public interface IMultiStreamSource
{
    int Count { get; }

    string? GetPathOrNull(int index);

    Stream Open(int index);

    TextReader OpenTextReader(int index);
}

/// <summary>Files, read one after the other; the last part of a path may hold * and ?. An empty list is allowed: a loader's schema needs no data.</summary>
public sealed class MultiFileSource : IMultiStreamSource
{
    private readonly string[] _paths;

    public MultiFileSource(params string[] paths) => _paths = paths is null or [null] ? [] : [.. paths.SelectMany(Expand)];

    public int Count => _paths.Length;

    public string? GetPathOrNull(int index)
    {
        Contracts.CheckParam(index >= 0 && index < Count, nameof(index), $"There are {Count} files.");
        return _paths[index];
    }

    public Stream Open(int index)
    {
        string path = GetPathOrNull(index)!;
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The file '{path}' cannot be opened: {e.Message}", e);
        }
    }

    public TextReader OpenTextReader(int index) => new StreamReader(Open(index));

    /// <summary>The files that a path with wildcards stands for; the path itself where there are none.</summary>
    internal static string[] Expand(string path)
    {
        string pattern = Path.GetFileName(path);
        if (!pattern.Contains('*') && !pattern.Contains('?')) return [path];
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } given ? given : ".";
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, pattern) : [];
        Array.Sort(files, StringComparer.Ordinal);
        return files.Length > 0 ? files : [path];
    }
}

