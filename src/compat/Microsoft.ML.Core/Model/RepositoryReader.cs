using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Reads a zip: an entry is unpacked when it is first opened.</summary>
internal sealed class RepositoryReader : Repository
{
    private readonly ZipArchive archive;
    private readonly Dictionary<string, ZipArchiveEntry> entries = [];
    private readonly Dictionary<string, string> unpacked = [];

    private RepositoryReader(ZipArchive archive, IExceptionContext? ectx) : base(ectx)
    {
        this.archive = archive;
        // zips written on Windows have backward slashes
        foreach (ZipArchiveEntry entry in archive.Entries) entries[entry.FullName.Replace('\\', '/')] = entry;
    }

    public static RepositoryReader Open(Stream stream, IExceptionContext? ectx = null)
    {
        ectx.CheckValue(stream, nameof(stream));
        ZipArchive archive;
        try
        {
            archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        }
        catch (Exception ex)
        {
            throw ectx.ExceptDecode(ex, "The model is not a zip, or a damaged one.");
        }
        return new RepositoryReader(archive, ectx);
    }

    public Entry? OpenEntryOrNull(string name) => OpenEntryOrNull(null, name);

    public Entry? OpenEntryOrNull(string? dir, string name)
    {
        ExceptionContext.Check(!Disposed, "The model was closed already.");
        string path = PathInside(dir, name);
        if (unpacked.TryGetValue(path, out string? known)) return Add(path, OpenFile(known));
        if (!entries.TryGetValue(path, out ZipArchiveEntry? entry)) return null;
        string file = NewTemporaryPath();
        entry.ExtractToFile(file);
        unpacked.Add(path, file);
        return Add(path, OpenFile(file));
    }

    private protected override void Closed(Entry entry) => entry.Stream.Dispose();

    private protected override void Closing() => archive.Dispose();

    private static FileStream OpenFile(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
}
