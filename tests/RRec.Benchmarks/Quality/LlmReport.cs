using System.Diagnostics;
using System.Globalization;
using System.Text;
using RRec.Data;
using RRec.Metrics;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>What the LLM's run leaves behind: rows of docs/quality.json beside the baselines on the same rows, and reasonings before and after.</summary>
/// <param name="splits">What is ranked; reasonings are shown of the last one.</param>
/// <param name="clock">Since the run began.</param>
internal sealed class LlmReport(IReadOnlyList<QualityData> splits, Stopwatch clock)
{
    private readonly List<(string Model, QualityData Data, int[] Ranks, Measured Cost)> _ranked = [];
    private readonly List<string> _trained = [];
    private double _told = double.NegativeInfinity;
    private readonly List<double> _stepped = [];

    public IProgress<R2ecProgress> Progress => new CatalogueExperiments.Reporter(p =>
    {
        if (p.Phase is TrainingPhase.WarmUp or TrainingPhase.RecPO) _stepped.Add(clock.Elapsed.TotalSeconds);
        if (clock.Elapsed.TotalSeconds - _told < 20) return;
        _told = clock.Elapsed.TotalSeconds;
        CatalogueExperiments.Say(clock, $"  {p.Phase} {p.Step}/{p.TotalSteps} loss {p.Loss:0.000} {p.StepMetrics}");
    });

    /// <summary>Ranks the rows of each split; the item table must be of the present weights, or missing.</summary>
    /// <returns>The answers of the last split.</returns>
    public IReadOnlyList<Recommendation> Rank(R2ecModel model, string name, Measured cost, bool reasoning = true)
    {
        IReadOnlyList<Recommendation> answers = [];
        foreach (QualityData data in splits)
        {
            answers = model.Recommend([.. data.Rows.Select(r => r.History)], new RecommendRequest { K = 10, UseReasoning = reasoning, Labels = [.. data.Rows.Select(r => r.Target)], BatchSize = 64 });
            int[] ranks = [.. answers.Select(a => a.LabelRank!.Value)];
            _ranked.Add((name, data, ranks, cost));
            CatalogueExperiments.Say(clock, $"{name} {data.Split} {new RankingMetrics(ranks)}, MRR {new RankingMetrics(ranks).Mrr:0.0000}");
        }
        return answers;
    }

    /// <summary>Three steps tell what a step costs (the first one's preparations apart), then as many as the seconds hold. The three leave the weights a little moved: they are training, too.</summary>
    public Measured Timed(string what, double seconds, Action<int> train)
    {
        const int trial = 3;
        _stepped.Clear();
        (_, Measured first) = Measured.Of(() => { train(trial); return 0; });
        double step = Math.Max(1e-3, (_stepped[^1] - _stepped[0]) / (trial - 1));
        int steps = Math.Max(1, (int)((seconds - first.Seconds) / step));
        CatalogueExperiments.Say(clock, $"{what}: {step:0.0} s a step, so {steps} steps");
        (_, Measured rest) = Measured.Of(() => { train(steps); return 0; });
        _trained.Add(string.Create(CultureInfo.InvariantCulture, $"{what} {steps} steps in {rest.Seconds / 60:0} minutes"));
        return first + rest;
    }

    /// <summary>Joins docs/quality.json and its tables, and writes docs/quality-llm.md.</summary>
    public void Write(string backbone, IReadOnlyList<Recommendation> before, IReadOnlyList<Recommendation> after, double minutes, int shown)
    {
        string docs = Path.Combine(BenchLog.RepositoryRoot, "docs");
        MovieLens all = splits[0].All;
        Func<IReadOnlyList<PurchaseRow>, int[]> ease = Baselines.All.Single(b => b.Name == Baselines.Ease).Fit(all), blend = Baselines.All.Single(b => b.Name == Baselines.Blend).Fit(all);
        List<QualityRecord> records = [];
        foreach (QualityData split in splits)
        {
            int[] easeRanks = ease(split.Rows), blendRanks = blend(split.Rows);
            records.AddRange(_ranked.Where(r => r.Data == split).Select(r => QualityRecord.Of(r.Model, 1, "all", split.Split, r.Ranks, split.Users, easeRanks, blendRanks, r.Cost)));
        }
        QualityTables.Write(Path.Combine(docs, "quality.md"), QualityFiles.Merge(Path.Combine(docs, "quality.json"), records), QualityFiles.Merge(Path.Combine(docs, "quality-pairs.json"), Array.Empty<QualityPair>()));

        QualityData data = splits[^1];
        StringBuilder text = new(string.Create(CultureInfo.InvariantCulture,
            $"# Reasonings of a real LLM, before and after\n\n{Path.GetFileName(Path.TrimEndingDirectorySeparator(backbone))}, {string.Join(", ", _trained)} (of {minutes:0} minutes asked for); greedy, at most 24 tokens; the first {shown} {data.Split} rows, not picked. Written by `./rrec bench llm`.\n\n"));
        text.Append("| last three bought | bought next | before | after | rank before, after |\n|---|---|---|---|---|\n");
        for (int i = 0; i < Math.Min(shown, data.Rows.Count); i++)
        {
            PurchaseRow row = data.Rows[i];
            ReadOnlySpan<int> items = row.History.Items.Span;
            string last = string.Join("; ", items[^Math.Min(3, items.Length)..].ToArray().Select(Title));
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(last)} | {Cell(Title(row.Target))} | {Cell(before[i].Reasoning)} | {Cell(after[i].Reasoning)} | {before[i].LabelRank}, {after[i].LabelRank} |\n");
        }
        File.WriteAllText(Path.Combine(docs, "quality-llm.md"), text.ToString());
    }

    private string Title(int item) => splits[0].All.Catalogue.Items[item].Title;

    private static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
