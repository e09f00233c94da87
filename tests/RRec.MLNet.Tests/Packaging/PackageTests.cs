using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;
using RRec.TestSupport;

namespace RRec.MLNet.Tests;

/// <summary>What a user of the packages gets, also when they are packed on a machine that builds against the stand-ins.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec-pack-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void RRec_names_exactly_its_published_dependencies_and_holds_only_itself() =>
        AssertPackage("RRec", ["Microsoft.ML.Tokenizers 2.0.0", "TorchSharp 0.106.0"]);

    [Fact]
    public void RRec_MLNet_names_exactly_its_published_dependencies_and_holds_only_itself() =>
        AssertPackage("RRec.MLNet", ["Microsoft.ML 5.0.0", "Microsoft.ML.Recommender 0.23.0", "RRec 0.1.0"]);

    private void AssertPackage(string project, string[] dependencies)
    {
        // The files that this test run was built from, so nothing is compiled here.
        string path = Path.Combine(Goldens.RepositoryRoot, "src", project, project + ".csproj");
        Run("pack", path, "--no-build", "--no-restore", "-o", _folder, $"-p:PackFrom={AppContext.BaseDirectory}", "-nologo", "-v", "q");
        using ZipArchive package = ZipFile.OpenRead(Assert.Single(Directory.GetFiles(_folder, project + ".*.nupkg")));
        XDocument nuspec;
        using (Stream stream = package.Entries.Single(e => e.FullName == project + ".nuspec").Open()) nuspec = XDocument.Load(stream);
        XNamespace space = nuspec.Root!.Name.Namespace;
        Assert.Equal(dependencies, nuspec.Descendants(space + "dependency").Select(d => $"{d.Attribute("id")!.Value} {d.Attribute("version")!.Value}").Order(StringComparer.Ordinal));
        Assert.Equal("net10.0", Assert.Single(nuspec.Descendants(space + "group")).Attribute("targetFramework")!.Value);
        Assert.Equal([$"lib/net10.0/{project}.dll", $"lib/net10.0/{project}.xml"],
            package.Entries.Select(e => e.FullName).Where(n => n.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(package.Entries, e => e.FullName.EndsWith(".so", StringComparison.Ordinal) || e.FullName.Contains("runtimes/", StringComparison.Ordinal));
    }

    private static void Run(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output + errors.Result);
    }
}
