using System.Diagnostics;
using System.Text.Json;

namespace RRec.Benchmarks.Quality;

/// <summary>Each ranking of test rows leaves a line in docs/quality-runs.jsonl, before it starts: test rows are for reports, and whoever looks often can be seen to.</summary>
internal static class TestUse
{
    public static void Log(TimeProvider clock)
    {
        // Of a folder somewhere on this machine only its name.
        string command = "bench " + string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Select(a => Path.IsPathRooted(a) ? Path.GetFileName(a.TrimEnd('/')) : a));
        string commit = Git("rev-parse HEAD").Trim();
        bool changed = Git("status --porcelain -- src tests samples").Length > 0;
        string line = JsonSerializer.Serialize(new { time = clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ"), commit, changed_since = changed, command });
        File.AppendAllText(Path.Combine(BenchLog.RepositoryRoot, "docs", "quality-runs.jsonl"), line + "\n");
    }

    private static string Git(string arguments)
    {
        using Process git = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = BenchLog.RepositoryRoot, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("git did not start: the use of test rows is logged with its commit.");
        string output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0 ? output : "unknown";
    }
}
