using System.CommandLine;
using System.Diagnostics;
using RRec.CatalogueBackbone;
using RRec.MLNet;

namespace RRec.Benchmarks;

/// <summary>How much more memory ten times the rows need in one pass of <see cref="R2ecTransformer.Transform"/>: nothing to speak of, because a cursor holds one batch.</summary>
internal static class MemoryBench
{
    private const int Items = 50, AllowedMiB = 50;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { Description = "Rows of the large pass; the small one has a tenth.", DefaultValueFactory = _ => 1_000_000 };
        Command command = new("memory", $"Peak memory of Transform over 1 M rows against 100 k (a tiny made backbone without reasoning): at most {AllowedMiB} MiB more.") { rows };
        command.SetAction(r => Run(r.GetValue(rows)));
        return command;
    }

    private static int Run(int rows)
    {
        TransformScene scene = new(Items, 3, 500, new R2ecTrainer.Options
        {
            CatalogueBackbone = new CatalogueBackboneOptions { HiddenSize = 128, DistillationSteps = 20, Folds = 0, NamedAttributes = 0, WordMerges = 50 },
            WarmUp = new() { Steps = 0 }, RunRecPO = false, UseReasoning = false, Window = 2, K = 5,
        });
        scene.Pass(rows / 10);   // code is compiled and buffers have grown; peaks are those of the process and only rise
        scene.Pass(rows / 10);
        double small = PeakMiB(), seconds = scene.Pass(rows), large = PeakMiB();
        new BenchLine("memory", $"peak of the process, rows={rows} against {rows / 10}", large, "MiB", Baseline: small).Write();
        new BenchLine("memory-more", $"rows={rows} against {rows / 10}, {rows / seconds:F0} rows/s, {TorchSharp.torch.get_num_threads()} threads", large - small, "MiB").Write();
        return large - small < AllowedMiB ? 0 : 1;
    }

    private static double PeakMiB()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / 1048576.0;
    }
}
