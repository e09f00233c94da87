using System.CommandLine;
using RRec.CatalogueBackbone;
using RRec.MLNet;

namespace RRec.Benchmarks;

/// <summary>Rows a second of <see cref="R2ecTransformer.Transform"/> with reasoning, against views of one row each. (What it holds in memory: <see cref="MemoryBench"/>.)</summary>
internal static class ScoreBench
{
    private const int Items = 300, History = 40, Alone = 100;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { Description = "Rows of the view; a second one has ten times as many.", DefaultValueFactory = _ => 2000 };
        Command command = new("score", "Rows per second of R2ecTransformer.Transform (a made catalogue backbone).") { rows };
        command.SetAction(r => Run(r.GetValue(rows)));
        return command;
    }

    private static void Run(int rows)
    {
        TransformScene scene = new(Items, History, 3000, new R2ecTrainer.Options { CatalogueBackbone = new CatalogueBackboneOptions { HiddenSize = 128, DistillationSteps = 50, Folds = 0 }, RunRecPO = false });
        scene.Pass(rows);   // everything is compiled and allocated once
        double alone = BenchLine.Seconds(() =>
        {
            for (int i = 0; i < Alone; i++) scene.Pass(1);
        }, 1) / Alone;
        foreach (int n in new[] { rows, 10 * rows })
            new BenchLine("score", $"rows={n}, history={History}, items={Items}, {TorchSharp.torch.get_num_threads()} threads", n / scene.Pass(n), "rows/s", Baseline: 1 / alone).Write();
    }
}
