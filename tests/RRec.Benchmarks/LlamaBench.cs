using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using TorchSharp;

namespace RRec.Benchmarks;

/// <summary>
/// llama.cpp on the same machine, for comparison: its share of the memory's speed at one row, and tokens per second of many. Optional, never part of a build: needs
/// node and a folder where `npm install node-llama-cpp` was run.
/// </summary>
internal static class LlamaBench
{
    public static Command Command()
    {
        var command = new Command("llama", "llama.cpp's decoding of a .gguf by npm's node-llama-cpp, for comparison.");
        var gguf = new Option<string>("--gguf") { Description = "The file.", Required = true };
        var modules = new Option<string>("--modules") { Description = "The folder in which `npm install node-llama-cpp` was run.", Required = true };
        var rows = new Option<int>("--rows") { Description = "Rows that run together.", DefaultValueFactory = _ => 16 };
        var tokens = new Option<int>("--tokens") { Description = "Tokens per row.", DefaultValueFactory = _ => 32 };
        var threads = new Option<int>("--threads") { Description = "CPU threads; 0: all. Not more than are free: llama.cpp's threads spin while they wait for one another." };
        var seconds = new Option<int>("--seconds") { Description = "How long each of the two may run.", DefaultValueFactory = _ => 20 };
        foreach (Option option in new Option[] { gguf, modules, rows, tokens, threads, seconds }) command.Options.Add(option);
        command.SetAction(r =>
        {
            if (r.GetValue(threads) > 0) torch.set_num_threads(r.GetValue(threads));
            return Run(Path.GetFullPath(r.GetValue(gguf)!), r.GetValue(modules)!, r.GetValue(rows), r.GetValue(tokens), r.GetValue(seconds));
        });
        return command;
    }

    private static int Run(string gguf, string modules, int rows, int tokens, int seconds)
    {
        double bandwidth = GemmBench.Bandwidth();   // before: the two would share it
        string script = Path.Combine(BenchLog.RepositoryRoot, "tests", "RRec.Benchmarks", "llama-bench.mjs");
        var start = new ProcessStartInfo("node", [script, gguf, torch.get_num_threads().ToString(), rows.ToString(), tokens.ToString(), seconds.ToString()]) { WorkingDirectory = modules, RedirectStandardOutput = true };
        using Process node = Process.Start(start)!;
        Task<string> output = node.StandardOutput.ReadToEndAsync();
        if (!node.WaitForExit(TimeSpan.FromSeconds(3 * seconds + 60)))   // the model is loaded and every run warms up
        {
            node.Kill(entireProcessTree: true);
            Console.Error.WriteLine("node did not come to an end in time and was stopped.");
            return 1;
        }
        if (node.ExitCode != 0) return node.ExitCode;
        JsonElement told = JsonDocument.Parse(output.Result[output.Result.LastIndexOf('{')..]).RootElement;
        double bytes = told.GetProperty("bytes").GetDouble(), alone = told.GetProperty("alone").GetDouble(), together = told.GetProperty("together").GetDouble();
        // The weights once a token; keys and values of this short prompt are a hundredth of them.
        double bound = 1e9 * bandwidth / bytes;
        BenchLog.Write(JsonSerializer.Serialize(new
        {
            name = "generate-llama.cpp", shape = $"{Path.GetFileName(gguf)} B=1, {torch.get_num_threads()} threads", value = Math.Round(alone, 1), unit = "tokens/s", baseline = (double?)null, ratio = (double?)null,
            bound = Math.Round(bound, 1), share_of_bound = Math.Round(alone / bound, 3),
            llama_cpp = new { bytes, gigabytes_per_second = Math.Round(bandwidth, 1), share_of_bandwidth_alone = Math.Round(alone / bound, 3), rows, tokens_per_second_together = Math.Round(together, 1) },
        }));
        return 0;
    }
}
