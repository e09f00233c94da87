using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

/// <summary>What the README shows and names must be there: its program compiles (below), its map points at folders that exist.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string _readme = File.ReadAllText(Path.Combine(Goldens.RepositoryRoot, "README.md"));

    [Fact]
    public void Every_folder_of_the_map_exists_and_every_folder_of_the_engine_is_on_it()
    {
        string[] named = [.. FolderRow().Matches(_readme).Select(m => m.Groups[1].Value)];
        Assert.True(named.Length > 10);
        Assert.All(named, folder => Assert.True(Directory.Exists(Path.Combine(Goldens.RepositoryRoot, folder)), $"{folder} is in the README but not in the repository"));
        IEnumerable<string> engine = Directory.EnumerateDirectories(Path.Combine(Goldens.RepositoryRoot, "src", "RRec")).Select(d => "src/RRec/" + Path.GetFileName(d)).Where(d => !d.EndsWith("/bin", StringComparison.Ordinal) && !d.EndsWith("/obj", StringComparison.Ordinal));
        Assert.All(engine, folder => Assert.Contains(folder, named));
    }

    [Fact]
    public void The_program_of_the_README_is_the_one_that_is_compiled_here()
    {
        string source = File.ReadAllText(Path.Combine(Goldens.RepositoryRoot, "tests", "RRec.MLNet.Tests", "ReadmeTests.cs"));
        string compiled = Lines(source[source.LastIndexOf("// <readme>", StringComparison.Ordinal)..source.LastIndexOf("// </readme>", StringComparison.Ordinal)].Replace("// <readme>", ""));
        string shown = Lines(CSharpBlock().Match(_readme).Groups[1].Value);
        Assert.Equal(compiled, shown);
        static string Lines(string text) => string.Join('\n', text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0));
    }

    [Fact]
    public void Every_link_into_the_repository_leads_somewhere() =>
        Assert.All(LocalLink().Matches(_readme).Select(m => m.Groups[1].Value), link => Assert.True(File.Exists(Path.Combine(Goldens.RepositoryRoot, link)), link));

    // Compiled, not run: MovieLensProtocolTests and the demo run the same calls.
    internal static TopKMetrics Program()
    {
        // <readme>
        MLContext ml = new(seed: 1);
        IDataView log = ml.Data.LoadFromTextFile<Rating>("ratings.csv", separatorChar: ',', hasHeader: true);
        IDataView items = ml.Data.LoadFromTextFile<Movie>("movies.csv", separatorChar: ',', hasHeader: true, allowQuoting: true);

        IDataView histories = ml.Recommendation().CreatePurchaseHistories(log, "UserId", "MovieId", "Timestamp", "Rating", kCore: 5);
        TrainValidationTestData split = ml.Recommendation().TimeOrderedSplit(histories, validationFraction: 0.1, testFraction: 0.1);

        R2ecTrainer trainer = ml.Recommendation().Trainers.R2ec(new R2ecTrainer.Options
        {
            Items = ml.Recommendation().KeepPurchasedItems(items, "MovieId", histories), ItemIdColumnName = "MovieId",
            Category = "movie", ItemAttributes = [("Genres", "Genres")], // Backbone = "models/Qwen2.5-3B-Instruct" for a real LLM
        });
        R2ecTransformer model = trainer.Fit(split.TrainSet, split.ValidationSet);

        IDataView scored = model.Transform(split.TestSet);           // + Reasoning, PredictedItems, Score, LabelRank
        TopKMetrics metrics = ml.Recommendation().EvaluateTopK(scored, userColumn: "UserId");
        ml.Model.Save(model, split.TrainSet.Schema, "r2ec.zip");     // ml.Model.Load in any process, no registration
        // </readme>
        return metrics;
    }

    internal sealed class Rating
    {
        [LoadColumn(0)] public int UserId { get; set; }
        [LoadColumn(1)] public int MovieId { get; set; }
        [LoadColumn(2), ColumnName("Rating")] public float Stars { get; set; }
        [LoadColumn(3)] public long Timestamp { get; set; }
    }

    internal sealed class Movie
    {
        [LoadColumn(0)] public int MovieId { get; set; }
        [LoadColumn(1)] public string Title { get; set; } = "";
        [LoadColumn(2)] public string Genres { get; set; } = "";
    }

    [GeneratedRegex(@"^\| `([a-zA-Z./]+)` \|", RegexOptions.Multiline)]
    private static partial Regex FolderRow();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"\]\(((?:docs|samples)/[^)]+)\)")]
    private static partial Regex LocalLink();
}
