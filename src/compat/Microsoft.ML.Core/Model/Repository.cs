using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// A zip as a tree of entries. Each open entry is a seekable file (so that headers can be filled in afterwards and large parts are
/// never in memory) in a temporary folder of its own under the host's TempFilePath, which goes with the repository.
/// </summary>
internal abstract class Repository : IDisposable
{
    private readonly List<Entry> open = [];
    private readonly string folder;

    private protected Repository(IExceptionContext? ectx)
    {
        ExceptionContext = ectx;
        string parent = ectx is IHostEnvironmentInternal host ? host.TempFilePath : Path.GetTempPath();
        do folder = Path.Combine(Path.GetFullPath(parent), $"ml_dotnet_{Path.GetFileNameWithoutExtension(Path.GetRandomFileName())}");
        while (Directory.Exists(folder));
        Directory.CreateDirectory(folder);
    }

    public IExceptionContext? ExceptionContext { get; }

    private protected bool Disposed { get; private set; }

    public void Dispose()
    {
        if (Disposed) return;
        Disposed = true;
        Closing();
        CloseEntries();
        // Whatever still holds a file there will lose it later; a failure here must not hide the reason of an earlier one.
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException) { }
        catch (UnauthorizedAccessException) { }
    }

    private protected virtual void Closing() { }

    /// <summary>Called once for each entry, when it is disposed.</summary>
    private protected abstract void Closed(Entry entry);

    private protected void CloseEntries()
    {
        foreach (Entry entry in open.ToArray()) entry.Dispose();
    }

    /// <summary>The path inside the zip, with forward slashes. Ways out of the tree are refused.</summary>
    private protected string PathInside(string? dir, string name)
    {
        ExceptionContext.CheckParam(dir is null || !dir.Contains(".."), nameof(dir), $"An entry's folder must not contain '..': '{dir}'.");
        ExceptionContext.CheckParam(!string.IsNullOrWhiteSpace(name) && !name.Contains(".."), nameof(name), $"An entry's name must not be empty or contain '..': '{name}'.");
        string path = Path.Combine(dir ?? "", name).Replace('\\', '/');
        ExceptionContext.Check(!Path.IsPathRooted(path), $"An entry's path is relative, not '{path}'.");
        return path;
    }

    private protected string NewTemporaryPath() => Path.Combine(folder, Path.GetRandomFileName());

    private protected Entry Add(string path, FileStream stream)
    {
        var entry = new Entry(this, path, stream);
        open.Add(entry);
        return entry;
    }

    internal sealed class Entry(Repository repository, string path, FileStream stream) : IDisposable
    {
        private bool disposed;

        public string Path => path;

        public FileStream Stream => stream;

        public void Dispose()
        {
            if (disposed) return;
            disposed = true;
            repository.open.Remove(this);
            repository.Closed(this);
        }
    }
}
