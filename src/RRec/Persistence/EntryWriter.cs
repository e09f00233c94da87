using System.Text;

namespace RRec.Persistence;

/// <summary>Writes entries and keeps the manifest of them.</summary>
internal sealed class EntryWriter(IModelEntryWriter writer, TorchSharp.torch.ScalarType weightType)
{
    private readonly ModelManifest _manifest = new() { WeightType = weightType.ToString() };

    public void Write(string name, Action<Stream> write) => writer.Write(name, stream =>
    {
        using HashingStream hashing = new(stream, long.MaxValue, name);
        write(hashing);
        _manifest.Entries.Add(new ManifestEntry(name, hashing.Count, hashing.Hash()));
    });

    public string TemporaryFolder => writer.TemporaryFolder;

    public void WriteText(string name, string text) => Write(name, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    public void Finish() => _manifest.Write(writer);
}

/// <summary>Reads entries and checks each against the manifest: there, as long, the same bytes.</summary>
internal sealed class EntryReader
{
    private readonly IModelEntryReader _reader;
    private readonly Dictionary<string, ManifestEntry> _entries;

    public EntryReader(IModelEntryReader reader)
    {
        _reader = reader;
        _entries = [];
        ModelManifest manifest = ModelManifest.Read(reader);
        if (!Enum.TryParse(manifest.WeightType, out TorchSharp.torch.ScalarType type))
            throw new InvalidDataException($"{reader.Source}: {ModelManifest.FileName}: '{manifest.WeightType}' is no type of weights.");
        WeightType = type;
        foreach (ManifestEntry entry in manifest.Entries)
            if (!_entries.TryAdd(entry.Name, entry)) throw new InvalidDataException($"{reader.Source}: {ModelManifest.FileName}: entry '{entry.Name}' twice.");
    }

    public string Source => _reader.Source;

    public string TemporaryFolder => _reader.TemporaryFolder;

    /// <summary>The type of the weights in memory when the model was saved; it decides the numbers.</summary>
    public TorchSharp.torch.ScalarType WeightType { get; }

    public bool Has(string name) => _entries.ContainsKey(name);

    public long BytesOf(string name) => _entries.TryGetValue(name, out ManifestEntry? entry) ? entry.Bytes : 0;

    /// <exception cref="InvalidDataException">The entry is missing, shorter, longer or other than the manifest says.</exception>
    public void Read(string name, Action<Stream> read)
    {
        if (!_entries.TryGetValue(name, out ManifestEntry? entry)) throw new InvalidDataException($"{Source}: the manifest lists no entry '{name}'.");
        string source = $"{Source}: {name}";
        bool there = _reader.TryRead(name, stream =>
        {
            // Known before anything is allocated for it.
            if (stream.CanSeek && stream.Length - stream.Position is var length && length != entry.Bytes)
                throw new InvalidDataException($"{source}: has {length} bytes, the manifest tells {entry.Bytes}.");
            using HashingStream hashing = new(stream, entry.Bytes, source);
            read(hashing);
            Span<byte> rest = stackalloc byte[4096];
            while (hashing.Read(rest) > 0) { }
            if (hashing.Count != entry.Bytes) throw new InvalidDataException($"{source}: ends after {hashing.Count} of {entry.Bytes} bytes.");
            if (hashing.Hash() != entry.Sha256) throw new InvalidDataException($"{source}: its SHA-256 differs from the manifest's; the file is damaged.");
        });
        if (!there) throw new InvalidDataException($"{Source}: entry '{name}' is missing.");
    }

    public byte[] ReadBytes(string name, long atMost)
    {
        if (BytesOf(name) > atMost) throw new InvalidDataException($"{Source}: {name}: {BytesOf(name)} bytes; at most {atMost} are accepted.");
        byte[] bytes = [];
        Read(name, stream =>
        {
            // Grows with what really arrives: a claimed length costs nothing.
            using MemoryStream buffer = new();
            stream.CopyTo(buffer);
            bytes = buffer.ToArray();
        });
        return bytes;
    }

    public string ReadText(string name) => Encoding.UTF8.GetString(ReadBytes(name, 64 << 20));
}
