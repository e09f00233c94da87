using System.Diagnostics;
using RRec.Benchmarks.Quality;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Metrics;

namespace RRec.Benchmarks;

/// <summary>
/// A catalogue too large for [items, items]: builds the backbone from an invented log and says what it cost and whether it ranks. Shoppers have two
/// of a thousand departments and mostly stay in the one they are in; a fifth of what they buy is whatever everybody buys.
/// </summary>
internal static class LargeCatalogueBench
{
    private const int Departments = 1000, PurchasesPerUser = 10, Asked = 2000;
    private static readonly string[] Adjectives = ["Small", "Large", "Blue", "Folding", "Oak", "Steel", "Quiet", "Garden", "Travel", "Classic", "Soft", "Double"];
    private static readonly string[] Nouns = ["Kettle", "Lamp", "Saddle", "Hammer", "Basket", "Clock", "Tent", "Chair", "Pan", "Brush", "Ladder", "Mug", "Shelf", "Radio", "Kite"];

    public static void Run(int items, int users, Stopwatch clock)
    {
        Catalogue catalogue = new([.. Enumerable.Range(0, items).Select(i => new CatalogueItem($"p{i}",
            $"{Adjectives[i * 7 % Adjectives.Length]} {Nouns[i % Departments * 11 % Nouns.Length]} {i}",
            [new ItemAttribute("Department", [$"department {i % Departments}"]), new ItemAttribute("Price", [$"{1 + i * 37 % 400}"])]))], "product");
        (PurchaseRow[] train, PurchaseRow[] asked) = Log(items, users);
        CatalogueExperiments.Say(clock, $"{items:N0} items, {users:N0} users, {train.Length:N0} training rows");
        string folder = Path.Combine(BenchLog.RepositoryRoot, "artifacts", "large-catalogue");
        string last = "";
        CatalogueBackboneOptions options = new();
        (CatalogueBackboneGuide guide, Measured build) = Measured.Of(() => CatalogueBackboneBuilder.Build(catalogue, train, options, folder, new CatalogueExperiments.Reporter(p =>
        {
            if (p.Message != last && !p.Message!.StartsWith("distillation step", StringComparison.Ordinal)) CatalogueExperiments.Say(clock, last = p.Message!);
        })));
        string shape = $"{items} items, {train.Length} rows, teacher of rank {options.LargeTeacherRank} + {options.LargeTeacherRank / 2}, {options.Folds} folds";
        new BenchLine("large catalogue: build", shape, build.Seconds, "s").Write();
        new BenchLine("large catalogue: peak memory", shape, build.PeakMegabytes, "MB", Bound: 24 * 1024).Write();
        new BenchLine("large catalogue: Hit@10 teacher", $"{asked.Length} rows of new users", new RankingMetrics(guide.Teacher.TargetRanks(asked)).HitRate(10), "",
            Baseline: new RankingMetrics(RecentPopularity.Fit(catalogue, train).TargetRanks(asked)).HitRate(10)).Write();
        guide.Dispose();
        using R2ecModel model = R2ecModel.Open(folder, catalogue, new R2ecSettings { MaxNewTokens = 8 });
        (_, Measured encode) = Measured.Of(() => model.EncodeItems());
        new BenchLine("large catalogue: item table", $"{items} items", encode.Seconds, "s").Write();
        (IReadOnlyList<Recommendation> answers, Measured rank) = Measured.Of(() =>
            model.Recommend([.. asked.Select(r => r.History)], new RecommendRequest { K = 10, Labels = [.. asked.Select(r => r.Target)] }));
        new BenchLine("large catalogue: rows a second", $"{asked.Length} rows, greedy reasoning", asked.Length / rank.Seconds, "rows/s").Write();
        new BenchLine("large catalogue: Hit@10 wired backbone", $"{asked.Length} rows of new users", new RankingMetrics([.. answers.Select(a => a.LabelRank!.Value)]).HitRate(10), "",
            Baseline: new RankingMetrics(RecentPopularity.Fit(catalogue, train).TargetRanks(asked)).HitRate(10)).Write();
    }

    private static (PurchaseRow[] Train, PurchaseRow[] Asked) Log(int items, int users)
    {
        Random random = new(1);
        int perDepartment = items / Departments;
        List<PurchaseRow> train = [], asked = [];
        for (int u = 0; u < users; u++)
        {
            int[] own = [random.Next(Departments), random.Next(Departments)];
            int at = 0;
            HashSet<int> bought = [];
            List<int> order = [];
            while (order.Count < PurchasesPerUser)
            {
                if (random.NextDouble() < 0.3) at = 1 - at;
                // Squares favour the front: popular items of a department, and popular departments of the shop.
                double front = random.NextDouble() * random.NextDouble();
                int item = random.NextDouble() < 0.8 ? own[at] + (int)(front * perDepartment) * Departments : (int)(random.NextDouble() * front * items);
                if (bought.Add(item)) order.Add(item);
            }
            int[] sequence = [.. order];
            if (asked.Count < Asked && u % 7 == 3) asked.Add(new PurchaseRow(new UserHistory(sequence.AsMemory(0, PurchasesPerUser - 1)), sequence[^1], $"u{u}"));
            else
                for (int k = 1; k < sequence.Length; k++) train.Add(new PurchaseRow(new UserHistory(sequence.AsMemory(0, k)), sequence[k], $"u{u}"));
        }
        return ([.. train], [.. asked]);
    }
}
