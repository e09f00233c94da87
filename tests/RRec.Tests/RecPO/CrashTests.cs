using System.Diagnostics;

namespace RRec.Tests.RecPO;

public sealed class CrashTests
{
    [Fact]
    public void A_training_killed_three_times_ends_in_the_same_bits()
    {
        string folder = Path.Combine(Path.GetTempPath(), "rrec-crash-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(folder);
        try
        {
            CrashReport report = CrashTraining.Run(3, folder, arguments => new ProcessStartInfo("dotnet", [typeof(CrashTests).Assembly.Location, .. arguments]), seed: 3);
            Assert.Equal(3, report.Kills);
            Assert.Equal(report.Trainings, report.Identical);
            Assert.InRange(report.LostStepsMax, 0, 3); // a checkpoint every 3 steps
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>The test assembly is also the program that a crash test kills and that a soak test watches.</summary>
internal static class Program
{
    private static int Main(string[] args) => args switch
    {
        [CrashTraining.ChildVerb, ..] => CrashTraining.Child(args),
        [SoakTraining.ChildVerb, ..] => SoakTraining.Child(args),
        _ => 0,
    };
}
