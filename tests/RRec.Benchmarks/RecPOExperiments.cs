using System.Diagnostics;
using System.Globalization;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Metrics;
using RRec.RecPO;
using RRec.TestSupport;
using RRec.WarmUp;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>
/// RecPO settings side by side from one catalogue backbone of ml-latest-small: the whole algorithm, the item loss alone, and both from a start that does not
/// know what is worth saying. Valid rows only.
/// </summary>
internal static class RecPOExperiments
{
    /// <param name="data">The data.</param>
    /// <param name="clock">Since the command's start.</param>
    /// <param name="args">Hidden size, then one setting list each: name=value pairs with commas (see <see cref="Parse"/>).</param>
    public static void Run(MovieLens data, Stopwatch clock, string[] args)
    {
        string folder = Path.Combine(Path.GetTempPath(), "rrec-recpo-" + Guid.NewGuid().ToString("n"));
        try
        {
            string[] start0 = args[0].Split(':');
            CatalogueBackboneOptions options = new() { HiddenSize = int.Parse(start0[0], CultureInfo.InvariantCulture), Seed = start0.Length > 2 ? int.Parse(start0[2], CultureInfo.InvariantCulture) : 1 };
            double share = start0.Length > 1 ? double.Parse(start0[1], CultureInfo.InvariantCulture) : 1;
            PurchaseRow[] wired = [.. data.Train.Take((int)(share * data.Train.Count))], later = [.. data.Train.Skip(wired.Length)];
            using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(data.Catalogue, wired, options, folder);
            CatalogueExperiments.Say(clock, $"built, strength {guide.StatementStrength:0.00000}");
            double[] plain = [];
            PurchaseRow[] rows = Rows(data);
            Dictionary<bool, double[]> starts = [];
            Dictionary<string, double[]> ends = [];
            foreach (string setting in args.Skip(1).SelectMany(a => a == "-" ? Lines() : [a]))
            {
                Dictionary<string, string> values = Parse(setting);
                using R2ecModel model = R2ecModel.Open(folder, data.Catalogue, new R2ecSettings { MaxNewTokens = 8, Temperature = 0.03, MaxItemTokens = 64 });
                model.Settings = model.Settings with { Temperature = WarmUpTrainer.Train(model, wired, new WarmUpOptions { Steps = 0 }, guide).Temperature, ReasoningTokens = guide.ReasoningTokens };
                bool uninformed = values.Remove("uninformed");
                if (uninformed) Forget(model, options);
                if (plain.Length == 0) plain = Gains(model, data, false);
                if (!starts.TryGetValue(uninformed, out double[]? start)) starts[uninformed] = start = Gains(model, data, true);
                CatalogueExperiments.Say(clock, $"{setting}: temperature {model.Settings.Temperature:0.000}, without reasoning {plain.Average():0.0000}, start {start.Average():0.0000}, {CatalogueExperiments.Relative(start, plain, rows)} of without");
                if (values.Count == 0) continue;
                RecPOOptions recpo = Options(values, guide, model);
                if (later.Length > 0) recpo = recpo with { EmbeddingDelta = null };
                long began = clock.ElapsedMilliseconds;
                double reward = 0, first = 0, entropy = 0, rollout = 0;
                int tenth = Math.Max(1, recpo.MaxSteps / 5);
                RecPOTrainer.Train(model, later.Length > 0 ? later : data.Train, data.Valid, recpo, new CatalogueExperiments.Reporter(p =>
                {
                    if (p.StepMetrics is not { } m) return;
                    if (p.Step <= tenth) first += m.NdcgMean / tenth;
                    if (p.Step > recpo.MaxSteps - tenth) (reward, entropy) = (reward + m.NdcgMean / tenth, entropy + m.Entropy / tenth);
                    rollout += m.RolloutSeconds;
                }));
                double seconds = (clock.ElapsedMilliseconds - began) / 1000.0;
                double[] end = Gains(model, data, true), endPlain = Gains(model, data, false);
                ends[setting] = end;
                CatalogueExperiments.Say(clock, string.Create(CultureInfo.InvariantCulture,
                    $"    {seconds:0} s (rollouts {rollout:0} s), reward {first:0.0000} to {reward:0.0000}, entropy {entropy:0.00}; end {end.Average():0.0000}, {CatalogueExperiments.Relative(end, start, rows)} of the start; without reasoning {endPlain.Average():0.0000}, {CatalogueExperiments.Relative(end, endPlain, rows)} of that; {CatalogueExperiments.Relative(end, plain, rows)} of the wired one without"));
                foreach ((string other, double[] gains) in ends)
                    if (other != setting) CatalogueExperiments.Say(clock, $"        {CatalogueExperiments.Relative(end, gains, rows)} of {other}");
            }
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, true);
        }
    }

    private static IEnumerable<string> Lines()
    {
        while (Console.ReadLine() is { } line) yield return line;
    }

    private static Dictionary<string, string> Parse(string setting) =>
        setting.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=')).ToDictionary(p => p[0], p => p.Length > 1 ? p[1] : "");

    private static RecPOOptions Options(Dictionary<string, string> values, CatalogueBackboneGuide guide, R2ecModel model)
    {
        double Number(string name, double otherwise) => values.TryGetValue(name, out string? v) ? double.Parse(v, CultureInfo.InvariantCulture) : otherwise;
        int steps = (int)Number("steps", 60);
        return RecPOOptions.Cpu with
        {
            MaxSteps = steps, Epochs = 1000, LearningRate = Number("rate", 1e-3), PolicyLossWeight = Number("policy", 1), ItemLossWeight = Number("item", 0.1),
            UsersPerStep = (int)Number("users", 64), TrajectoriesPerUser = (int)Number("group", 8), EntropyBonus = Number("entropy", 0), SoftmaxWeight = Number("beta", 0.05), RewardTargets = (int)Number("targets", 1), AdamEpsilon = Number("eps", 1e-8), Schedule = LearningRateShape.Linear, FinalLearningRateShare = Number("final", 0.1), RateWarmUpSteps = (int)Number("warm", 5),
            RelabelTopK = (int)Number("relabel", 2), Seed = (int)Number("seed", 0), ClipNorm = Number("clip", 1), RestoreBest = false, EvaluationRows = 1, EvaluationSteps = steps, EvaluateAtStart = false,
            TrainOnly = values.GetValueOrDefault("only", "layers.1.self_attn.o_proj"), EmbeddingDelta = guide.Folds, InnerUpdates = (int)Number("inner", 1),
            AuxiliaryLoss = Number("anchor", 0) is > 0 and double weight ? new RankingAnchor(model, guide, new WarmUpOptions { UniformCandidates = 150, LabelCandidates = 100 }, weight) : null,
        };
    }

    // The heads that turn the history into wishes fall silent: all statements are alike before the first reward.
    internal static void Forget(R2ecModel model, CatalogueBackboneOptions options)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        WiringLayout layout = new(options.HiddenSize);
        model.Backbone.HuggingFaceWeights()["model.layers.1.self_attn.o_proj.weight"].narrow(0, layout.Wish, SpokenAttributes.Limit)
            .narrow(1, WiringLayout.AttributeHead * WiringLayout.Head, layout.AttributeMeans * WiringLayout.Head).zero_();
    }

    // Every other valid row: many settings are compared.
    private static PurchaseRow[] Rows(MovieLens data) => [.. data.Valid.Where((_, i) => i % 2 == 0)];

    private static double[] Gains(R2ecModel model, MovieLens data, bool reasoning)
    {
        model.EncodeItems();
        PurchaseRow[] rows = Rows(data);
        return [.. model.Recommend([.. rows.Select(r => r.History)], new RecommendRequest { K = 1, UseReasoning = reasoning, Labels = [.. rows.Select(r => r.Target)] }, default)
            .Select(a => RankingMetrics.NdcgOf(a.LabelRank!.Value, 10))];
    }
}
