using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Metrics;
using RRec.RecPO;
using RRec.TestSupport;
using RRec.WarmUp;

namespace RRec.Benchmarks;

/// <summary>Figures of the catalogue backbone on ml-latest-small's valid rows, stage by stage. Test rows are never read here.</summary>
public static class CatalogueExperiments
{
    public static Command Command()
    {
        Argument<string[]> stage = new("stage") { Description = "teacher; large [items users]; factors [rank steps boost seed naming]; reason; build [folder hidden folds warm-up-steps rate recpo-steps rate anchor]; recpo hidden[:share of the rows[:seed]] [name=value,...]... (- reads them from the standard input); added [seed]", Arity = ArgumentArity.ZeroOrMore };
        Command command = new("catalogue", "The catalogue backbone stage by stage on ml-latest-small's valid rows.") { stage };
        command.SetAction(parsed => Run(parsed.GetValue(stage) ?? []));
        return command;
    }

    public static int Run(string[] args)
    {
        string folder = Environment.GetEnvironmentVariable("RREC_DATA") ?? MovieLens.DefaultFolder(Root());
        Stopwatch clock = Stopwatch.StartNew();
        if (args is ["large", ..])
        {
            int items = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 100_000;
            LargeCatalogueBench.Run(items, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : items, clock);
            return 0;
        }
        MovieLens data = MovieLens.Load(folder);
        Say(clock, $"data: {data.Catalogue.Count} items, train {data.Train.Count}, valid {data.Valid.Count}");
        switch (args.FirstOrDefault())
        {
            case "teacher": Teacher(data, clock); return 0;
            case "factors": Factors(data, clock, [.. args.Skip(1)]); return 0;
            case "build": Build(data, clock, args.Skip(1).ToArray()); return 0;
            case "reason": Reason(data, clock); return 0;
            case "added": AddedTitlesBench.Run(data, clock, args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1); return 0;
            case "recpo": RecPOExperiments.Run(data, clock, [.. args.Skip(1)]); return 0;
            default: Console.Error.WriteLine("experiments: teacher | large [items users] | factors | reason | build | recpo | added"); return 2;
        }
    }

    private static void Teacher(MovieLens data, Stopwatch clock)
    {
        Say(clock, $"recent popularity {Metrics(RecentPopularity.Fit(data.Catalogue, data.Train).TargetRanks(data.Valid))}");
        Say(clock, $"EASE {Metrics(LinearTeacher.FitEase(data.Catalogue, data.Train).TargetRanks(data.Valid))} (python .1111/.0610)");
        Say(clock, $"EASE + text {Metrics(LinearTeacher.FitEaseWithText(data.Catalogue, data.Train, new CatalogueBackboneOptions { NewItemBoost = 0 }).TargetRanks(data.Valid))} (python .1295/.0718)");
        ItemItemModel teacher = LinearTeacher.FitTeacher(data.Catalogue, data.Train);
        Say(clock, $"teacher {Metrics(teacher.TargetRanks(data.Valid))} (python, without NewItemBoost, .1372/.0759)");
        foreach (int rank in new[] { 64, 128, 256, 512 })
            Say(clock, $"the same of low rank {rank} + {rank / 2} {Metrics(LinearTeacher.FitTeacher(data.Catalogue, data.Train, new CatalogueBackboneOptions { MaxTeacherItems = 2, LargeTeacherRank = rank }).TargetRanks(data.Valid))}");
    }

    /// <summary>The factors that a decoder is wired from, by rank: what is lost against the teacher, on rows whose target training has or has not seen.</summary>
    private static void Factors(MovieLens data, Stopwatch clock, string[] args)
    {
        int rank = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 87;
        CatalogueBackboneOptions options = new();
        if (args.Length > 1) options = options with { DistillationSteps = int.Parse(args[1], CultureInfo.InvariantCulture) };
        if (args.Length > 2) options = options with { NewItemBoost = double.Parse(args[2], CultureInfo.InvariantCulture) };
        if (args.Length > 3) options = options with { Seed = int.Parse(args[3], CultureInfo.InvariantCulture) };
        PurchaseSequences sequences = PurchaseSequences.From(data.Train, data.Catalogue.Count);
        string Slices(int[] ranks) => $"{Metrics(ranks)}, warm {Metrics([.. ranks.Where((_, i) => sequences.Purchases[data.Valid[i].Target] > 0)])}, new items {Metrics([.. ranks.Where((_, i) => sequences.Purchases[data.Valid[i].Target] == 0)])}";
        ItemItemModel teacher = LinearTeacher.Fit(sequences, TextSimilarity.Vectors(data.Catalogue), options);
        Say(clock, $"teacher {Slices(teacher.TargetRanks(data.Valid))}");
        double temperature = TeacherGuide.TemperatureOf(teacher, sequences, options);
        TeacherFactors factors = TeacherFactors.Fit(teacher, sequences, rank, options, temperature);
        Say(clock, $"eigenvectors, rank {rank}: {Slices(factors.ToModel(options).TargetRanks(data.Valid))}");
        FactorDistillation.Run(factors, teacher, sequences, options, temperature, (step, kl) =>
        {
            if (step % 200 == 0 || step == 1) Say(clock, $"step {step} divergence {kl:0.000}");
        }, default);
        ItemItemModel product = factors.ToModel(options);
        Say(clock, $"distilled {Slices(product.TargetRanks(data.Valid))}");
        if (args.Contains("naming")) Naming(data, clock, sequences, product, 1 / temperature, options);
    }

