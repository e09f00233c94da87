using System.CommandLine;
using System.Diagnostics;
using RRec.Backbones;
using RRec.RecPO;
using RRec.TestSupport;
using TorchSharp;

namespace RRec.Benchmarks;

/// <summary>
/// Peak memory above the weights of one update: 8,192 completion tokens at vocabulary 8k and 150k (logits of all of them would take 268 MB and 5 GB), and with
/// layers computed again. Each case in a process of its own, which is what the system's high-water mark belongs to.
/// </summary>
internal static class StepMemoryBench
{
    private const int Layers = 2, Users = 8, Group = 8, Prompt = 200, Completion = 128;

    /// <summary>The child's command, which measures one case.</summary>
    public static Command ChildCommand()
    {
        var command = new Command("step-memory", "One case of step --only memory: peak MiB above the weights of an update.") { Hidden = true };
        var vocabulary = new Option<int>("--vocabulary") { Required = true };
        var layers = new Option<int>("--layers") { Required = true };
        var checkpointing = new Option<bool>("--checkpointing");
        command.Options.Add(vocabulary);
        command.Options.Add(layers);
        command.Options.Add(checkpointing);
        command.SetAction(r => Console.WriteLine($"peak {Measure(r.GetValue(vocabulary), r.GetValue(layers), r.GetValue(checkpointing)):F1} expected {Expected(r.GetValue(layers), r.GetValue(checkpointing)):F1}"));
        return command;
    }

    public static void Run()
    {
        double small = Child(8192, Layers, false).Peak, large = Child(151936, Layers, false).Peak;
        string shape = $"hidden 576, {Layers} layers, {Users * Group * Completion} completion tokens";
        new BenchLine("update-memory", shape + ", vocabulary 8k", small, "MiB").Write();
        new BenchLine("update-memory", shape + ", vocabulary 150k", large, "MiB", Baseline: small).Write();
        (double kept, double keptExpected) = Child(8192, 6, false);
        (double again, double againExpected) = Child(8192, 6, true);
        shape = $"hidden 576, 6 layers, {Users * Group * Completion} completion tokens, vocabulary 8k";
        new BenchLine("update-memory", shape, kept, "MiB", Bound: keptExpected).Write();
        new BenchLine("update-memory-checkpointing", shape, again, "MiB", Baseline: kept, Bound: againExpected).Write();
    }

    private static (double Peak, double Expected) Child(int vocabulary, int layers, bool checkpointing)
    {
        using Process child = Process.Start(Children.Start(true, "step-memory", "--vocabulary", $"{vocabulary}", "--layers", $"{layers}", "--checkpointing", $"{checkpointing}"))!;
        string[] words = child.StandardOutput.ReadToEnd().Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        child.WaitForExit();
        if (child.ExitCode != 0) throw new InvalidOperationException("The measuring process failed.");
        return (double.Parse(words[1]), double.Parse(words[3]));
    }

    private static BackboneConfig Config(int vocabulary, int layers) => BackboneConfig.Qwen2(vocabulary, 576, 1536, layers, 9, 3, endOfSequenceId: 1);

    private static double Expected(int layers, bool checkpointing) =>
        UpdateMemory.Bytes(Config(8192, layers), torch.ScalarType.Float32, false, checkpointing, Users, Group, Prompt, Completion) / 1048576.0;

    private static double Measure(int vocabulary, int layers, bool checkpointing)
    {
        using Backbone backbone = BenchShapes.Random(Config(vocabulary, layers));
        using StepScene scene = new(backbone, Users, Group, Prompt, Completion, 16, 64, new RecPOOptions { GradientCheckpointing = checkpointing });
        UpdateBatch batch = scene.Batch();
        long? before = ProcessMemory.Resident;
        ProcessMemory.ForgetPeak();
        scene.ForwardBackward(batch);
        return (ProcessMemory.Peak - before) / 1048576.0 ?? double.NaN;
    }
}
