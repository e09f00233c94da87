namespace RRec.Benchmarks;

/// <summary>Where measurements go: to the screen, and appended to artifacts/bench.jsonl.</summary>
internal static class BenchLog
{
    /// <summary>The checkout this was built from, else the one it is run in (a package that was carried), else the working folder.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    public static void Write(string jsonLine)
    {
        Console.WriteLine(jsonLine);
        string folder = Path.Combine(RepositoryRoot, "artifacts");
        Directory.CreateDirectory(folder);
        File.AppendAllText(Path.Combine(folder, "bench.jsonl"), jsonLine + "\n");
    }

    private static string FindRoot()
    {
        foreach (string start in new[] { AppContext.BaseDirectory, Environment.CurrentDirectory })
            for (DirectoryInfo? d = new(start); d is not null; d = d.Parent)
                if (File.Exists(Path.Combine(d.FullName, "RRec.MLNet.sln"))) return d.FullName;
        return Environment.CurrentDirectory;
    }
}
