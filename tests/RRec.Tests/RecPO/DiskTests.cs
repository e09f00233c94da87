using System.Diagnostics;
using RRec.RecPO;

namespace RRec.Tests.RecPO;

/// <summary>Disks that refuse while a training runs: it says so and goes on, and the last good checkpoint stays whole.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "rrec-disk-" + Guid.NewGuid().ToString("n"));
    private readonly List<R2ecProgress> _seen = [];

    public DiskTests() => Directory.CreateDirectory(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [LinuxGoldenFact(TinyWorld.Needs)]
    public void A_device_without_room_costs_that_checkpoint_but_not_the_training()
    {
        float[] whole = Train(TinyWorld.Options);
        foreach (int step in new[] { 4, 5, 6 }) // the file's body does not fit, twice; the last one's sum does not
            File.CreateSymbolicLink(Path.Combine(_folder, $"step-{step:00000000}.{(step == 6 ? "sha256" : "safetensors")}.writing"), "/dev/full");
        RecPOOptions options = TinyWorld.Options with { CheckpointDirectory = _folder, CheckpointSteps = 1, KeepCheckpoints = 1 };
        Assert.Equal(whole, Train(options));
        Assert.Equal(3, _seen.Count(p => p.Message?.Contains("could not be written") == true && p.Message.Contains("step-00000003")));
        Assert.Equal(["step-00000003.safetensors", "step-00000003.sha256"], Directory.GetFiles(_folder, "step-*").Select(Path.GetFileName).Order());
        Assert.Equal(whole, Train(options)); // continued from step 3, on a disk that has room again
        Assert.Contains(_seen, p => p.StepMetrics?.Step == 4);
        Assert.DoesNotContain(_seen, p => p.StepMetrics?.Step == 3);
    }

    [MountFact(TinyWorld.Needs)]
    public void A_disk_that_fills_up_keeps_the_first_checkpoint_and_the_training_goes_on()
    {
        float[] whole = Train(TinyWorld.Options);
        using Mount disk = new(_folder, "4m"); // room for one checkpoint of 2 to 3 MB, not for two
        RecPOOptions options = TinyWorld.Options with { CheckpointDirectory = _folder, CheckpointSteps = 1, KeepCheckpoints = 1 };
        Assert.Equal(whole, Train(options));
        Assert.Contains(_seen, p => p.Message is { } m && m.Contains("No space left") && m.Contains("the last good one is '"));
        Assert.Single(Directory.GetFiles(_folder, "step-*.safetensors"));
        Assert.Single(Directory.GetFiles(_folder, "step-*.sha256"));
        Assert.Empty(Directory.GetFiles(_folder, "*.writing"));
        Assert.Equal(whole, Train(options));
        Assert.True(_seen.First(p => p.StepMetrics is not null).Step is > 1 and < 6, "continued from the checkpoint that fitted");
    }

    [MountFact(TinyWorld.Needs)]
    public void A_disk_that_becomes_read_only_keeps_its_last_checkpoint_and_the_training_goes_on_or_stops_when_asked()
    {
        float[] whole = Train(TinyWorld.Options);
        using Mount disk = new(_folder, "64m");
        RecPOOptions options = TinyWorld.Options with { CheckpointDirectory = _folder, CheckpointSteps = 1 };
        Assert.Equal(whole, Train(options, also: p => { if (p.StepMetrics?.Step == 4) disk.Remount("ro"); }));
        Assert.Contains(_seen, p => p.Message is { } m && m.Contains("Read-only") && m.Contains("step-00000003"));
        Assert.Contains(_seen, p => p.Message is { } m && m.StartsWith("metrics.jsonl", StringComparison.Ordinal));

        // Continued from a read-only folder, and stopped there: nothing can be left, which is said, and what was there stays.
        using CancellationTokenSource stop = new();
        Assert.ThrowsAny<OperationCanceledException>(() => Train(options, also: p => { if (p.StepMetrics?.Step == 4) stop.Cancel(); }, stop.Token));
        Assert.Contains(_seen, p => p.Message is { } m && m.Contains("step-00000004") && m.Contains("Read-only"));
        disk.Remount("rw");
        Assert.Equal(whole, Train(options));
        Assert.Equal(4, _seen.First(p => p.StepMetrics is not null).Step);
    }

    // The messages of this training alone are in _seen afterwards.
    private float[] Train(RecPOOptions options, Action<R2ecProgress>? also = null, CancellationToken cancel = default)
    {
        _seen.Clear();
        using R2ecModel model = TinyWorld.Model();
        RecPOTrainer.Train(model, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), options, new Listener(_seen, also), cancel);
        return TinyWorld.Weights(model);
    }

    /// <summary>A file system in memory over a folder, of a size.</summary>
    private sealed class Mount : IDisposable
    {
        private readonly string _folder;

        public Mount(string folder, string size)
        {
            _folder = folder;
            if (!Run("mount", "-t", "tmpfs", "-o", $"size={size}", "rrec-test", folder)) throw new InvalidOperationException("mount refused");
        }

        public static bool Possible { get; } = Try();

        public void Remount(string mode) => Assert.True(Run("mount", "-o", $"remount,{mode}", _folder));

        public void Dispose() => Run("umount", "-l", _folder);

        private static bool Try()
        {
            if (!OperatingSystem.IsLinux() || Environment.UserName != "root") return false;
            string folder = Directory.CreateTempSubdirectory("rrec-mount-").FullName;
            try
            {
                return Run("mount", "-t", "tmpfs", "-o", "size=64k", "rrec-test", folder) && Run("umount", folder);
            }
            finally
            {
                Directory.Delete(folder);
            }
        }

        private static bool Run(string program, params string[] arguments)
        {
            try
            {
                using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;
            }
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class LinuxGoldenFactAttribute : FactAttribute
    {
        public LinuxGoldenFactAttribute(string path) => Skip = OperatingSystem.IsLinux() ? Goldens.SkipReason(path) : "/dev/full is Linux's";
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class MountFactAttribute : FactAttribute
    {
        public MountFactAttribute(string path) => Skip = Mount.Possible ? Goldens.SkipReason(path) : "mounting a file system is not allowed here";
    }
}
