using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using RRec.RecPO;
using TorchSharp;

namespace RRec.TestSupport;

/// <summary>One look at the process's memory.</summary>
/// <param name="Step">After which step of RecPO.</param>
/// <param name="Resident">Bytes in RAM that are the process's own: pages of files (libraries), which the system takes and gives as it likes, are not counted on Linux.</param>
/// <param name="Managed">Live bytes of .NET's heap after a full collection.</param>
/// <param name="Native">Live bytes of the C allocator, over all arenas; 0 where it does not tell (not glibc).</param>
/// <param name="Committed">Bytes that .NET's heap has taken, live or not.</param>
/// <param name="Threads">Threads of the process: each brings a stack and perhaps an arena.</param>
/// <param name="Tensors">Live tensors.</param>
internal readonly record struct MemorySample(int Step, long Resident, long Managed, long Native, long Committed, int Threads, long Tensors);

/// <summary>
/// A long training of a tiny world with everything on that makes or frees memory in a step: fold tables, ranking anchor, inner updates, mini-batches, table negatives,
/// refreshed tables, evaluations with snapshots, checkpoints, metrics. Used by a short test and by <c>./rrec bench soak</c>.
/// </summary>
internal static class SoakTraining
{
    public const string ChildVerb = "soak-child";

    /// <summary>
    /// Runs the training in a process of its own. What else allocates is kept away there: the compiler that improves hot code meanwhile (some megabytes that come
    /// and go), and glibc's heaps per thread, over which blocks scatter. What is left is what training holds.
    /// </summary>
    /// <param name="program">The program that runs <see cref="Child"/> when it is given its arguments.</param>
    /// <param name="steps">Steps of RecPO.</param>
    /// <param name="every">A sample every so many steps.</param>
    public static IReadOnlyList<MemorySample> RunApart(Func<string[], ProcessStartInfo> program, int steps, int every)
    {
        string folder = Directory.CreateTempSubdirectory("rrec-soak-").FullName;
        try
        {
            string result = Path.Combine(folder, "samples.json");
            ProcessStartInfo start = program([ChildVerb, steps.ToString(CultureInfo.InvariantCulture), every.ToString(CultureInfo.InvariantCulture), folder, result]);
            start.Environment["DOTNET_TieredCompilation"] = "0";
            start.Environment["MALLOC_ARENA_MAX"] = "1";
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidOperationException($"The training process ended with {process.ExitCode}.");
            return JsonSerializer.Deserialize<List<MemorySample>>(File.ReadAllText(result))!;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The process's part: trains and writes the samples.</summary>
    public static int Child(string[] args)
    {
        IReadOnlyList<MemorySample> samples = Run(int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture), args[3]);
        File.WriteAllText(args[4], JsonSerializer.Serialize(samples));
        return 0;
    }

    /// <summary>Trains and looks at the memory every so many steps.</summary>
    /// <param name="steps">Steps of RecPO.</param>
    /// <param name="every">A sample every so many steps.</param>
    /// <param name="checkpoints">A folder for checkpoints.</param>
    private static IReadOnlyList<MemorySample> Run(int steps, int every, string checkpoints)
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

    /// <summary>
    /// The most that a window's median lies above an earlier one's, as a share of the first. Medians of ten samples, because a single one also shows what pools and the collector
    /// happen to hold at that moment. Memory that is given back is no growth: the runtime returns 4 MB of what its start took a few seconds later, at a step that depends on the machine.
    /// </summary>
    public static double Growth(IReadOnlyList<MemorySample> samples, int from, Func<MemorySample, long> value)
    {
        double[] medians = [.. samples.Where(s => s.Step >= from).Select(s => (double)value(s)).Chunk(10).Where(c => c.Length >= 5).Select(c => c.Order().ElementAt(c.Length / 2))];
        if (medians.Length == 0 || medians[0] == 0) return 0;
        double least = medians[0], most = 0;
        foreach (double median in medians)
        {
            least = Math.Min(least, median);
            most = Math.Max(most, median - least);
        }
        return most / medians[0];
    }

    private sealed class Watch(int every) : IProgress<R2ecProgress>
    {
        public List<MemorySample> Samples { get; } = new(10_000);

        public void Report(R2ecProgress value)
        {
            if (value.StepMetrics is null || value.Step % every != 0) return;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Samples.Add(new MemorySample(value.Step, ProcessMemory.Anonymous ?? Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: true), Native(), GC.GetGCMemoryInfo().TotalCommittedBytes, Process.GetCurrentProcess().Threads.Count, torch.Tensor.TotalCount));
        }

        private static long Native()
        {
            try
            {
                MallInfo info = mallinfo2();
                return (long)(info.UsedInArenas + info.UsedInMaps);
            }
            catch (EntryPointNotFoundException)
            {
                return 0;
            }
            catch (DllNotFoundException)
            {
                return 0;
            }
        }

        [DllImport("libc")]
        private static extern MallInfo mallinfo2();

        // glibc's struct mallinfo2: ten size_t.
        [StructLayout(LayoutKind.Sequential)]
        private readonly struct MallInfo
        {
            public readonly nuint Arena, FreeChunks, FastChunks, Maps, UsedInMaps, Unused, FastBytes, UsedInArenas, FreeInArenas, Top;
        }
    }
}
