using System.Globalization;
using RRec.RecPO;
using TorchSharp;

namespace RRec.TestSupport;

/// <summary>One look at the process's memory.</summary>
/// <param name="Step">After which step of RecPO.</param>
/// <param name="Resident">Bytes of the whole process in RAM.</param>
/// <param name="Managed">Live bytes of .NET's heap after a full collection.</param>
/// <param name="Tensors">Live tensors.</param>
internal readonly record struct MemorySample(int Step, long Resident, long Managed, long Tensors);

/// <summary>
/// A long training of a tiny world with everything on that makes or frees memory in a step: fold tables, ranking anchor, inner updates, mini-batches, table negatives,
/// refreshed tables, evaluations with snapshots, checkpoints, metrics. Used by a short test and by <c>./rrec bench soak</c>.
/// </summary>
internal static class SoakTraining
{
    /// <summary>Trains and looks at the memory every so many steps.</summary>
    /// <param name="steps">Steps of RecPO.</param>
    /// <param name="every">A sample every so many steps.</param>
    /// <param name="checkpoints">A folder for checkpoints.</param>
    public static IReadOnlyList<MemorySample> Run(int steps, int every, string checkpoints)
    {
        RecPOOptions recPO = RecPOOptions.Cpu with
        {
            MaxSteps = steps, Epochs = 1e6, UsersPerStep = 4, TrajectoriesPerUser = 3, InnerUpdates = 2, MiniBatches = 2, UsersPerForward = 1, EntropyBonus = 0.01,
            TableNegatives = 4, TableRefreshSteps = 25, EvaluationSteps = 50, EvaluationRows = 10, CheckpointDirectory = checkpoints, CheckpointSteps = 50, Seed = 3,
        };
        R2ecTrainingOptions options = new() { CatalogueBackbone = Shop.Recipe, WarmUp = new() { Steps = 4, UsersPerStep = 8, UniformCandidates = 10 }, RecPO = recPO };
        Watch watch = new(every);
        using R2ecModel model = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(60, 1), Shop.Rows(10, 2), options, watch);
        return watch.Samples;
    }

    /// <summary>The largest distance of a value from the first one at or after <paramref name="from"/>, as a share of it.</summary>
    public static double Drift(IReadOnlyList<MemorySample> samples, int from, Func<MemorySample, long> value)
    {
        double[] values = [.. samples.Where(s => s.Step >= from).Select(s => (double)value(s))];
        return values.Max(v => Math.Abs(v - values[0])) / values[0];
    }

    private sealed class Watch(int every) : IProgress<R2ecProgress>
    {
        public List<MemorySample> Samples { get; } = new(10_000);

        public void Report(R2ecProgress value)
        {
            if (value.StepMetrics is null || value.Step % every != 0) return;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Samples.Add(new MemorySample(value.Step, Resident(), GC.GetTotalMemory(forceFullCollection: true), torch.Tensor.TotalCount));
        }

        // Linux tells pages in RAM without making a Process object; elsewhere the working set is the same thing.
        private static long Resident() =>
            File.Exists("/proc/self/statm") ? long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize : Environment.WorkingSet;
    }
}
