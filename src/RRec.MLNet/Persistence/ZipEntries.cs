using Microsoft.ML;
using Microsoft.ML.Runtime;
using RRec.Persistence;

namespace RRec.MLNet;

/// <summary>Entries of the zip that ML.NET is writing.</summary>
internal sealed class ZipEntryWriter(ModelSaveContext context, IHostEnvironment environment) : IModelEntryWriter
{
    public string TemporaryFolder => ZipEntries.TemporaryFolder(environment);

    public void Write(string name, Action<Stream> write) => context.SaveBinaryStream(name, writer =>
    {
        write(writer.BaseStream);
        writer.Flush();
    });
}

/// <summary>Entries of the zip that ML.NET is reading; they are gone when its Load returns.</summary>
internal sealed class ZipEntryReader(ModelLoadContext context, IHostEnvironment environment) : IModelEntryReader
{
    public string TemporaryFolder => ZipEntries.TemporaryFolder(environment);

    public string Source => "R2ec model";

    public bool TryRead(string name, Action<Stream> read) => context.TryLoadBinaryStream(name, reader => read(reader.BaseStream));
}

internal static class ZipEntries
{
    /// <summary><c>MLContext.TempFilePath</c>, where ML.NET itself puts what it unpacks.</summary>
    public static string TemporaryFolder(IHostEnvironment environment) => environment is IHostEnvironmentInternal { TempFilePath: { Length: > 0 } path } ? path : Path.GetTempPath();
}
