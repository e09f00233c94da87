using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Writes a zip: entries are deflated into it one after the other once they are closed; nothing counts before Commit.</summary>
internal sealed class RepositoryWriter : Repository
{
    private readonly ZipArchive archive;
    private readonly HashSet<string> paths = [];
    private readonly Queue<Entry> closed = [];

    private RepositoryWriter(Stream stream, IExceptionContext? ectx) : base(ectx)
        => archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);

    /// <summary>Begins with the entry that tells ML.NET's version.</summary>
    public static RepositoryWriter CreateNew(Stream stream, IExceptionContext? ectx = null)
    {
        ectx.CheckValue(stream, nameof(stream));
        var repository = new RepositoryWriter(stream, ectx);
        using Entry entry = repository.CreateEntry("TrainingInfo", "Version.txt");
        using StreamWriter writer = OpenText(entry.Stream);
        writer.WriteLine(typeof(RepositoryWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);
        return repository;
    }

    public Entry CreateEntry(string name) => CreateEntry(null, name);

    public Entry CreateEntry(string? dir, string name)
    {
        ExceptionContext.Check(!Disposed, "The model was committed or given up already.");
        Flush();
        string path = PathInside(dir, name);
        ExceptionContext.CheckParam(paths.Add(path), nameof(name), $"The model has an entry '{path}' already.");
        return Add(path, new FileStream(NewTemporaryPath(), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16));
    }

    /// <summary>Completes the zip.</summary>
    public void Commit()
    {
        ExceptionContext.Check(!Disposed, "The model was committed or given up already.");
        CloseEntries();
        Flush();
        archive.Dispose();
        Dispose();
    }

    internal static StreamWriter OpenText(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 1024, leaveOpen: true);

    /// <summary>Closing must not throw, so the copying waits for the next entry or the commit.</summary>
    private protected override void Closed(Entry entry)
    {
        if (Disposed) entry.Stream.Dispose();
        else closed.Enqueue(entry);
    }

    private protected override void Closing()
    {
        foreach (Entry entry in closed) entry.Stream.Dispose();
        closed.Clear();
        try
        {
            archive.Dispose();
        }
        catch (Exception)
        {
            // Only an uncommitted zip gets here with work left, and then the reason why it is uncommitted is what the caller must see.
        }
    }

    private void Flush()
    {
        while (closed.TryDequeue(out Entry? entry))
        {
            using (Stream source = entry.Stream)
            using (Stream target = archive.CreateEntry(entry.Path).Open())
            {
                source.Position = 0;
                source.CopyTo(target);
            }
            File.Delete(entry.Stream.Name);
        }
    }
}
