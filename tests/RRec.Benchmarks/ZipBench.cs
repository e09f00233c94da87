using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.CatalogueBackbone;
using RRec.MLNet;
using RRec.Persistence;

namespace RRec.Benchmarks;

/// <summary>
/// What saving and loading a zip with embedded weights takes beside the weights themselves: entries are streamed, so the peak must not grow with them. The load has a process of its own.
/// </summary>
internal static class ZipBench
{
    private const int AllowedMiB = 300;

    public static Command Command()
    {
        Option<int> layers = new("--layers") { Description = "Decoder layers of hidden size 1024.", DefaultValueFactory = _ => 8 };
        Option<string?> load = new("--load") { Hidden = true, Description = "The child's part: load this zip." };
        Command command = new("zip", $"Extra memory of saving and loading a model zip with embedded weights: at most {AllowedMiB} MiB each.") { layers, load };
        command.SetAction(r => r.GetValue(load) is { } zip ? Load(zip) : Run(r.GetValue(layers)));
        return command;
    }

    private static int Run(int layers)
    {
        string zip = Path.Combine(Directory.CreateTempSubdirectory("rrec-zip-").FullName, "model.zip");
        try
        {
            TransformScene scene = new(30, 2, 40, new R2ecTrainer.Options
            {
                RunRecPO = false, UseReasoning = false, WarmUp = new() { Steps = 0 },
                CatalogueBackbone = new CatalogueBackboneOptions { HiddenSize = 1024, Layers = layers, DistillationSteps = 0, Folds = 0, NamedAttributes = 0, WordMerges = 50 },
            });
            scene.Model.BackboneStorage = BackboneStorage.Embed;
            using PeakMemory peak = new();
            Stopwatch clock = Stopwatch.StartNew();
            scene.Context.Model.Save(scene.Model, null, zip);
            bool small = Report("save", scene.Model, clock.Elapsed.TotalSeconds, peak.Bytes() ?? 0);
            using Process child = Process.Start(Children.Start(false, "zip", "--load", zip))!;
            child.WaitForExit();
            return small && child.ExitCode == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(zip)!, recursive: true);
        }
    }

    private static int Load(string zip)
    {
        TorchSharp.torch.zeros(1).Dispose(); // the libraries are loaded before the count starts
        MLContext ml = new(seed: 1);
        using PeakMemory peak = new();
        Stopwatch clock = Stopwatch.StartNew();
        ITransformer loaded = ml.Model.Load(zip, out _);
        R2ecTransformer model = (R2ecTransformer)(loaded is TransformerChain<ITransformer> chain ? chain.LastTransformer : loaded);
        return Report("load", model, clock.Elapsed.TotalSeconds, (peak.Bytes() ?? 0) - Weights(model)) ? 0 : 1;
    }

    private static bool Report(string what, R2ecTransformer model, double seconds, long extraBytes)
    {
        double extra = extraBytes / 1048576.0;
        string shape = $"{Weights(model) >> 20} MiB of weights";
        new BenchLine($"zip-{what}", shape, seconds, "s").Write();
        new BenchLine($"zip-{what}-memory", shape, extra, "MiB").Write();
        return extra < AllowedMiB;
    }

    private static long Weights(R2ecTransformer model)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        return model.Model.Backbone.HuggingFaceWeights().Values.Sum(t => t.NumberOfElements * t.ElementSize);
    }
}
