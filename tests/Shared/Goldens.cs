namespace RRec.TestSupport;

/// <summary>
/// Where the recorded numbers lie: a folder <c>shared</c> beside the checkout. A stranger's checkout has none, so tests that need it
/// are skipped there (and counted by <c>./rrec test</c>); where the variable CI is set a missing golden is a failure.
/// </summary>
public static class Goldens
{
    /// <summary>The repository's root, found from the test binary upwards by its solution file.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The folder beside the checkout.</summary>
    public static string Shared { get; } = Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));

    /// <summary>A path below <c>shared</c>, e.g. <c>goldens/models/qwen2</c>.</summary>
    public static string PathOf(string relative) => Path.Combine(Shared, relative);

    public static bool Exists(string relative) => File.Exists(PathOf(relative)) || Directory.Exists(PathOf(relative));

    internal static string? SkipReason(string relative)
    {
        if (Exists(relative) || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"))) return null;
        return $"golden '{relative}' is not beside this checkout";
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
            if (File.Exists(Path.Combine(d.FullName, "RRec.MLNet.sln"))) return d.FullName;
        throw new InvalidOperationException($"No RRec.MLNet.sln above {AppContext.BaseDirectory}.");
    }
}

/// <summary>A fact that needs the file or folder <c>shared/{path}</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GoldenFactAttribute : FactAttribute
{
    public GoldenFactAttribute(string path) => Skip = Goldens.SkipReason(path);
}

/// <summary>A theory that needs the file or folder <c>shared/{path}</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GoldenTheoryAttribute : TheoryAttribute
{
    public GoldenTheoryAttribute(string path) => Skip = Goldens.SkipReason(path);
}
