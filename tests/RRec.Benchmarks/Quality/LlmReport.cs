using System.Diagnostics;
using System.Globalization;
using System.Text;
using RRec.Generation;
using RRec.Data;
using RRec.Metrics;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>What the LLM's run leaves behind: rows of docs/quality.json beside the baselines on the same rows, and reasonings before and after.</summary>
/// <param name="splits">What is ranked; reasonings are shown of the last one.</param>
/// <param name="clock">Since the run began.</param>
/// <param name="shown">How many rows' reasonings are shown: the first.</param>
internal sealed class LlmReport(IReadOnlyList<QualityData> splits, Stopwatch clock, int shown)
{
    private readonly List<(string Model, QualityData Data, int[] Ranks, Measured Cost)> _ranked = [];
    private readonly List<string> _trained = [];
    private readonly Dictionary<string, string[]> _said = [];
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
    public void Rank(R2ecModel model, string name, Measured cost, bool reasoning = true)
    {
        IReadOnlyList<Recommendation> answers = [];
        foreach (QualityData data in splits)
        {
            answers = model.Recommend([.. data.Rows.Select(r => r.History)], new RecommendRequest { K = 10, UseReasoning = reasoning, Labels = [.. data.Rows.Select(r => r.Target)], BatchSize = 64 });
            int[] ranks = [.. answers.Select(a => a.LabelRank!.Value)];
            _ranked.Add((name, data, ranks, cost));
            CatalogueExperiments.Say(clock, $"{name} {data.Split} {new RankingMetrics(ranks)}, MRR {new RankingMetrics(ranks).Mrr:0.0000}");
        }
        if (reasoning) _said[name] = [.. answers.Take(shown).Select(a => a.Reasoning)];
    }

    /// <summary>What the model says of the first rows, which needs no item table.</summary>
    public void Write(R2ecModel model, string name)
    {
        using var noGradient = TorchSharp.torch.no_grad();
        GenerationOptions options = new() { MaxNewTokens = model.Settings.MaxNewTokens };
        int[][] prompts = [.. splits[^1].Rows.Take(shown).Select(r => model.Writer.UserPrompt(r.History, model.Settings.Window, model.Settings.MaxPromptTokens))];
        _said[name] = [.. new Generation.Generator(model.Backbone, model.Tokenizer, model.Writer).Generate(prompts, options).Select(t => t.Reasoning)];
        CatalogueExperiments.Say(clock, $"{name} says: {string.Join(" | ", _said[name].Take(3)).ReplaceLineEndings(" ")}");
    }

    /// <summary>
    /// So many steps; or, with 0, three tell what a step costs (the first one's preparations apart), then as many as the seconds hold. The three leave the weights a little
    /// moved: they are training, too.
    /// </summary>
    public Measured Timed(string what, int wanted, double seconds, Action<int> train)
    {
        const int trial = 3;
        if (wanted > 0) return Done(what, wanted, train);
        _stepped.Clear();
        (_, Measured first) = Measured.Of(() => { train(trial); return 0; });
        double step = Math.Max(1e-3, (_stepped[^1] - _stepped[0]) / (trial - 1));
        int steps = Math.Max(1, (int)((seconds - first.Seconds) / step));
        CatalogueExperiments.Say(clock, $"{what}: {step:0.0} s a step, so {steps} steps");
        return first + Done(what, steps, train);
    }

    private Measured Done(string what, int steps, Action<int> train)
    {
        (_, Measured cost) = Measured.Of(() => { train(steps); return 0; });
        _trained.Add(string.Create(CultureInfo.InvariantCulture, $"{what} {steps} steps in {cost.Seconds / 60:0} minutes"));
        return cost;
    }

