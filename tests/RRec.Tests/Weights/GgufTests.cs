using System.Diagnostics;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Weights;

/// <summary>GGUF files byte by byte: what the types mean, and that nothing a stranger writes into a header does more than be refused in words.</summary>
public class GgufTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("rrec").FullName, "x.gguf");
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(Path.GetDirectoryName(_path)!, true);
    }

    private GgufFile Open(GgufBuilder builder)
    {
        File.WriteAllBytes(_path, builder.ToBytes());
        return GgufFile.Open(_path);
    }

    private static byte[] Halves(params float[] values) => [.. values.SelectMany(v => BitConverter.GetBytes((Half)v))];

    [Fact]
    public void Every_type_is_expanded_by_its_rule()
    {
        byte[] eight = [.. Halves(0.5f), .. Enumerable.Range(-16, 32).Select(i => (byte)(sbyte)i)];
        byte[] four = [.. Halves(0.25f, -1f), .. Enumerable.Range(0, 16).Select(i => (byte)(i | (15 - i) << 4))];
        using GgufFile file = Open(new GgufBuilder()
            .Tensor("f32", [2, 3], [1, 2, 3, 4, 5, 6.5f])
            .Tensor("f16", 1, [4], [.. Halves(1.5f, -65504, 5.9604645e-8f, 0)])
            .Tensor("bf16", 30, [2], [0xC0, 0x3F, 0x80, 0xFF])
            .Tensor("q8", 8, [2, 32], [.. eight, .. eight])
            .Tensor("q4", 3, [32], four));
        float[] Values(string name) => file.Read(name, ScalarType.Float32, CPU).data<float>().ToArray();
        Assert.Equal([1, 2, 3, 4, 5, 6.5f], Values("f32"));
        Assert.Equal([2, 3], file.Read("f32", ScalarType.Float32, CPU).shape);
        Assert.Equal([1.5f, -65504, 5.9604645e-8f, 0], Values("f16"));
        Assert.Equal([1.5f, float.NegativeInfinity], Values("bf16"));
        float[] eights = [.. Enumerable.Range(-16, 32).Select(i => i * 0.5f)];
        Assert.Equal([.. eights, .. eights], Values("q8"));
        Assert.Equal([.. Enumerable.Range(0, 16).Select(i => i * 0.25f - 1), .. Enumerable.Range(0, 16).Select(i => (15 - i) * 0.25f - 1)], Values("q4"));
        Assert.Equal([4, 5, 6.5f, 1, 2, 3], file.Read("f32", ScalarType.Float32, CPU, row => 1 - row).data<float>().ToArray());
    }

    [Fact]
    public void Metadata_are_read_in_all_their_types()
    {
        using GgufFile file = Open(new GgufBuilder().With("text", "wörd").With("n", 7u).With("eps", 1e-5f).Raw("yes", 7, 1).Raw("long", 10, BitConverter.GetBytes(1L << 40))
            .Raw("minus", 1, 0xFF).Raw("short", 2, 1, 1).Raw("double", 12, BitConverter.GetBytes(0.1)).With("texts", ["a", "", "c"]).With("ints", [3, -1]));
        Assert.Equal("wörd", file.TextOrNull("text"));
        Assert.Equal((7, 257, null), (file.Integer("n"), file.Integer("short"), file.IntegerOrNull("none")));
        Assert.Equal((1e-5, 0.1), (file.NumberOrNull("eps"), file.NumberOrNull("double")));
        Assert.True(file.FlagOrNull("yes"));
        Assert.Equal(["a", "", "c"], file.Texts("texts"));
        Assert.Equal([3, -1], file.Integers("ints"));
        foreach (string key in new[] { "long", "minus", "text", "texts" })
            Assert.Contains($"'{key}'", Assert.Throws<InvalidDataException>(() => file.IntegerOrNull(key)).Message);
    }

    public static TheoryData<string, string> Hostile => new()
    {
        { "magic", "not a GGUF file" }, { "version", "version 1" }, { "big-endian", "version 50331648" }, { "many tensors", "number of tensors" }, { "many pairs", "do not fit" },
        { "long key", "a metadata key" }, { "long text", "'k'" }, { "bad utf8", "UTF-8" }, { "metadata type", "unknown metadata type 77" }, { "lists of lists", "list of lists" },
        { "long list", "the length of 'k'" }, { "twice", "'k' is there twice" }, { "alignment 0", "general.alignment" }, { "alignment 24", "is 24" }, { "dimensions", "has 5 dimensions" },
        { "no dimension", "has 0 dimensions" }, { "size 0", "a dimension of 0" }, { "huge", "a dimension of" }, { "overflow", "beyond the file's end" }, { "Q4_K", "a (Q4_K)" },
        { "Q2", "a (Q4_0), b (type 99)" }, { "half block", "multiple of 32" }, { "crooked", "alignment 32" }, { "far", "beyond the file's end" }, { "top", "beyond the file's end" },
        { "overlap", "overlap" }, { "tensor twice", "'a' is there twice" },
    };

    private static GgufBuilder Bad(string what)
    {
        float[] four = [1, 2, 3, 4];
        byte[] list = BitConverter.GetBytes(9u);
        return what switch
        {
            "magic" => new GgufBuilder { Magic = 0x46554746 },
            "version" => new GgufBuilder { Version = 1 },
            "big-endian" => new GgufBuilder { Version = 3u << 24 },
            "many tensors" => new GgufBuilder { ClaimedTensors = ulong.MaxValue },
            "many pairs" => new GgufBuilder { ClaimedPairs = 90_000 },
            "long key" => new GgufBuilder().With("k", 1u),
            "long text" => new GgufBuilder().Raw("k", 8, BitConverter.GetBytes(ulong.MaxValue)),
            "bad utf8" => new GgufBuilder().Raw("\uFFFD", 7, 1),
            "metadata type" => new GgufBuilder().Raw("k", 77, 1, 2, 3, 4),
            "lists of lists" => new GgufBuilder().Raw("k", 9, [.. list, .. new byte[16]]),
            "long list" => new GgufBuilder().Raw("k", 9, [.. BitConverter.GetBytes(10u), .. BitConverter.GetBytes(1UL << 61)]),
            "twice" => new GgufBuilder().With("k", 1u).With("k", 2u),
            "alignment 0" => new GgufBuilder().With("general.alignment", 0u),
            "alignment 24" => new GgufBuilder().With("general.alignment", 24u),
            "dimensions" => new GgufBuilder().Tensor("a", [1, 1, 1, 1, 4], four),
            "no dimension" => new GgufBuilder().Tensor("a", [], four),
            "size 0" => new GgufBuilder().Tensor("a", [0], four),
            "huge" => new GgufBuilder().Tensor("a", [long.MaxValue, 4], four),
            "overflow" => new GgufBuilder().Tensor("a", [int.MaxValue, int.MaxValue, int.MaxValue, 1 << 27], four),
            "Q4_K" => new GgufBuilder().Tensor("a", 12, [256], new byte[144]),
            "Q2" => new GgufBuilder().Tensor("a", 2, [32], new byte[18]).Tensor("b", 99, [1], new byte[4]),
            "half block" => new GgufBuilder().Tensor("a", 8, [2, 16], new byte[34]),
            "crooked" => new GgufBuilder().Tensor("a", 0, [1], new byte[64], offset: 4),
            "far" => new GgufBuilder().Tensor("a", 0, [4], new byte[16], offset: 1 << 20),
            "top" => new GgufBuilder().Tensor("a", 0, [4], new byte[16], offset: ulong.MaxValue - 31),
            "overlap" => new GgufBuilder().Tensor("a", 0, [16], new byte[64]).Tensor("b", 0, [16], new byte[64], offset: 32),
            _ => new GgufBuilder().Tensor("a", [4], four).Tensor("a", [4], four),
        };
    }

    [Theory, MemberData(nameof(Hostile))]
    public void A_hostile_header_is_refused_with_file_and_reason(string what, string reason)
    {
        byte[] bytes = Bad(what).ToBytes();
        if (what == "bad utf8") bytes[bytes.AsSpan().IndexOf([(byte)0xEF, (byte)0xBF, (byte)0xBD])] = 0xFF;
        if (what == "long key") bytes[24 + 5] = 1;   // a length of 2^40 and some
        File.WriteAllBytes(_path, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => GgufFile.Open(_path));
        Assert.Contains(_path, e.Message);
        Assert.Contains(reason, e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Random_damage_and_cuts_never_do_more_than_throw_InvalidDataException()
    {
        byte[] good = new GgufBuilder().With("general.architecture", "llama").With("n", 3u).With("list", ["ab", "c"]).With("ints", [1, 2])
            .Tensor("token_embd.weight", [4, 8], new float[32]).Tensor("q", 8, [2, 32], new byte[68]).Tensor("h", 1, [3], new byte[6]).ToBytes();
        var random = new Random(3);
        var clock = Stopwatch.StartNew();
        int opened = 0, refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            byte[] damaged = random.Next(4) == 0 ? good[..random.Next(good.Length)] : [.. good];
            for (int n = random.Next(1, 4); n > 0 && damaged.Length > 0; n--)
                damaged[random.Next(damaged.Length)] = random.Next(3) switch { 0 => 0xFF, 1 => (byte)random.Next(16), _ => (byte)random.Next(256) };
            File.WriteAllBytes(_path, damaged);
            try
            {
                using GgufFile file = GgufFile.Open(_path);
                foreach (GgufTensor t in file.Tensors.Values)
                {
                    using Tensor read = file.Read(t.Name, ScalarType.BFloat16, CPU);
                }
                foreach (string key in file.Keys) _ = (key == "list" ? file.Texts(key).Count() : 0) + (key == "ints" ? file.Integers(key).Length : 0) + (key == "n" ? file.Integer(key) : 0);
                opened++;
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30));
        Assert.True(opened > 100 && refused > 100, $"{opened} opened, {refused} refused");
    }
}
