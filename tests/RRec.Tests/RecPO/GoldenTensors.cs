using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace RRec.Tests.RecPO;

/// <summary>Reads a golden safetensors file into arrays with a dozen lines of its own, so that the engine's reader is not tested by itself.</summary>
internal sealed class GoldenTensors
{
    private readonly byte[] _data;
    private readonly Dictionary<string, (string Type, long[] Shape, int Start, int End)> _entries = [];

    public GoldenTensors(string name)
    {
        byte[] file = File.ReadAllBytes(Goldens.PathOf($"goldens/recpo/{name}.safetensors"));
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, length));
        foreach (JsonProperty p in header.RootElement.EnumerateObject())
        {
            if (p.Name == "__metadata__") continue;
            long[] shape = [.. p.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];
            JsonElement offsets = p.Value.GetProperty("data_offsets");
            _entries[p.Name] = (p.Value.GetProperty("dtype").GetString()!, shape, offsets[0].GetInt32(), offsets[1].GetInt32());
        }

        _data = file[(8 + length)..];
    }

    public IEnumerable<string> Names => _entries.Keys;

    public IEnumerable<string> NamesUnder(string prefix) => _entries.Keys.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..]);

    public long[] Shape(string name) => _entries[name].Shape;

    public float[] Floats(string name) => Read<float>(name, "F32");

    public double[] Doubles(string name) => [.. Floats(name).Select(f => (double)f)];

    public long[] Longs(string name) => Read<long>(name, "I64");

    public int[] Ints(string name) => [.. Longs(name).Select(v => (int)v)];

    public bool[] Bools(string name) => [.. Read<byte>(name, "U8").Select(b => b != 0)];

    /// <summary>Row r of a matrix.</summary>
    public float[] Row(string name, int r)
    {
        int width = (int)Shape(name)[^1];
        return Floats(name)[(r * width)..((r + 1) * width)];
    }

    private T[] Read<T>(string name, string type) where T : struct
    {
        var (stored, _, start, end) = _entries[name];
        Assert.Equal(type, stored);
        return MemoryMarshal.Cast<byte, T>(_data.AsSpan(start, end - start)).ToArray();
    }
}

/// <summary>The scalars of golden.json.</summary>
internal static class GoldenJson
{
    private static readonly Lazy<JsonDocument> Document = new(() => JsonDocument.Parse(File.ReadAllBytes(Goldens.PathOf("goldens/recpo/golden.json"))));

    public static JsonElement Root => Document.Value.RootElement;
}
