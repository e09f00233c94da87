using Microsoft.ML;
using RRec.Persistence;

namespace RRec.MLNet;

/// <summary>Entries of the zip that ML.NET is writing.</summary>
internal sealed class ZipEntryWriter(ModelSaveContext context) : IModelEntryWriter
{
    public void Write(string name, Action<Stream> write) => context.SaveBinaryStream(name, writer =>
    {
        write(writer.BaseStream);
        writer.Flush();
    });
}

/// <summary>Entries of the zip that ML.NET is reading; they are gone when its Load returns.</summary>
internal sealed class ZipEntryReader(ModelLoadContext context) : IModelEntryReader
{
    public string Source => "R2ec model";

    public bool TryRead(string name, Action<Stream> read) => context.TryLoadBinaryStream(name, reader => read(reader.BaseStream));
}
