using System.Text;

namespace RRec.Tests.Weights;

/// <summary>Writes GGUF files byte by byte, well-formed or not.</summary>
internal sealed class GgufBuilder
{
    private readonly List<byte[]> _pairs = [];
    private readonly List<(string Name, long[] Shape, uint Type, byte[] Data, ulong? Offset)> _tensors = [];

    public uint Magic { get; init; } = 0x46554747;

    public uint Version { get; init; } = 3;

    /// <summary>Instead of the true numbers.</summary>
    public ulong? ClaimedTensors { get; init; }

    public ulong? ClaimedPairs { get; init; }

    public long Alignment { get; init; } = 32;

    public static byte[] Text(string text) => [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public GgufBuilder Raw(string key, uint type, params byte[] value)
    {
        _pairs.Add([.. Text(key), .. BitConverter.GetBytes(type), .. value]);
        return this;
    }

    public GgufBuilder With(string key, string value) => Raw(key, 8, Text(value));

    public GgufBuilder With(string key, uint value) => Raw(key, 4, BitConverter.GetBytes(value));

    public GgufBuilder With(string key, float value) => Raw(key, 6, BitConverter.GetBytes(value));

    public GgufBuilder With(string key, string[] values) =>
        Raw(key, 9, [.. BitConverter.GetBytes(8u), .. BitConverter.GetBytes((ulong)values.Length), .. values.SelectMany(Text)]);

    public GgufBuilder With(string key, int[] values) =>
        Raw(key, 9, [.. BitConverter.GetBytes(5u), .. BitConverter.GetBytes((ulong)values.Length), .. values.SelectMany(BitConverter.GetBytes)]);

    /// <param name="name">The tensor's name.</param>
    /// <param name="type">The type's number.</param>
    /// <param name="shape">Slowest first, as torch has it.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="offset">Instead of the next free place.</param>
    public GgufBuilder Tensor(string name, uint type, long[] shape, byte[] data, ulong? offset = null)
    {
        _tensors.Add((name, shape, type, data, offset));
        return this;
    }

    public GgufBuilder Tensor(string name, long[] shape, float[] values) => Tensor(name, 0, shape, [.. values.SelectMany(BitConverter.GetBytes)]);

    public byte[] ToBytes()
    {
        var file = new MemoryStream();
        file.Write(BitConverter.GetBytes(Magic));
        file.Write(BitConverter.GetBytes(Version));
        file.Write(BitConverter.GetBytes(ClaimedTensors ?? (ulong)_tensors.Count));
        file.Write(BitConverter.GetBytes(ClaimedPairs ?? (ulong)_pairs.Count));
        foreach (byte[] pair in _pairs) file.Write(pair);
        long at = 0;
        foreach ((string name, long[] shape, uint type, byte[] data, ulong? offset) in _tensors)
        {
            file.Write(Text(name));
            file.Write(BitConverter.GetBytes((uint)shape.Length));
            foreach (long size in shape.Reverse()) file.Write(BitConverter.GetBytes(size));
            file.Write(BitConverter.GetBytes(type));
            file.Write(BitConverter.GetBytes(offset ?? (ulong)at));
            at = Aligned(at + data.Length);
        }
        foreach ((_, _, _, byte[] data, _) in _tensors)
        {
            file.Write(new byte[Aligned(file.Length) - file.Length]);
            file.Write(data);
        }
        return file.ToArray();
    }

    private long Aligned(long at) => (at + Alignment - 1) / Alignment * Alignment;
}
