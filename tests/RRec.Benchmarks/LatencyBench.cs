using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.MLNet;
using TorchSharp;

namespace RRec.Benchmarks;

/// <summary>One user's answer, one after the other: what a shop that asks for one customer waits.</summary>
internal static class LatencyBench
{
    private const int Items = 1000;

    public static Command Command()
    {
        var command = new Command("latency", "One user's answer, p50 and p95 in milliseconds, with and without reasoning: a made catalogue backbone, and a folder.");
        var folder = new Option<string?>("--folder") { Description = "A Hugging Face folder, e.g. SmolLM2's; null: only the catalogue backbone." };
        var answers = new Option<int>("--answers") { Description = "How many are timed.", DefaultValueFactory = _ => 40 };
        var tokens = new Option<int>("--tokens") { Description = "The longest reasoning that the folder's model writes.", DefaultValueFactory = _ => 32 };
        command.Options.Add(folder);
        command.Options.Add(answers);
        command.Options.Add(tokens);
        command.SetAction(r =>
        {
            Made(r.GetValue(answers));
            if (r.GetValue(folder) is { } path) Given(path, r.GetValue(answers), r.GetValue(tokens));
        });
        return command;
    }

    // Another width than the default's would be another latency: everything but the fit is as users get it.
    private static void Made(int answers)
    {
        Catalogue catalogue = Shop();
        var random = new Random(1);
        PurchaseRow[] rows = [.. Enumerable.Range(0, 2000).Select(n => new PurchaseRow(History(random), random.Next(Items), $"u{n % 200}"))];
        string folder = Path.Combine(Path.GetTempPath(), $"rrec-latency-{Environment.ProcessId}");
        try
        {
            using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(catalogue, rows, new CatalogueBackboneOptions { DistillationSteps = 20, Folds = 0 }, folder, null);
            using R2ecModel model = R2ecModel.Open(folder, catalogue, new R2ecSettings { MaxNewTokens = 16 });
            Measure("catalogue", model, answers);
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, true);
        }
    }

    private static void Given(string folder, int answers, int tokens)
    {
        using R2ecModel model = R2ecModel.Open(folder, Shop(), new R2ecSettings { MaxNewTokens = tokens, Window = 20 });
        using (TorchSharp.torch.NewDisposeScope())   // what stands in the table does not matter for the time
            model.AdoptItems(RRec.Ranking.ItemTable.Normalize(torch.randn([Items, model.Backbone.Config.HiddenSize])));
        Measure(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), model, answers);
    }

    private static void Measure(string name, R2ecModel model, int answers)
    {
        var random = new Random(2);
        UserHistory[] users = [.. Enumerable.Range(0, answers + 3).Select(_ => History(random))];
        foreach (bool reasoning in new[] { false, true })
        {
            RecommendRequest request = new() { UseReasoning = reasoning };
            double written = 0;
            var times = new List<double>();
            for (int i = 0; i < users.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                Recommendation answer = model.Recommend([users[i]], request)[0];
                if (i < 3) continue;   // compilation, first allocations
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                written += model.Tokenizer.EncodeToIds(answer.Reasoning).Count;
            }
            times.Sort();
            double together = BenchLine.Seconds(() => model.Recommend(users, request), 1) * 1000 / users.Length;
            int prompt = model.PromptOf(users[0]).Length;
            string shape = $"prompt about {prompt} tokens, {Items} items, " + (reasoning ? $"reasoning of {written / times.Count:F0} tokens" : "no reasoning");
            new BenchLine($"latency-{name}-p50", shape, times[times.Count / 2], "ms", together).Write();
            new BenchLine($"latency-{name}-p95", shape, times[(int)(times.Count * 0.95)], "ms", together).Write();
        }
    }

    private static UserHistory History(Random random) => new(Enumerable.Range(0, 20).Select(_ => random.Next(Items)).ToArray());

    private static Catalogue Shop()
    {
        var random = new Random(3);
        return new Catalogue([.. Enumerable.Range(0, Items).Select(i => new CatalogueItem($"i{i}", $"Item number {i}", [new ItemAttribute("Kind", [$"kind {random.Next(9)}"])]))], "product");
    }
}
