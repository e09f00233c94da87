using System.CommandLine;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using RRec.Backbones;
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

    private static string Bf16Speed()
    {
        double speedup = WeightTypes.BFloat16Speedup;
        return FormattableString.Invariant($"matrix product {speedup:0.00} times as fast as f32; WeightType auto takes {(WeightTypes.Fastest(torch.CPU) == torch.ScalarType.BFloat16 ? "bfloat16" : "float32")}");
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
