using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RRec.Data;
using RRec.Metrics;
using RRec.RecPO;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// The paper's questions on the catalogue backbone: reward, advantage, G, temperature, top-k. Every variant continues the same warmed-up start
/// with one setting changed, for the same number of steps, and is judged on validation rows against that start. Writes docs/ablation.json, a plot
/// per question and the table of docs/quality.md; with --uninformed the same from a start on which RecPO has much to find.
/// </summary>
internal static class AblationBench
{
    private sealed record Variant(string Question, string Label, Func<RecPOOptions, RecPOOptions> Change);

    private sealed record Outcome(string Question, string Label, int Seed, int Rows, int Steps, double Ndcg10, double VsStart, double VsStartLo, double VsStartHi, double Seconds, double[] Reward);

    // The base: preset Cpu (G 6), or the settings of the uninformed start (G 8); both fused reward, batch-scaled GRPO, temperature 1, all tokens. It belongs to every question.
    private static readonly Variant[] Variants =
    [
        new("base", "as it is", o => o),
        new("reward", "NDCG only", o => o with { SoftmaxWeight = 0 }),
        new("reward", "softmax only", o => o with { SoftmaxWeight = 1 }),
        new("advantage", "GRPO, own deviation", o => o with { AdvantageScale = AdvantageScale.Group }),
        new("advantage", "leave-one-out", o => o with { Advantage = AdvantageType.LeaveOneOut }),
        new("G", "G 2", o => o with { TrajectoriesPerUser = 2, RelabelTopK = 1 }),
        new("G", "G 4", o => o with { TrajectoriesPerUser = 4 }),
        new("G", "G 8", o => o with { TrajectoriesPerUser = 8 }),
        new("temperature", "T 0.5", o => o with { SamplingTemperature = 0.5 }),
        new("temperature", "T 2", o => o with { SamplingTemperature = 2 }),
        new("top-k", "top 3", o => o with { TopK = 3 }),
        new("top-k", "top 8", o => o with { TopK = 8 }),
    ];

    public static Command Command()
    {
        Command command = new("ablation", "RecPO's choices on the catalogue backbone, one changed at a time: table and plots in docs/, validation rows.");
        Option<int> steps = new("--steps") { Description = "RecPO steps of each variant; 0: as the base has it.", DefaultValueFactory = _ => 0 };
        Option<int> rows = new("--rows") { Description = "Validation rows, spread evenly; 0: all.", DefaultValueFactory = _ => 0 };
        Option<int> seed = new("--seed") { Description = "Of start and variants.", DefaultValueFactory = _ => 1 };
        Option<bool> uninformed = new("--uninformed") { Description = "From a start that is not told what to say (docs/recpo.md), where RecPO has something to find: its settings are then the base, and the files are called uninformed-ablation." };
        foreach (Option option in new Option[] { steps, rows, seed, uninformed }) command.Options.Add(option);
        command.SetAction(parsed => Run(parsed.GetValue(steps), parsed.GetValue(rows), parsed.GetValue(seed), parsed.GetValue(uninformed)));
        return command;
    }