    private static void Build(MovieLens data, Stopwatch clock, string[] args)
    {
        string folder = args.ElementAtOrDefault(0) ?? "artifacts/catalogue-backbone";
        CatalogueBackboneOptions options = new();
        if (args.Length > 1) options = options with { HiddenSize = int.Parse(args[1]) };
        if (args.Length > 2) options = options with { Folds = int.Parse(args[2]) };
        string last = "";
        using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(data.Catalogue, data.Train, options, folder, new Reporter(p =>
        {
            if (p.Message != last && !p.Message!.StartsWith("distillation step")) Say(clock, $"{p.Step}/{p.TotalSteps} {last = p.Message!}");
        }));
        Say(clock, $"built; teacher temperature {guide.TeacherTemperature:0.00000}, statement strength {guide.StatementStrength:0.00000}");
        using R2ecModel model = R2ecModel.Open(folder, data.Catalogue, new R2ecSettings { MaxNewTokens = 8 });
        Agreement(model, guide, data, clock);
        Evaluate(model, data, clock, 1);
        int steps = args.Length > 3 ? int.Parse(args[3]) : 0;
        if (steps == 0) return;
        WarmUpOptions warmUp = new() { Steps = steps };
        if (args.Length > 4) warmUp = warmUp with { LearningRate = double.Parse(args[4], CultureInfo.InvariantCulture) };
        WarmUpResult result = WarmUpTrainer.Train(model, data.Train, warmUp, guide, new Reporter(p =>
        {
            if (p.Phase == TrainingPhase.WarmUp && (p.Step % 10 == 0 || p.Step == 1)) Say(clock, $"warm-up {p.Step}/{p.TotalSteps} loss {p.Loss:0.000} {p.Message}");
        }));
        Say(clock, $"warm-up done, loss {result.FirstLoss:0.000} to {result.LastLoss:0.000}, temperature {result.Temperature:0.0000}");
        Evaluate(model, data, clock, 1);
        int recpoSteps = args.Length > 5 ? int.Parse(args[5]) : 0;
        if (recpoSteps == 0) return;
        RecPOOptions recpo = RecPOOptions.Cpu with
        {
            MaxSteps = recpoSteps, LearningRate = double.Parse(args[6], CultureInfo.InvariantCulture), EvaluationSteps = recpoSteps / 2, EvaluationRows = 1500, EmbeddingDelta = guide.Folds,
            AuxiliaryLoss = new RankingAnchor(model, guide, new WarmUpOptions { UniformCandidates = 200 }, double.Parse(args[7], CultureInfo.InvariantCulture)),
        };
        RecPOTrainer.Train(model, data.Train, data.Valid, recpo, new Reporter(p =>
        {
            if (p.Evaluation is { } e) Say(clock, $"RecPO {p.Step}: valid {e}");
            else if (p.StepMetrics is { } m && p.Step % 5 == 0) Say(clock, $"RecPO {p.Step}: {m}");
        }));
        Evaluate(model, data, clock, 1);
    }

    /// <summary>How much of what the predictor suggests the wired decoder says.</summary>
    private static void Agreement(R2ecModel model, CatalogueBackboneGuide guide, MovieLens data, Stopwatch clock)
    {
        PurchaseRow[] rows = [.. data.Valid.Where((_, i) => i % 40 == 0)];
        model.EncodeItems();
        IReadOnlyList<Recommendation> answers = model.Recommend([.. rows.Select(r => r.History)], new RecommendRequest { K = 1 }, default);
        double shared = rows.Select((r, i) => (double)guide.Statements!.Best(r.History.Items.Span)
            .Count(a => answers[i].Reasoning!.Split(", ").Contains(guide.AttributeWords[a].Trim()))).Average();
        Say(clock, $"statements of the predictor that the decoder says: {shared:0.00} of {guide.Statements!.Best(rows[0].History.Items.Span).Length}");
    }

