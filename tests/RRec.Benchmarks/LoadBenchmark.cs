using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using RRec.Backbones;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>
/// How fast a folder becomes a backbone, and how much memory that takes. A random bf16 folder of a known shape is written first, in shards of about 4 GB as on the Hub, and its
/// pages are dropped where the system allows it, so that the first load is the disk's; the second is the page cache's. Each load has a process of its own: memory that an earlier one
/// gave back to the allocator would hide what this one takes.
/// </summary>
internal static class LoadBenchmark
{
    private const long ShardBytes = 4L << 30;

    private static readonly Dictionary<string, string> Shapes = new(StringComparer.Ordinal)
    {
        ["small"] = Shape(vocabulary: 50_000, hidden: 768, intermediate: 3072, layers: 12, heads: 12, keyValueHeads: 4),
        ["3b"] = Shape(vocabulary: 151_936, hidden: 2048, intermediate: 11_008, layers: 36, heads: 16, keyValueHeads: 2),   // Qwen2.5-3B
    };

    public static Command Command()
    {
        Option<string> shape = new("--shape") { Description = "small (0.3 GB) or 3b (Qwen2.5-3B's shape, 6.2 GB).", DefaultValueFactory = _ => "small" };
        shape.AcceptOnlyFromAmong([.. Shapes.Keys]);
        Option<string> dtype = new("--dtype") { Description = "The type in memory.", DefaultValueFactory = _ => "bfloat16" };
        dtype.AcceptOnlyFromAmong("bfloat16", "float32");
        Option<string?> path = new("--path") { Description = "Load this folder or .gguf file instead of a random one." };
        Option<string?> once = new("--once") { Hidden = true, Description = "The child's part: one load of --path, written down as load-NAME." };
        Command command = new("load", "Seconds and peak memory of loading a backbone: from the disk, then from the page cache.") { shape, dtype, path, once };
        command.SetAction(result =>
        {
            if (result.GetValue(once) is { } what) Measure(what, result.GetRequiredValue(shape), result.GetRequiredValue(dtype), result.GetValue(path)!);
            else Run(result.GetRequiredValue(shape), result.GetRequiredValue(dtype), result.GetValue(path));
        });
        return command;
    }

    private static void Run(string shape, string dtype, string? given)
    {
        string path = given ?? Directory.CreateTempSubdirectory("rrec-load-").FullName;
        try
        {
            if (given is null) Write(path, BackboneConfig.Parse(Shapes[shape], shape));
            DropPages(Files(path));
            foreach (string what in new[] { "first", "second" })
            {
                using Process child = Process.Start(Children.Start(false, "load", "--once", what, "--path", path, "--shape", shape, "--dtype", dtype))!;
                child.WaitForExit();
                if (child.ExitCode != 0) throw new InvalidOperationException($"The {what} load ended with {child.ExitCode}.");
            }
        }
        finally
        {
            if (given is null) Directory.Delete(path, true);
        }
    }

    private static void Measure(string what, string shape, string dtype, string path)
    {
        zeros(1).Dispose();   // the libraries are loaded before the clock and the memory count start
        long fileBytes = Files(path).Sum(f => new FileInfo(f).Length);
        using var peak = new PeakMemory();
        long start = Stopwatch.GetTimestamp();
        using Backbone backbone = Backbone.Load(path, dtype: dtype == "float32" ? ScalarType.Float32 : ScalarType.BFloat16);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long? bytes = peak.Bytes();
        long weights = WeightBytes(backbone);
        string shown = $"{(Path.GetFileName(path).StartsWith("rrec-load-", StringComparison.Ordinal) ? shape : Path.GetFileName(Path.TrimEndingDirectorySeparator(path)))} as {dtype}, {fileBytes / 1e9:F2} GB of files";
        new BenchLine($"load-{what}", shown, seconds, "s", Bound: what == "second" ? Read(Files(path)) : null).Write();
        if (bytes is long b) new BenchLine($"load-{what}-memory", shown, b / 1048576.0, "MiB", Bound: weights / 1048576.0).Write();
    }

    // Seconds of reading the files and nothing else, from the page cache.
    private static double Read(string[] files)
    {
        byte[] buffer = new byte[1 << 20];
        long start = Stopwatch.GetTimestamp();
        foreach (string file in files)
        {
            using FileStream stream = File.OpenRead(file);
            while (stream.Read(buffer) > 0) { }
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string[] Files(string path) => File.Exists(path) ? [path] : Directory.GetFiles(path, "*.safetensors");

    private static long WeightBytes(Backbone backbone)
    {
        using DisposeScope scope = NewDisposeScope();
        return backbone.HuggingFaceWeights().Values.Sum(t => t.NumberOfElements * t.ElementSize);
    }

    // Shard by shard, so that the machine needs no more memory for writing than for one shard.
    private static void Write(string folder, BackboneConfig config)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJson());
        manual_seed(1);
        var index = new JsonObject();
        int shards = 0;
        List<(string Name, long[] Shape)> shard = [];
        long bytes = 0;
        void Flush()
        {
            if (shard.Count == 0) return;
            using DisposeScope scope = NewDisposeScope();
            string file = $"model-{++shards:00000}.safetensors";
            SafetensorsWriter.Save(Path.Combine(folder, file), shard.Select(e => KeyValuePair.Create(e.Name, Noise(e.Shape))));
            foreach ((string name, _) in shard) index[name] = file;
            (shard, bytes) = ([], 0);
        }
        foreach ((string Name, long[] Shape) e in Backbone.ExpectedWeights(config))
        {
            shard.Add(e);
            bytes += 2 * e.Shape.Aggregate(1L, (a, b) => a * b);
            if (bytes >= ShardBytes) Flush();
        }
        Flush();
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), new JsonObject { ["weight_map"] = index }.ToJsonString());
    }

    // A megabyte of noise over and over: nothing here looks at the values, and random numbers cost more than the disk.
    private static Tensor Noise(long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        using DisposeScope scope = NewDisposeScope();
        Tensor part = (randn(Math.Min(count, 1 << 20)) * 0.02).to(ScalarType.BFloat16), all = empty([count], dtype: ScalarType.BFloat16);
        for (long at = 0; at < count; at += part.NumberOfElements)
        {
            long n = Math.Min(part.NumberOfElements, count - at);
            using DisposeScope step = NewDisposeScope();
            all.narrow(0, at, n).copy_(part.narrow(0, 0, n));
        }
        return all.view(shape).MoveToOuterDisposeScope();
    }

    // dd is on every Linux and can tell the kernel to forget a file; elsewhere the first load is from the cache, too.
    private static void DropPages(string[] files)
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (string file in files)
        {
            using Process sync = Process.Start(new ProcessStartInfo("sync", [file]))!;
            sync.WaitForExit();
            using Process dd = Process.Start(new ProcessStartInfo("dd", [$"if={file}", "iflag=nocache", "count=0"]) { RedirectStandardError = true })!;
            dd.StandardError.ReadToEnd();
            dd.WaitForExit();
        }
    }

    private static string Shape(int vocabulary, int hidden, int intermediate, int layers, int heads, int keyValueHeads) =>
        BackboneConfig.Qwen2(vocabulary, hidden, intermediate, layers, heads, keyValueHeads, endOfSequenceId: 0).ToJson();
}
