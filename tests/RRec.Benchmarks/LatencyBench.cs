using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.MLNet;
using TorchSharp;

namespace RRec.Benchmarks;

/// <summary>One user's answer, one after the other: what a shop that asks for one customer waits. The baseline is the time per user when all come together.</summary>
internal static class LatencyBench
{
    private const int Items = 1000;

    public static Command Command()
    {
        var command = new Command("latency", "One user's answer, p50 and p95 in milliseconds, with and without reasoning: a made catalogue backbone, and a folder.");
        var folder = new Option<string?>("--folder") { Description = "A Hugging Face folder, e.g. SmolLM2's; null: only the catalogue backbone." };
        var answers = new Option<int>("--answers") { Description = "How many are timed with and how many without reasoning.", DefaultValueFactory = _ => 40 };
        var seconds = new Option<double>("--seconds") { Description = "So long at most (but five answers), where answers take long.", DefaultValueFactory = _ => 20 };
        var tokens = new Option<int>("--tokens") { Description = "The longest reasoning that the folder's model writes.", DefaultValueFactory = _ => 32 };
        command.Options.Add(folder);
        command.Options.Add(answers);
        command.Options.Add(tokens);
        command.Options.Add(seconds);
        command.SetAction(r =>
        {
            Limit limit = new(r.GetValue(answers), r.GetValue(seconds));
            Made(limit);
            if (r.GetValue(folder) is { } path) Given(path, limit, r.GetValue(tokens));
        });
        return command;
    }

    private readonly record struct Limit(int Answers, double Seconds);

    // Another width than the default's would be another latency: everything but the fit is as users get it.
    private static void Made(Limit limit)
    {
        Catalogue catalogue = Shop();
        var random = new Random(1);
        PurchaseRow[] rows = [.. Enumerable.Range(0, 2000).Select(n => new PurchaseRow(History(random), random.Next(Items), $"u{n % 200}"))];
        string folder = Path.Combine(Path.GetTempPath(), $"rrec-latency-{Environment.ProcessId}");
        try
        {
            using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(catalogue, rows, new CatalogueBackboneOptions { DistillationSteps = 20, Folds = 0 }, folder, null);
            using R2ecModel model = R2ecModel.Open(folder, catalogue, new R2ecSettings { MaxNewTokens = 16 });
            Measure("catalogue", model, limit);
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, true);
        }
    }

    private static void Given(string folder, Limit limit, int tokens)
    {
        using R2ecModel model = R2ecModel.Open(folder, Shop(), new R2ecSettings { MaxNewTokens = tokens, Window = 20 });
        using (TorchSharp.torch.NewDisposeScope())   // what stands in the table does not matter for the time
            model.AdoptItems(RRec.Ranking.ItemTable.Normalize(torch.randn([Items, model.Backbone.Config.HiddenSize])));
        Measure(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), model, limit);
    }

    private static void Measure(string name, R2ecModel model, Limit limit)
    {
        var random = new Random(2);
        UserHistory[] users = [.. Enumerable.Range(0, limit.Answers).Select(_ => History(random))];
        foreach (bool reasoning in new[] { false, true })
        {
            RecommendRequest request = new() { UseReasoning = reasoning };
            for (int i = 0; i < 3; i++) model.Recommend([users[i]], request);   // compilation, first allocations
            double written = 0;
            var times = new List<double>();
            for (long begin = Stopwatch.GetTimestamp(); times.Count < users.Length && (times.Count < 5 || Stopwatch.GetElapsedTime(begin).TotalSeconds < limit.Seconds);)
            {
                long start = Stopwatch.GetTimestamp();
                Recommendation answer = model.Recommend([users[times.Count]], request)[0];
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                written += model.Tokenizer.EncodeToIds(answer.Reasoning).Count;
            }
            int n = times.Count;
            times.Sort();
            long all = Stopwatch.GetTimestamp();
            model.Recommend(users[..n], request);
            double together = Stopwatch.GetElapsedTime(all).TotalMilliseconds / n;
            int prompt = model.PromptOf(users[0]).Length;
            string shape = $"prompt about {prompt} tokens, {Items} items, {(reasoning ? $"reasoning of {written / n:F0} tokens" : "no reasoning")}, {n} answers";
            new BenchLine($"latency-{name}-p50", shape, times[n / 2], "ms", together).Write();
            new BenchLine($"latency-{name}-p95", shape, times[(int)(n * 0.95)], "ms", together).Write();
        }
    }

    private static UserHistory History(Random random) => new(Enumerable.Range(0, 20).Select(_ => random.Next(Items)).ToArray());

    private static Catalogue Shop()
    {
        var random = new Random(3);
        return new Catalogue([.. Enumerable.Range(0, Items).Select(i => new CatalogueItem($"i{i}", $"Item number {i}", [new ItemAttribute("Kind", [$"kind {random.Next(9)}"])]))], "product");
    }
}
