using System.CommandLine;
using System.Diagnostics;
using RRec.Backbones;
using RRec.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>Prefill and decoding speed of a small made backbone and of SmolLM2's shape, with random weights.</summary>
internal static class GenerateBench
{
    public static Command Command()
    {
        var command = new Command("generate", "Prefill and decoding, tokens per second, for the catalogue backbone's and SmolLM2's shapes (random weights).");
        var threads = new Option<int>("--threads") { Description = "CPU threads; 0: all." };
        var only = new Option<string?>("--only") { Description = "catalogue or smollm2." };
        var type = new Option<string>("--type") { Description = "Of the weights: f32 or bf16.", DefaultValueFactory = _ => "f32" };
        command.Options.Add(type);
        command.Options.Add(threads);
        command.Options.Add(only);
        var busy = new Option<bool>("--processor-time") { Description = "Processor seconds instead of the clock's: for a machine that is busy otherwise; with --threads 1." };
        command.Options.Add(busy);
        command.SetAction(r =>
        {
            BenchLine.ProcessorTime = r.GetValue(busy);
            if (r.GetValue(threads) > 0) set_num_threads(r.GetValue(threads));
            if (r.GetValue(only) is null or "catalogue") Catalogue(BenchShapes.Type(r.GetValue(type)!));
            if (r.GetValue(only) is null or "smollm2") SmolLM2(BenchShapes.Type(r.GetValue(type)!));
        });
        return command;
    }

    private static void Catalogue(ScalarType type)
    {
        using Backbone backbone = BenchShapes.Random(BenchShapes.Config("catalogue"), dtype: type);
        double alone = Measure(backbone, "catalogue", 1, 1, 45, 8, null);
        foreach (int rows in new[] { 32, 256 }) Measure(backbone, "catalogue", rows, 1, 45, 8, alone);
        Measure(backbone, "catalogue", 32, 8, 45, 8, alone);
    }

    private static void SmolLM2(ScalarType type)
    {
        using Backbone backbone = BenchShapes.Random(BenchShapes.Config("smollm2"), dtype: type);
        double alone = Measure(backbone, "smollm2", 1, 1, 400, 24, null);
        Measure(backbone, "smollm2", 8, 1, 200, 24, alone);
        Measure(backbone, "smollm2", 4, 4, 200, 24, alone);
        Measure(backbone, "smollm2", 64, 1, 64, 16, alone);
    }

    // Tokens per second of decoding. The baseline of many rows is one row alone.
    private static double Measure(Backbone backbone, string name, int prompts, int each, int length, int steps, double? alone)
    {
        using IDisposable noGrad = no_grad();
        var random = new Random(1);
        BackboneConfig c = backbone.Config;
        int[][] batch = [.. Enumerable.Range(0, prompts).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(c.VocabularySize)).ToArray())];
        int[] indexes = [.. Enumerable.Range(0, prompts)];
        int rows = prompts * each;
        var sampler = new TokenSampler(new GenerationOptions());
        double[] noise = new double[rows];
        int[] ids = new int[rows];
        double prefill = double.PositiveInfinity, decode = double.PositiveInfinity;
        double cpuPrefill = double.PositiveInfinity, cpuDecode = double.PositiveInfinity;
        Dictionary<string, double> parts = [];   // the least that each part took in a step
        // A small model's run is milliseconds; the runtime compiles what is hot after hundreds of them.
        long begin = Stopwatch.GetTimestamp();
        for (int repeat = 0; repeat < (BenchLine.ProcessorTime ? 2 : 4) || Stopwatch.GetElapsedTime(begin).TotalSeconds < 2; repeat++)
        {
            using DisposeScope scope = NewDisposeScope();
            (long start, TimeSpan cpu) = Now();
            using Decoding decoding = backbone.BeginDecoding(null);
            decoding.Enter(batch, indexes, each);
            (long between, TimeSpan cpuBetween) = Now();
            prefill = Math.Min(prefill, Stopwatch.GetElapsedTime(start, between).TotalSeconds);
            cpuPrefill = Math.Min(cpuPrefill, (cpuBetween - cpu).TotalSeconds);
            for (int s = 0; s < steps; s++)
            {
                using DisposeScope step = NewDisposeScope();
                long[] tokens = [.. Enumerable.Range(0, rows).Select(i => (i * 31L + s * 7919L) % c.VocabularySize)];   // others at every step
                PartTimes times = new(BenchLine.ProcessorTime);
                backbone.Packed.Times = times;
                Tensor hidden = decoding.Step(tokens, [.. Enumerable.Repeat(length - 1 + s, rows)]);
                sampler.Sample(decoding.Logits(hidden), noise, ids);
                times.Add("choice");
                backbone.Packed.Times = null;
                times.Least(parts);
            }
            (long end, TimeSpan cpuEnd) = Now();
            decode = Math.Min(decode, Stopwatch.GetElapsedTime(between, end).TotalSeconds);
            cpuDecode = Math.Min(cpuDecode, (cpuEnd - cpuBetween).TotalSeconds);
        }
        if (BenchLine.ProcessorTime) (prefill, decode) = (cpuPrefill, cpuDecode);
        double parameters = Backbone.ExpectedWeights(c).Sum(w => w.Shape.Aggregate(1.0, (a, b) => a * b));
        double peak = GemmBench.Gflops(2048, c.HiddenSize, c.IntermediateSize), bytes = GemmBench.Bandwidth();
        // Of the last layer a prompt needs keys and values only.
        double kept = 2.0 * c.KeyValueHeads * c.HeadSize * c.HiddenSize, layers = (parameters - (double)c.VocabularySize * c.HiddenSize) * (c.Layers - 1) / c.Layers + kept;
        string shape = $"P={prompts} G={each} prompt={length}";
        // Weights and every key and value once, or the products.
        int size = backbone.Type == ScalarType.BFloat16 ? 2 : 4;
        double keys = 2.0 * sizeof(float) * c.Layers * c.KeyValueHeads * c.HeadSize * (prompts * length + rows * steps / 2.0);
        double perStep = Math.Max(1e-9 * (size * parameters + keys) / bytes, 2e-9 * parameters * rows / peak);
        string typed = backbone.Type == ScalarType.BFloat16 ? "-bf16" : "";
        new BenchLine($"prefill-{name}{typed}", shape, prompts * (length - 1) / prefill, "tokens/s", Bound: peak * 1e9 / (2 * layers)).Write();
        new BenchLine($"decode-{name}{typed}", shape + $" steps={steps}", rows * steps / decode, "tokens/s", alone, rows / perStep).Write();
        Console.WriteLine($"# ms a step by part: {PartTimes.Text(parts)}");
        Console.WriteLine($"# CPU seconds: prefill {cpuPrefill:F3}, decoding {cpuDecode:F3} ({1e3 * cpuDecode / steps:F2} ms a step)");
        return rows * steps / decode;
    }

    private static (long, TimeSpan) Now() => (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
}
