using System.Text.Json;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>What a safetensors file says about one of its tensors.</summary>
/// <param name="Name">The tensor's name, unique in the file.</param>
/// <param name="TypeName">The element type as the file spells it, e.g. <c>BF16</c>.</param>
/// <param name="Shape">The dimensions; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte.</param>
public sealed record TensorInfo(string Name, string TypeName, long[] Shape, long Begin, long End)
{
    /// <summary>The number of bytes the tensor takes in the file.</summary>
    public long Length => End - Begin;

    /// <summary>The shape as people write it, e.g. <c>[512, 64]</c>.</summary>
    public string ShapeText => "[" + string.Join(", ", Shape) + "]";
}

/// <summary>
/// The header of a safetensors file: 8 bytes little-endian length, then that many bytes of JSON naming every tensor's type, shape and byte
/// range, then the data. Everything is checked here, before any byte of data is touched: a header comes from a stranger, and its numbers
/// decide how much memory is allocated. Like the format's own reference we insist that the ranges cover the data section exactly, without
/// overlaps or holes, so that no byte of a file is unaccounted for.
/// </summary>
internal sealed class SafetensorsHeader
{
    // The reference implementation's own limit; a header of a 100 B parameter model is well under 1 MB.
    internal const long MaxHeaderBytes = 100_000_000;
    private const int MaxDimensions = 16;

    private SafetensorsHeader(IReadOnlyDictionary<string, TensorInfo> tensors, IReadOnlyList<TensorInfo> inFileOrder, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        InFileOrder = inFileOrder;
        Metadata = metadata;
    }

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    public IReadOnlyList<TensorInfo> InFileOrder { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads the 8 length bytes; <paramref name="fileLength"/> is null for a stream of unknown length.</summary>
    public static int ParseLength(ReadOnlySpan<byte> first8, long? fileLength, string source)
    {
        if (first8.Length < 8) throw new InvalidDataException($"{source}: {first8.Length} bytes are too few for a safetensors file, which starts with an 8-byte header length.");
        ulong length = BitConverter.IsLittleEndian ? BitConverter.ToUInt64(first8) : System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(first8);
        if (length > MaxHeaderBytes) throw new InvalidDataException($"{source}: the header claims {length} bytes; at most {MaxHeaderBytes} are accepted. Not a safetensors file, or a damaged one.");
        if (fileLength is long total && (long)length > total - 8)
            throw new InvalidDataException($"{source}: the header claims {length} bytes but only {total - 8} follow its length; the file is truncated or damaged.");
        if (length < 2) throw new InvalidDataException($"{source}: the header claims {length} bytes; the smallest JSON object has 2.");
        return (int)length;
    }

    /// <summary>Parses and checks the JSON. <paramref name="dataLength"/>: bytes after the header, or null where unknown (streams).</summary>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long? dataLength, string source)
    {
        var tensors = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
            Expect(ref reader, JsonTokenType.StartObject, source, "the header");
            while (Next(ref reader, source) != JsonTokenType.EndObject)
            {
                string name = reader.GetString()!;
                if (name == "__metadata__") ReadMetadata(ref reader, metadata, source);
                else if (!tensors.TryAdd(name, ReadTensor(ref reader, name, source)))
                    throw new InvalidDataException($"{source}: tensor '{name}' is in the header twice.");
            }
            while (reader.Read()) throw new InvalidDataException($"{source}: text follows the header's closing brace.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or System.Text.DecoderFallbackException)
        {
            throw new InvalidDataException($"{source}: the header is not valid safetensors JSON: {e.Message}", e);
        }
        List<TensorInfo> ordered = [.. tensors.Values.OrderBy(t => t.Begin).ThenBy(t => t.End)];
        CheckCoverage(ordered, dataLength, source);
        return new SafetensorsHeader(tensors, ordered, metadata);
    }

    private static TensorInfo ReadTensor(ref Utf8JsonReader reader, string name, string source)
    {
        string what = $"tensor '{name}'";
        string? type = null;
        long[]? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, source, what);
        while (Next(ref reader, source) != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            switch (key)
            {
                case "dtype":
                    Expect(ref reader, JsonTokenType.String, source, what + ", dtype");
                    type = reader.GetString()!;
                    break;
                case "shape": shape = ReadIntegers(ref reader, source, what + ", shape", MaxDimensions); break;
                case "data_offsets": offsets = ReadIntegers(ref reader, source, what + ", data_offsets", 2); break;
                default: throw new InvalidDataException($"{source}: {what} has an unknown key '{key}'; known are dtype, shape, data_offsets.");
            }
        }
        if (type is null || shape is null || offsets is null || offsets.Length != 2)
            throw new InvalidDataException($"{source}: {what} lacks dtype, shape or the two data_offsets.");
        if (SafetensorsTypes.SizeOf(type) is not int size)
            throw new InvalidDataException($"{source}: {what} has the unknown dtype '{type}'.");
        if (offsets[0] > offsets[1]) throw new InvalidDataException($"{source}: {what} begins at byte {offsets[0]}, after its end at {offsets[1]}.");
        Int128 bytes = size;   // a product of 16 numbers below 2^63 cannot be allowed to wrap: cap it as it grows
        foreach (long n in shape)
        {
            bytes *= n;
            if (bytes > long.MaxValue) throw new InvalidDataException($"{source}: {what} has a shape of more than 2^63 bytes.");
        }
        if (bytes != offsets[1] - offsets[0])
            throw new InvalidDataException($"{source}: {what} is {type} [{string.Join(", ", shape)}], which takes {bytes} bytes, but its offsets span {offsets[1] - offsets[0]}.");
        return new TensorInfo(name, type, shape, offsets[0], offsets[1]);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata, string source)
    {
        Expect(ref reader, JsonTokenType.StartObject, source, "__metadata__");
        while (Next(ref reader, source) != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, source, $"__metadata__ entry '{key}'");
            metadata[key] = reader.GetString()!;
        }
    }