    /// <summary>Joins docs/quality.json, docs/quality-pairs.json and their tables, and writes docs/quality-llm.md.</summary>
    public void Write(string backbone)
    {
        string docs = Path.Combine(BenchLog.RepositoryRoot, "docs");
        MovieLens all = splits[0].All;
        Func<IReadOnlyList<PurchaseRow>, int[]> ease = Baselines.All.Single(b => b.Name == Baselines.Ease).Fit(all), blend = Baselines.All.Single(b => b.Name == Baselines.Blend).Fit(all);
        List<QualityRecord> records = [];
        List<QualityPair> pairs = [];
        foreach (QualityData split in splits)
        {
            int[] easeRanks = ease(split.Rows), blendRanks = blend(split.Rows);
            records.AddRange(_ranked.Where(r => r.Data == split).Select(r => QualityRecord.Of(r.Model, 1, "all", split.Split, r.Ranks, split.Users, easeRanks, blendRanks, r.Cost)));
            int[]? Ranks(string model) => _ranked.Where(r => r.Data == split && r.Model == model).Select(r => r.Ranks).FirstOrDefault();
            foreach ((string model, string against) in new[] { (LlmBench.WarmUp, LlmBench.WarmUpPlain), (LlmBench.Everything, LlmBench.Plain), (LlmBench.Everything, LlmBench.WarmUp) })
                if (Ranks(model) is { } own && Ranks(against) is { } other) pairs.Add(QualityPair.Of(model, against, 1, "all", split.Split, own, other, split.Users));
        }
        List<QualityPair> allPairs = QualityFiles.Merge(Path.Combine(docs, "quality-pairs.json"), pairs);
        QualityTables.Write(Path.Combine(docs, "quality.md"), QualityFiles.Merge(Path.Combine(docs, "quality.json"), records), allPairs);
        File.WriteAllText(Path.Combine(docs, "quality-llm.md"), Page(backbone, records, pairs));
    }

    private string Page(string backbone, List<QualityRecord> records, List<QualityPair> pairs)
    {
        QualityData data = splits[^1];
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"# A real LLM: what it reaches, and what it says\n\n{Path.GetFileName(Path.TrimEndingDirectorySeparator(backbone))}, {string.Join(", ", _trained)}; threads: {TorchSharp.torch.get_num_threads()}. Written by `./rrec bench llm`.\n\n");
        text.Append("| model | split | rows | Hit@10 | NDCG@10 |\n|---|---|---|---|---|\n");
        foreach (QualityRecord r in records) text.Append(CultureInfo.InvariantCulture, $"| {r.Model} | {r.Split} | {r.Rows} | {r.Hit10:.000} | {r.Ndcg10:.0000} [{r.Ndcg10Lo:.0000}, {r.Ndcg10Hi:.0000}] |\n");
        text.Append("\n| difference of NDCG@10, row by row [95% by user] | split | |\n|---|---|---|\n");
        foreach (QualityPair p in pairs) text.Append(CultureInfo.InvariantCulture, $"| {p.Model} against {p.Against} | {p.Split} | {p.Difference:+.0000;-.0000} [{p.Lo:+.0000;-.0000}, {p.Hi:+.0000;-.0000}] |\n");

        text.Append(CultureInfo.InvariantCulture, $"\n## Reasonings\n\nGreedy, at most 24 tokens; the first {shown} {data.Split} rows, not picked. What the warm-up teaches to say: docs/catalogue-backbone.md, \"What to say\".\n\n");
        text.Append("| last three bought | bought next | before | after the warm-up | after RecPO | ranks after warm-up, RecPO |\n|---|---|---|---|---|---|\n");
        int[] Ranks(string model) => _ranked.Single(r => r.Data == data && r.Model == model).Ranks;
        for (int i = 0; i < Math.Min(shown, data.Rows.Count); i++)
        {
            PurchaseRow row = data.Rows[i];
            ReadOnlySpan<int> items = row.History.Items.Span;
            string last = string.Join("; ", items[^Math.Min(3, items.Length)..].ToArray().Select(Title));
            string said = string.Join(" | ", new[] { LlmBench.ZeroShot, LlmBench.WarmUp, LlmBench.Everything }.Select(stage => Cell(_said[stage][i])));
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(last)} | {Cell(Title(row.Target))} | {said} | {Ranks(LlmBench.WarmUp)[i]}, {Ranks(LlmBench.Everything)[i]} |\n");
        }
        return text.ToString();
    }

    private string Title(int item) => splits[0].All.Catalogue.Items[item].Title;

    private static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
