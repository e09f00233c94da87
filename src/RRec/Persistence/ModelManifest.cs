using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RRec.Persistence;

/// <summary>
/// The list of a saved model's entries with their lengths and hashes, itself the last entry written and the first one read. A zip's own
/// checksums are not checked by every reader, and say nothing about an entry that was cut short or swapped.
/// </summary>
internal sealed record ModelManifest
{
    public const string FileName = "manifest.json";
    private const int MaxBytes = 1 << 20;

    /// <summary>What wrote it; anything else is refused.</summary>
    public string Kind { get; init; } = "rrec-model";

    /// <summary>The version of the layout (docs/model-format.md).</summary>
    public int Version { get; init; } = ModelArchive.Version;

    /// <summary>The type that the weights have in memory, e.g. <c>Float32</c>.</summary>
    public string WeightType { get; init; } = "Float32";

    public List<ManifestEntry> Entries { get; init; } = [];

    public void Write(IModelEntryWriter writer) => writer.Write(FileName, stream => JsonSerializer.Serialize(stream, this, ManifestJson.Default.ModelManifest));

    public static ModelManifest Read(IModelEntryReader reader)
    {
        string source = $"{reader.Source}: {FileName}";
        ModelManifest? manifest = null;
        bool there = reader.TryRead(FileName, stream =>
        {
            byte[] bytes = new byte[MaxBytes + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaxBytes) throw new InvalidDataException($"{source}: longer than {MaxBytes} bytes.");
            try
            {
                manifest = JsonSerializer.Deserialize(bytes.AsSpan(0, length), ManifestJson.Default.ModelManifest);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{source}: not valid JSON ({e.Message}).", e);
            }
        });
        if (!there) throw new InvalidDataException($"{reader.Source}: has no entry '{FileName}'; this is not a saved R2ec model, or it is incomplete.");
        if (manifest is null || manifest.Kind != "rrec-model" || manifest.Entries is null || manifest.Entries.Any(e => e?.Name is null || e.Sha256 is null || e.Bytes < 0))
            throw new InvalidDataException($"{source}: not the list of a saved R2ec model.");
        if (manifest.Version != ModelArchive.Version)
            throw new InvalidDataException($"{reader.Source}: written in version {manifest.Version} of the model format; this library reads version {ModelArchive.Version}. {(manifest.Version > ModelArchive.Version ? "Update RRec.MLNet." : "Save it again with the version that wrote it.")}");
        return manifest;
    }
}

/// <param name="Name">The entry's name.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its hash, lower-case hex.</param>
internal sealed record ManifestEntry(string Name, long Bytes, string Sha256);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NewLine = "\n")]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>Counts and hashes what passes; on reading also keeps to the length that the manifest tells.</summary>
internal sealed class HashingStream(Stream inner, long limit, string source) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Count { get; private set; }

    public string Hash() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => Count; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int n = inner.Read(buffer);
        Count += n;
        if (Count > limit) throw new InvalidDataException($"{source}: longer than the {limit} bytes that the manifest tells.");
        _hash.AppendData(buffer[..n]);
        return n;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        Count += buffer.Length;
        _hash.AppendData(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }
}
