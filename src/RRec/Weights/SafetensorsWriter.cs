using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>Writes safetensors files, in the order the tensors are given.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes beside the target and renames, so that a crash leaves either the old file or the new one, never half of one.</summary>
    /// <param name="path">The file to write; its folder must exist.</param>
    /// <param name="tensors">Names and tensors of any device; names must be unique.</param>
    /// <param name="metadata">Text pairs for the header; null: <c>format: pt</c>, which Hugging Face's loaders ask for.</param>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        WholeFile.Write(path, stream => Save(stream, tensors, metadata));

    /// <summary>Writes to a stream, which need not seek.</summary>
    public static void Save(Stream stream, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        List<KeyValuePair<string, Tensor>> list = [.. tensors];
        byte[] header = Header(list, metadata ?? new Dictionary<string, string> { ["format"] = "pt" });
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach ((string _, Tensor tensor) in list)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor host = tensor.detach().cpu().contiguous();
            TensorBytes.Read(host, host.NumberOfElements * host.ElementSize, (_, source) => stream.Write(source));
        }
    }

    private static byte[] Header(List<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach ((string key, string value) in metadata) json.WriteString(key, value);
            json.WriteEndObject();
            long at = 0;
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach ((string name, Tensor tensor) in tensors)
            {
                if (name == "__metadata__" || !names.Add(name)) throw new ArgumentException($"Tensor name '{name}' is reserved or given twice.", nameof(tensors));
                json.WriteStartObject(name);
                json.WriteString("dtype", SafetensorsTypes.NameOf(tensor.dtype));
                json.WriteStartArray("shape");
                foreach (long n in tensor.shape) json.WriteNumberValue(n);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += tensor.NumberOfElements * tensor.ElementSize);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');   // data starts aligned
        return buffer.ToArray();
    }
}

/// <summary>Files appear whole or not at all: written beside the target, flushed to disk, renamed.</summary>
internal static class WholeFile
{
    public static void Write(string path, Action<Stream> write)
    {
        string beside = path + ".writing";
        try
        {
            using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