    private static void Run(int steps, int rows, int seed, bool uninformed)
    {
        Stopwatch clock = Stopwatch.StartNew();
        QualityData data = QualityData.Load(test: false);
        int every = rows > 0 ? Math.Max(1, data.Rows.Count / rows) : 1;
        PurchaseRow[] judged = [.. data.Rows.Where((_, i) => i % every == 0)];
        string[] users = [.. judged.Select(r => r.User!)];
        using UninformedStart? untold = uninformed ? new UninformedStart(data.All, seed) : null;
        using R2ecModel start = untold?.Open(told: false) ?? R2ecTraining.Fit(data.All.Catalogue, data.All.Train, null, new R2ecTrainingOptions { Seed = seed, RunRecPO = false });
        double[] before = QualityRecord.Gains(new ReasoningRanks(start, judged).Own());
        CatalogueExperiments.Say(clock, $"start: NDCG@10 {before.Average():0.0000} on {judged.Length} validation rows");
        RecPOOptions basis = (uninformed ? UninformedModels.Full : RecPOOptions.Cpu) with { Seed = seed };
        if (steps > 0) basis = basis with { MaxSteps = steps };
        List<Outcome> outcomes = [];
        foreach (Variant variant in Variants)
        {
            List<double> reward = [];
            RecPOOptions options = variant.Change(basis);
            CatalogueExperiments.Reporter progress = new(p => { if (p.StepMetrics is { } m) reward.Add(m.RewardMean); });
            (R2ecModel model, Measured cost) = untold is null
                ? Measured.Of(() => R2ecTraining.Fit(data.All.Catalogue, data.All.Train, null, new R2ecTrainingOptions { Seed = seed, InitialModel = start, RecPO = options }, progress))
                : Continue(untold, options, progress);
            using (model)
            {
                double[] after = QualityRecord.Gains(new ReasoningRanks(model, judged).Own());
                Interval apart = Bootstrap.Paired(after, before, users);
                outcomes.Add(new Outcome(variant.Question, variant.Label, seed, judged.Length, basis.MaxSteps, after.Average(), apart.Mean, apart.Low, apart.High, cost.Seconds, [.. reward]));
                CatalogueExperiments.Say(clock, $"{variant.Question}, {variant.Label}: NDCG@10 {after.Average():0.0000}, minus start {apart}, {cost.Seconds:0} s");
            }
            Write(outcomes, before.Average(), uninformed ? "uninformed-ablation" : "ablation");
        }
    }

    private static (R2ecModel, Measured) Continue(UninformedStart start, RecPOOptions options, IProgress<R2ecProgress> progress)
    {
        R2ecModel model = start.Open(told: false);
        return (model, start.Train(model, options, progress));
    }

    private static void Write(List<Outcome> outcomes, double start, string name)
    {
        string docs = Path.Combine(BenchLog.RepositoryRoot, "docs");
        File.WriteAllText(Path.Combine(docs, name + ".json"), "[\n" + string.Join(",\n", outcomes.Select(o => JsonSerializer.Serialize(new
        {
            question = o.Question, variant = o.Label, seed = o.Seed, split = "valid", rows = o.Rows, steps = o.Steps, ndcg10 = Math.Round(o.Ndcg10, 6), vs_start = Math.Round(o.VsStart, 6),
            vs_start_lo = Math.Round(o.VsStartLo, 6), vs_start_hi = Math.Round(o.VsStartHi, 6), seconds = Math.Round(o.Seconds, 1), reward = o.Reward.Select(r => Math.Round(r, 4)),
        }))) + "\n]\n");
        foreach (string question in outcomes.Select(o => o.Question).Distinct().Where(q => q != "base"))
        {
            Outcome[] shown = [.. outcomes.Where(o => o.Question == question || o.Question == "base")];
            File.WriteAllText(Path.Combine(docs, $"{name}-{question.ToLowerInvariant()}.svg"), SvgPlot.Intervals($"{question}: NDCG@10 after RecPO minus before, {shown[0].Rows} validation rows, 95% by user",
                "difference", [.. shown.Select(o => (o.Label, o.VsStart, o.VsStartLo, o.VsStartHi))]));
        }
        File.WriteAllText(Path.Combine(docs, name + "-course.svg"), SvgPlot.Courses("mean reward of a step's trajectories, running mean of 10 steps", "RecPO step",
            [.. outcomes.Where(o => o.Question is "base" or "advantage" or "G" && o.Reward.Length > 0).Select(o => (o.Label, Smooth(o.Reward)))]));
        StringBuilder table = new(string.Create(CultureInfo.InvariantCulture, $"| question | variant | NDCG@10 (start {start:.0000}) | minus start [95%] | s |\n|---|---|---|---|---|\n"));
        foreach (Outcome o in outcomes)
            table.Append(CultureInfo.InvariantCulture, $"| {o.Question} | {o.Label} | {o.Ndcg10:.0000} | {o.VsStart:+.0000;-.0000;.0000} [{o.VsStartLo:.0000}, {o.VsStartHi:.0000}] | {o.Seconds:0} |\n");
        QualityTables.Put(Path.Combine(docs, "quality.md"), name, table.ToString());
    }

    private static double[] Smooth(double[] values) => [.. values.Select((_, i) => values[Math.Max(0, i - 9)..(i + 1)].Average())];
}
