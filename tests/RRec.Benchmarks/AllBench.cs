using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using TorchSharp;

namespace RRec.Benchmarks;

/// <summary>
/// All speed benchmarks in one run, and what came of the targets. Each runs in a process of its own, so that none meets what another left in memory or compiled.
/// Only on a quiet machine do the figures mean something.
/// </summary>
internal static class AllBench
{
    /// <summary>The command, and what it does where no benchmark is named.</summary>
    public static void AddTo(RootCommand root)
    {
        Command all = new("all", "All of gemm, step, generate, items, topk, load, tokenize, score, latency (and gpu where there is one), and a table of the targets; about ten minutes. What `./rrec bench` does without a name.");
        Option<string[]> skip = new("--skip") { Description = "Benchmarks to leave out.", DefaultValueFactory = _ => [], AllowMultipleArgumentsPerToken = true };
        Option<string?> folder = new("--folder") { Description = "SmolLM2-135M's folder or .gguf file, for its latency; default: artifacts/smollm2, or the file in ../shared/models." };
        all.Options.Add(skip);
        all.Options.Add(folder);
        all.SetAction(r => Run(r.GetValue(skip)!, r.GetValue(folder)));
        root.Subcommands.Add(all);
        root.SetAction(_ => Run([], null));
    }

    private static int Run(string[] skip, string? folder)
    {
        long begin = Stopwatch.GetTimestamp();
        var lines = new List<Line>();
        var skipped = new List<(string What, string Why)>();
        int failed = 0;
        foreach ((string[] arguments, string? missing) in Commands(folder))
        {
            string command = string.Join(' ', arguments);
            if (skip.Contains(arguments[0])) skipped.Add((command, "--skip"));
            else if (missing is not null) skipped.Add((command, missing));
            else if (!Child(arguments, lines))
            {
                skipped.Add((command, "it failed, see above"));
                failed++;
            }
        }

        Console.WriteLine();
        var rows = new List<(string What, string Value, string Limit, string Met)> { ("figure", "value", "target", "met") };
        foreach (Target target in BenchTargets.All)
        {
            Line? line = lines.LastOrDefault(l => l.Name == target.Name && l.Shape.Contains(target.Shape, StringComparison.Ordinal));
            double? value = line is null ? null : target.Of(line);
            bool? met = value is not double v ? null : target.AtMost ? v <= target.Value : v >= target.Value;
            string limit = (target.AtMost ? "at most " : "at least ") + BenchTargets.Text(target.Value);
            rows.Add((target.What, value is double shown ? BenchTargets.Text(shown) : "-", limit, met switch { true => "yes", false => "NO", null => "not measured" }));
            if (line is null) continue;
            BenchLog.Write(JsonSerializer.Serialize(new { name = "target", shape = target.What, value, unit = "", baseline = (double?)null, ratio = (double?)null, bound = target.Value, share_of_bound = value / target.Value, met }));
        }
        Console.WriteLine();
        foreach ((string what, string value, string limit, string met) in rows) Console.WriteLine($"{what,-80} {value,6}  {limit,-14} {met}");
        Console.WriteLine();
        foreach ((string what, string why) in skipped) Console.WriteLine($"not measured: {what}: {why}");
        Console.WriteLine($"{Stopwatch.GetElapsedTime(begin).TotalMinutes:F1} minutes, {torch.get_num_threads()} threads. All lines are in artifacts/bench.jsonl; docs/performance.md says what they mean.");
        return failed == 0 ? 0 : 1;
    }

    private static IEnumerable<(string[] Arguments, string? Missing)> Commands(string? folder)
    {
        string root = BenchLog.RepositoryRoot, shared = Path.Combine(root, "../shared/models");
        string tokenizer = Path.Combine(shared, "SmolLM2-135M-Instruct/tokenizer.json");
        string? weights = folder ?? new[] { Path.Combine(root, "artifacts/smollm2"), Path.Combine(shared, "SmolLM2-135M-Instruct.Q4_1.gguf") }.FirstOrDefault(Path.Exists);
        yield return (["gemm"], null);
        yield return (["step"], null);
        yield return (["generate"], null);
        yield return (["items"], null);
        yield return (["topk"], null);
        yield return (["load"], null);
        yield return (["tokenize"], File.Exists(tokenizer) ? null : "no tokenizer.json of SmolLM2 in ../shared/models");
        yield return (["score"], null);
        if (weights is null) yield return (["latency"], null);
        yield return (["latency", "--folder", weights ?? "SmolLM2"], weights is null ? "no weights of SmolLM2 (--folder)" : null);
        string? gpu = torch.cuda.is_available() ? null : "no GPU that libtorch can use";
        foreach (string shape in new[] { "qwen2.5-3b", "gemma-2-2b" }) yield return (["gpu", "--shape", shape], gpu);
    }

    // Runs one benchmark; its lines are shown as they come.
    private static bool Child(string[] arguments, List<Line> lines)
    {
        Console.WriteLine($"# {string.Join(' ', arguments)}");
        using Process child = Process.Start(Children.Start(true, arguments))!;
        while (child.StandardOutput.ReadLine() is { } text)
        {
            Console.WriteLine(text);
            if (!text.StartsWith('{')) continue;
            using JsonDocument json = JsonDocument.Parse(text);
            JsonElement e = json.RootElement;
            double? Number(string name) => e.TryGetProperty(name, out JsonElement n) && n.ValueKind == JsonValueKind.Number ? n.GetDouble() : null;
            lines.Add(new Line(e.GetProperty("name").GetString()!, e.GetProperty("shape").GetString()!, Number("ratio"), Number("share_of_bound")));
        }
        child.WaitForExit();
        return child.ExitCode == 0;
    }

    /// <summary>What of a line a target asks for.</summary>
    internal sealed record Line(string Name, string Shape, double? Ratio, double? ShareOfBound);
}
