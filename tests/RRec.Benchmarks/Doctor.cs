using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Spectre.Console;
using TorchSharp;

namespace RRec.Benchmarks;

/// <summary>What this machine has, in one table: the first thing to look at when something is slow or missing.</summary>
internal static class Doctor
{
    public static Command Command()
    {
        Command command = new("doctor", "What this machine has: SDK, flavour, libtorch, CPU, GPU, backbones.");
        command.SetAction(_ => Print());
        return command;
    }

    private static void Print()
    {
        Table table = new Table().Border(TableBorder.None).HideHeaders().AddColumn("what").AddColumn("found");
        void Row(string what, string found) => table.AddRow(Markup.Escape(what), Markup.Escape(found));

        Row(".NET", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        Row("flavour", Flavour());
        Row("TorchSharp", typeof(torch).Assembly.GetName().Version?.ToString() ?? "?");
        Row("libtorch", Try(() => torch.__version__));
        Row("CPU", CpuName());
        Row("CPU features", string.Join(", ", CpuFeatures()));
        Row("bf16 on this CPU", Try(Bf16Speed));
        Row("threads", $"{Environment.ProcessorCount} cores, torch uses {Try(() => torch.get_num_threads().ToString())}");
        Row("memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 30)} GiB");
        Row("GPU", Try(() => torch.cuda.is_available() ? $"{torch.cuda.device_count()} CUDA device(s)" : "none that libtorch can use"));
        Row("backbones", Backbones());
        AnsiConsole.Write(table);
    }

    private static string Flavour()
    {
        bool bundled = typeof(torch).Assembly.GetCustomAttributesData().All(a => a.AttributeType.Name != "AssemblyCompanyAttribute"
            || !((string?)a.ConstructorArguments[0].Value ?? "").Contains("NET Foundation", StringComparison.OrdinalIgnoreCase));
        return bundled ? "bundled (stand-ins from src/compat)" : "nuget (the published packages)";
    }

    private static string Try(Func<string> get)
    {
        try { return get(); }
        catch (Exception e) { return "not usable: " + e.Message.Split('\n')[0]; }
    }

    private static string CpuName()
    {
        const string info = "/proc/cpuinfo";
        string? line = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>Flags as the kernel reports them; .NET itself cannot see AMX or AVX512-BF16.</summary>
    private static HashSet<string> KernelFlags()
    {
        const string info = "/proc/cpuinfo";
        string? line = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) : null;
        return line is null ? [] : [.. line[(line.IndexOf(':') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }

    private static IEnumerable<string> CpuFeatures()
    {
        HashSet<string> flags = KernelFlags();
        if (Avx2.IsSupported) yield return "AVX2";
        yield return Avx512F.IsSupported ? "AVX512" : "no AVX512";
        yield return flags.Contains("avx512_bf16") ? "AVX512-BF16" : "no AVX512-BF16";
        yield return flags.Contains("amx_bf16") ? "AMX" : "no AMX";
    }

    /// <summary>
    /// Measured, not read off a flag: there are processors with bf16 instructions on which this libtorch's bf16 product is many times slower than f32.
    /// </summary>
    private static string Bf16Speed()
    {
        double f32 = ProductSeconds(torch.ScalarType.Float32), bf16 = ProductSeconds(torch.ScalarType.BFloat16);
        return FormattableString.Invariant($"matrix product {f32 / bf16:0.00} times as fast as f32{(bf16 > f32 ? ": use float32" : "")}");
    }

    private static double ProductSeconds(torch.ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor a = torch.ones(512, 512, dtype: type), b = torch.ones(512, 512, dtype: type);
        double best = double.PositiveInfinity;
        for (int i = 0; i < 6; i++)   // the first one also sets up threads and kernels
        {
            long start = Stopwatch.GetTimestamp();
            torch.mm(a, b);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static string Backbones()
    {
        string[] places = [.. (Environment.GetEnvironmentVariable("RREC_MODELS") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), "models", Path.Combine("artifacts", "models")];
        string[] found = [.. places.Where(Directory.Exists)
            .SelectMany(p => Directory.EnumerateDirectories(p).Append(p))
            .Where(d => File.Exists(Path.Combine(d, "config.json")) && File.Exists(Path.Combine(d, "tokenizer.json")))
            .Distinct()];
        return found.Length == 0 ? "none in ./models or RREC_MODELS (none is needed: the trainer makes a catalogue backbone)" : string.Join(", ", found);
    }
}
