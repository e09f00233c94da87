using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Weights;

public class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, true);
    }

    private string File(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        System.IO.File.WriteAllBytes(path, bytes);
        return path;
    }

    private static byte[] Bytes(string header, int dataBytes, long? claimed = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), all = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(all, claimed ?? json.Length);
        json.CopyTo(all, 8);
        return all;
    }

    [Fact]
    public void What_is_written_is_read_back_in_every_type_and_shape()
    {
        manual_seed(1);
        Tensor f = randn(3, 5);
        var tensors = new Dictionary<string, Tensor>
        {
            ["f32"] = f, ["bf16"] = f.to(ScalarType.BFloat16), ["f16"] = f.to(ScalarType.Float16), ["f64"] = f.to(ScalarType.Float64), ["i64"] = arange(7, ScalarType.Int64),
            ["i32"] = arange(7, ScalarType.Int32), ["u8"] = arange(7, ScalarType.Byte), ["bool"] = arange(7, ScalarType.Int64).gt(3), ["scalar"] = tensor(2.5f),
            ["empty"] = zeros(0, 4), ["strided"] = f.t(), ["täxt \"quoted\""] = f,
        };
        string path = Path.Combine(_folder, "all.safetensors");
        SafetensorsWriter.Save(path, tensors, new Dictionary<string, string> { ["who"] = "wé" });
        Assert.Single(Directory.GetFiles(_folder));
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal("wé", file.Metadata["who"]);
        Assert.Equal(tensors.Keys, file.Names.Where(n => n != "empty").Append("empty").OrderBy(n => tensors.Keys.ToList().IndexOf(n)));
        foreach ((string name, Tensor wanted) in tensors)
        {
            Tensor read = file.Read(name);
            Assert.Equal(wanted.dtype, read.dtype);
            Assert.Equal(wanted.shape, read.shape);
            if (wanted.NumberOfElements > 0) Assert.Equal(0, (read.to(ScalarType.Float64) - wanted.to(ScalarType.Float64)).abs().max().item<double>());
        }
        Assert.Equal(ScalarType.Float32, file.Read("bf16", ScalarType.Float32).dtype);
        using FileStream stream = System.IO.File.OpenRead(path);
        Dictionary<string, Tensor> streamed = SafetensorsStream.Read(stream, "a stream");
        Assert.Equal(tensors.Keys.Order(), streamed.Keys.Order());
        Assert.Equal(0, (streamed["strided"] - f.t()).abs().max().item<float>());
        foreach (Tensor t in streamed.Values) t.Dispose();
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        string path = Path.Combine(_folder, "x.safetensors");
        SafetensorsWriter.Save(path, [new("a", ones(2))]);
        byte[] before = System.IO.File.ReadAllBytes(path);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Save(path, [new("a", ones(2)), new("a", ones(2))]));
        Assert.Equal(before, System.IO.File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, null, "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 12, null, "4 bytes follow")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, long.MaxValue, "header claims")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, -1L, "header claims")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, 90_000_000L, "header claims")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, 0L, "header claims")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, null, "'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, null, "after its end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, null, "integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, null, "integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,4],"data_offsets":[0,8]}}""", 8, null, "2^63")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, null, "2^63")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}""", 4, null, "16")]
    [InlineData("""{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}""", 8, null, "F99")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}""", 8, null, "'x'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, null, "lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, null, "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}""", 20, null, "no tensor covers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null, "twice")]
    [InlineData("""{"a":5}""", 0, null, "'a'")]
    [InlineData("""[]""", 0, null, "header")]
    [InlineData("""{"a":""", 0, null, "header")]
    [InlineData("""{"__metadata__":{"k":[[[[[[[[[[[[[]]]]]]]]]]]]]}}""", 0, null, "'k'")]
    [InlineData("""{} {}""", 0, null, "header")]
    public void A_hostile_header_is_refused_with_file_and_reason(string header, int dataBytes, long? claimed, string reason)
    {
        string path = File("bad.safetensors", Bytes(header, dataBytes, claimed));
        var e = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.Contains(path, e.Message);
        Assert.Contains(reason, e.Message);
    }

    [Theory, InlineData(0), InlineData(5), InlineData(8)]
    public void A_file_of_a_few_bytes_is_refused(int length) =>
        Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(File("short.safetensors", new byte[length])));

    [Fact]
    public void A_stream_that_claims_much_and_holds_little_allocates_little()
    {
        byte[] claims = Bytes("""{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}""", 10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<InvalidDataException>(() => SafetensorsStream.Read(new MemoryStream(claims), "entry", maxBytes: 1 << 20));
        Assert.Contains("entry", e.Message);
        Assert.Throws<InvalidDataException>(() => SafetensorsStream.Read(new MemoryStream(Bytes("{}", 0, 99_000_000)), "entry"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Random_damage_never_does_more_than_throw_InvalidDataException()
    {
        var good = new MemoryStream();
        SafetensorsWriter.Save(good, [new("model.a", randn(3, 4)), new("model.b", arange(5, ScalarType.Int64)), new("c", zeros(0))]);
        byte[] bytes = good.ToArray();
        var random = new Random(11);
        var clock = Stopwatch.StartNew();
        int opened = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] damaged = random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : [.. bytes];
            for (int n = random.Next(1, 5); n > 0 && damaged.Length > 0; n--)
            {
                // Mostly the header, and often digits and brackets, which is where the harm is.
                int at = random.Next(Math.Min(damaged.Length, 220));
                damaged[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"0123456789[]{},:\"-"[random.Next(18)];
            }
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(File("fuzz.safetensors", damaged));
                foreach (string name in file.Names)
                {
                    using Tensor t = file.Read(name);
                }
                opened++;
            }
            catch (InvalidDataException)
            {
            }
        }
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        Assert.InRange(opened, 1, 1999);
    }

    [Fact]
    public void An_index_cannot_point_out_of_its_folder()
    {
        foreach (string name in new[] { "../x.safetensors", "/etc/passwd", "", "..", "a\\b" })
        {
            System.IO.File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), "{\"weight_map\":{\"a\":" + System.Text.Json.JsonSerializer.Serialize(name) + "}}");
            Assert.Contains("plain file name", Assert.Throws<InvalidDataException>(() => WeightFolder.Open(_folder)).Message);
        }
    }

    [Fact]
    public void An_index_that_names_what_is_not_there_is_refused_by_name()
    {
        SafetensorsWriter.Save(Path.Combine(_folder, "one.safetensors"), [new("a", ones(2))]);
        string index = Path.Combine(_folder, "model.safetensors.index.json");
        System.IO.File.WriteAllText(index, """{"weight_map":{"a":"two.safetensors"}}""");
        Assert.Contains("two.safetensors", Assert.Throws<InvalidDataException>(() => WeightFolder.Open(_folder)).Message);
        System.IO.File.WriteAllText(index, """{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}""");
        Assert.Contains("b", Assert.Throws<InvalidDataException>(() => WeightFolder.Open(_folder)).Message);
        System.IO.File.WriteAllText(index, """{"weight_map":{"a":"one.safetensors"}}""");
        using WeightFolder folder = WeightFolder.Open(_folder);
        Assert.Equal(2, folder.Read("a").sum().item<float>());
        Assert.Throws<FileNotFoundException>(() => WeightFolder.Open(Path.Combine(_folder, "nowhere")));
    }
}