    /// <summary>Hit@10/NDCG@10 on every so-many-th valid row without and with reasoning.</summary>
    internal static void Evaluate(R2ecModel model, MovieLens data, Stopwatch clock, int every)
    {
        PurchaseRow[] rows = [.. data.Valid.Where((_, i) => i % every == 0)];
        model.EncodeItems();
        Say(clock, "items encoded");
        HashSet<int> bought = [.. data.Train.Select(r => r.Target)];
        foreach (PurchaseRow row in data.Train) bought.UnionWith(row.History.Items.ToArray());
        double[]? plain = null;
        foreach (bool reasoning in new[] { false, true })
        {
            IReadOnlyList<Recommendation> answers = model.Recommend([.. rows.Select(r => r.History)],
                new RecommendRequest { K = 1, UseReasoning = reasoning, Labels = [.. rows.Select(r => (int)r.Target)] }, default);
            int[] ranks = [.. answers.Select(a => a.LabelRank!.Value)];
            double[] gains = [.. ranks.Select(r => RRec.Metrics.RankingMetrics.NdcgOf(r, 10))];
            Say(clock, $"{(reasoning ? "with reasoning" : "without reasoning")} valid(1/{every}) {Metrics(ranks)}, new items {Metrics([.. ranks.Where((_, i) => !bought.Contains(rows[i].Target))])}{(plain is null ? "" : ", " + Relative(gains, plain, rows))}");
            plain ??= gains;
            if (reasoning)
                foreach (Recommendation answer in answers.Take(6)) Console.WriteLine("    " + answer.Reasoning);
        }
    }

    internal sealed class Reporter(Action<R2ecProgress> report) : IProgress<R2ecProgress>
    {
        public void Report(R2ecProgress value) => report(value);
    }

    private static void Reason(MovieLens data, Stopwatch clock)
    {
        CatalogueBackboneOptions options = new();
        PurchaseSequences sequences = PurchaseSequences.From(data.Train, data.Catalogue.Count);
        ItemItemModel teacher = LinearTeacher.Fit(sequences, TextSimilarity.Vectors(data.Catalogue), options);
        Say(clock, $"teacher {Metrics(teacher.TargetRanks(data.Valid))}");
        Naming(data, clock, sequences, teacher, 1, options);
    }

    /// <summary>What naming the predictor's attributes adds to a linear ranking; <paramref name="unit"/>: its scores in units of the teacher's.</summary>
    private static void Naming(MovieLens data, Stopwatch clock, PurchaseSequences sequences, ItemItemModel model, double unit, CatalogueBackboneOptions options)
    {
        SpokenAttributes attributes = SpokenAttributes.From(data.Catalogue, sequences.Purchases);
        IReadOnlyList<LeftOutRows> leftOut = LeftOutRows.ByTime(data.Train, data.Catalogue.Count, TextSimilarity.Vectors(data.Catalogue), options, null, default);
        Say(clock, "teachers of earlier purchases fitted");
        AttributePredictor predictor = AttributePredictor.Fit(attributes, leftOut, 3, options, 0.006);
        Say(clock, $"strength on later rows {StatementStrength.Choose(leftOut, attributes, predictor, options, 0.006):0.00000}");
        Say(clock, $"predictor fitted, attributes: {string.Join(", ", attributes.Words)}");
        double[] start = [.. model.TargetRanks(data.Valid).Select(r => RRec.Metrics.RankingMetrics.NdcgOf(r, 10))];
        foreach (int howMany in new[] { 4, 6, 8 })
            foreach (double c in new[] { 0.0015, 0.002, 0.003, 0.0045 })
            {
                float strength = (float)(c * unit);
                int[] ranks = new int[data.Valid.Count];
                Parallel.For(0, ranks.Length, i =>
                {
                    ReadOnlySpan<int> history = data.Valid[i].History.Items.Span;
                    float[] scores = model.Score(history);
                    bool[] named = new bool[attributes.Count];
                    foreach (int a in predictor.Name(attributes, history, howMany, options)) named[a] = true;
                    for (int item = 0; item < scores.Length; item++)
                        scores[item] += strength * attributes.OfItem[item].Count(a => named[a]);
                    ranks[i] = ItemItemModel.TargetRank(scores, data.Valid[i]);
                });
                Say(clock, string.Create(CultureInfo.InvariantCulture, $"naming {howMany}, strength {c}: {Metrics(ranks)}, {Relative([.. ranks.Select(r => RRec.Metrics.RankingMetrics.NdcgOf(r, 10))], start, data.Valid)}"));
            }
    }

    /// <summary>The paired difference of two rankings' NDCG in percent of the second, with its interval by user.</summary>
    internal static string Relative(double[] a, double[] b, IReadOnlyList<PurchaseRow> rows)
    {
        Interval gain = Bootstrap.Paired(a, b, [.. rows.Select(r => r.User!)]);
        double mean = b.Average();
        return string.Create(CultureInfo.InvariantCulture, $"{gain.Mean / mean:+0.0%;-0.0%} [{gain.Low / mean:+0.0%;-0.0%}, {gain.High / mean:+0.0%;-0.0%}]");
    }

    internal static string Metrics(int[] ranks) =>
        $"{ranks.Average(r => r <= 10 ? 1.0 : 0):0.0000}/{ranks.Average(r => r <= 10 ? 1 / Math.Log2(r + 1) : 0):0.0000}";

    internal static void Say(Stopwatch clock, string text) => Console.WriteLine($"[{clock.Elapsed.TotalSeconds,6:0.0}s] {text}");

    private static string Root()
    {
        DirectoryInfo? d = new(AppContext.BaseDirectory);
        while (d is not null && !File.Exists(Path.Combine(d.FullName, "RRec.MLNet.sln"))) d = d.Parent;
        return d?.FullName ?? ".";
    }
}
