using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using RRec.TestSupport;

namespace RRec.Benchmarks;

/// <summary>Kills training processes at random moments and counts how many end in the bits of an undisturbed one; one JSON line.</summary>
internal static class CrashBench
{
    public static Command Command()
    {
        Option<int> kills = new("--kills") { Description = "How many processes to kill.", DefaultValueFactory = _ => 20 };
        Option<int> seed = new("--seed") { Description = "Of the moments.", DefaultValueFactory = _ => 1 };
        Command command = new("crash", "Kill -9 a training at random moments; what continues must end in the same weights.") { kills, seed };
        command.SetAction(result =>
        {
            string folder = Path.Combine(Path.GetTempPath(), "rrec-crash-" + Guid.NewGuid().ToString("n"));
            Directory.CreateDirectory(folder);
            try
            {
                CrashReport report = CrashTraining.Run(result.GetValue(kills), folder, Child, result.GetValue(seed));
                BenchLog.Write(JsonSerializer.Serialize(new { name = "crash", kills = report.Kills, identical = report.Identical == report.Trainings, trainings = report.Trainings, lost_steps_max = report.LostStepsMax }));
                return report.Identical == report.Trainings ? 0 : 1;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }

    private static ProcessStartInfo Child(string[] arguments) => Children.Start(false, arguments);
}