    private static long[] ReadIntegers(ref Utf8JsonReader reader, string source, string what, int most)
    {
        Expect(ref reader, JsonTokenType.StartArray, source, what);
        var list = new List<long>();
        while (Next(ref reader, source) != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
                throw new InvalidDataException($"{source}: {what} must hold integers from 0 to 2^63-1.");
            if (list.Count == most) throw new InvalidDataException($"{source}: {what} has more than {most} entries.");
            list.Add(value);
        }
        return [.. list];
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader, string source)
    {
        if (!reader.Read()) throw new InvalidDataException($"{source}: the header ends in the middle.");
        return reader.TokenType;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string source, string what)
    {
        if (Next(ref reader, source) != type) throw new InvalidDataException($"{source}: {what} must be {type switch { JsonTokenType.StartObject => "an object", JsonTokenType.StartArray => "an array", _ => "a string" }}, found {reader.TokenType}.");
    }

    private static void CheckCoverage(List<TensorInfo> ordered, long? dataLength, string source)
    {
        long at = 0;
        TensorInfo? before = null;
        foreach (TensorInfo t in ordered)
        {
            if (dataLength is long most && t.End > most)
                throw new InvalidDataException($"{source}: tensor '{t.Name}' ends at byte {t.End} of a data section of {most} bytes; the file is truncated or damaged.");
            if (t.Begin < at) throw new InvalidDataException($"{source}: tensors '{before!.Name}' and '{t.Name}' overlap at byte {t.Begin}.");
            if (t.Begin > at) throw new InvalidDataException($"{source}: no tensor covers the {t.Begin - at} bytes before tensor '{t.Name}'.");
            at = t.End;
            before = t;
        }
        if (dataLength is long total && at != total)
            throw new InvalidDataException($"{source}: {total - at} bytes follow the last tensor '{before?.Name}'.");
    }
}

/// <summary>The element types of the format, and which of them this library can hold in a tensor.</summary>
internal static class SafetensorsTypes
{
    private static readonly Dictionary<string, (int Size, ScalarType? Type)> Known = new(StringComparer.Ordinal)
    {
        ["F64"] = (8, ScalarType.Float64), ["F32"] = (4, ScalarType.Float32), ["F16"] = (2, ScalarType.Float16), ["BF16"] = (2, ScalarType.BFloat16),
        ["I64"] = (8, ScalarType.Int64), ["I32"] = (4, ScalarType.Int32), ["I16"] = (2, ScalarType.Int16), ["I8"] = (1, ScalarType.Int8),
        ["U8"] = (1, ScalarType.Byte), ["BOOL"] = (1, ScalarType.Bool),
        ["U64"] = (8, null), ["U32"] = (4, null), ["U16"] = (2, null), ["F8_E4M3"] = (1, null), ["F8_E5M2"] = (1, null),
    };

    public static int? SizeOf(string type) => Known.TryGetValue(type, out var entry) ? entry.Size : null;

    public static ScalarType ToScalarType(TensorInfo info, string source) => Known[info.TypeName].Type
        ?? throw new InvalidDataException($"{source}: tensor '{info.Name}' has dtype {info.TypeName}, which is not supported; supported are {string.Join(", ", Known.Where(k => k.Value.Type is not null).Select(k => k.Key))}.");

    public static string NameOf(ScalarType type) => Known.FirstOrDefault(k => k.Value.Type == type).Key
        ?? throw new NotSupportedException($"Tensors of type {type} cannot be written as safetensors.");
}
