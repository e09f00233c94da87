using System.CommandLine;
using System.Diagnostics;
using RRec.Data;
using RRec.Metrics;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>The protocol of docs/quality.md in one command: baselines, ours with several seeds, docs/quality.json and the tables of docs/quality.md.</summary>
internal static class QualityBench
{
    private static readonly string[] Names = [.. Baselines.All.Select(b => b.Name), .. OurModels.All, .. UninformedModels.All];

    // What is compared with what, seed by seed.
    private static readonly (string Model, string Against)[] Compared =
    [
        (OurModels.Everything, OurModels.Plain), (OurModels.Everything, OurModels.Exchanged), (OurModels.Everything, OurModels.ItemLoss), (OurModels.Everything, OurModels.WarmUp),
        (OurModels.Sampled, OurModels.Plain), (OurModels.Sampled, OurModels.Everything), (UninformedModels.Recpo, UninformedModels.ItemLoss), (UninformedModels.Recpo, UninformedModels.Start),
        (UninformedModels.Recpo, UninformedModels.Plain), (UninformedModels.Recpo, UninformedModels.Told), (UninformedModels.Told, UninformedModels.Plain),
    ];

    public static Command Command()
    {
        Command command = new("quality", "ml-latest-small: baselines and R2ec, validation rows unless --test; writes docs/quality.json and the tables of docs/quality.md.");
        Option<string> models = new("--models") { Description = $"Comma-separated, of: {string.Join(", ", Names)}. EASE and the blend are always fitted.", DefaultValueFactory = _ => string.Join(',', Names) };
        Option<string> seeds = new("--seeds") { Description = "Seeds of ours, comma-separated.", DefaultValueFactory = _ => "1,2,3" };
        Option<string?> split = new("--split") { Description = "valid, test or both; the last two need --test. Without it: valid, or both where --test is given. Models are fitted once for both." };
        Option<bool> test = new("--test") { Description = "Ranks the test rows. For the end of a study only; each use is logged in docs/quality-runs.jsonl." };
        command.Options.Add(models);
        command.Options.Add(seeds);
        command.Options.Add(split);
        command.Options.Add(test);
        command.SetAction(parsed =>
        {
            string[] wanted = parsed.GetValue(models)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            string[] unknown = [.. wanted.Except(Names)];
            bool onTest = parsed.GetValue(test);
            string rows = parsed.GetValue(split) ?? (onTest ? "both" : "valid");
            List<string> wrong = [];
            if (unknown.Length > 0) wrong.Add($"--models names {string.Join(", ", unknown)}; there are {string.Join(", ", Names)}.");
            if (rows is not ("valid" or "test" or "both")) wrong.Add($"--split is {rows}; it must be valid, test or both.");
            if (rows is "test" or "both" && !onTest) wrong.Add($"--split {rows} needs --test as well: choices are made on validation rows.");
            int[] numbers = [.. parsed.GetValue(seeds)!.Split(',').Select(s => int.TryParse(s, out int n) && n > 0 ? n : -1)];
            if (numbers.Contains(-1)) wrong.Add("--seeds must be numbers above 0, comma-separated.");
            foreach (string sentence in wrong) Console.Error.WriteLine(sentence);
            if (wrong.Count > 0) return 2;
            Run([.. wanted], numbers, rows);
            return 0;
        });
        return command;
    }

    /// <summary>The place of a model in the tables.</summary>
    public static int Order(string model) => Array.IndexOf(Names, model) is >= 0 and var at ? at : Names.Length;

    private static void Run(HashSet<string> wanted, int[] seeds, string split)
    {
        if (split != "valid") TestUse.Log(TimeProvider.System);
        Stopwatch clock = Stopwatch.StartNew();
        MovieLens data = QualityData.Load(test: false).All;
        QualityData[] sets = split == "both" ? [QualityData.Load(false, 0, data), QualityData.Load(true, 0, data)] : [QualityData.Load(split == "test", 0, data)];
        foreach (QualityData set in sets) CatalogueExperiments.Say(clock, $"{set.Rows.Count} {set.Split} rows, {set.Slices().Last().Rows.Length} of them with a target that training never saw");
        Found[] found = [.. sets.Select(_ => new Found())];
        void Add(string model, int seed, Func<IReadOnlyList<PurchaseRow>, int[]> ranks, Measured cost)
        {
            for (int s = 0; s < sets.Length; s++)
            {
                long began = Stopwatch.GetTimestamp();
                int[] of = ranks(sets[s].Rows);
                double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
                found[s][(model, seed)] = (of, cost);
                CatalogueExperiments.Say(clock, $"{model} {(seed > 0 ? $"seed {seed} " : "")}{sets[s].Split} {new RankingMetrics(of)}, {cost.Seconds:0} s, {cost.PeakMegabytes:0} MB; ranked in {seconds:0} s");
            }
        }

        foreach ((string name, var fit) in Baselines.All)
        {
            if (!wanted.Contains(name) && name is not (Baselines.Ease or Baselines.Blend)) continue;
            (Func<IReadOnlyList<PurchaseRow>, int[]> ranks, Measured cost) = Measured.Of(() => fit(data));
            Add(name, 0, ranks, cost);
        }
        foreach (int seed in seeds)
        {
            string? told = null;
            new OurModels(data, seed, wanted, new CatalogueExperiments.Reporter(p =>
            {
                string now = p.Evaluation is { } e ? $"{p.Phase} {p.Step}: valid {e}" : p.Phase.ToString();
                if (now != told) CatalogueExperiments.Say(clock, $"  {told = now}");
            })).Run((model, ranks, cost) => Add(model, seed, ranks, cost));
            new UninformedModels(data, seed, wanted).Run((model, ranks, cost) => Add(model, seed, ranks, cost));
            for (int s = 0; s < sets.Length; s++) Write(sets[s], found[s], wanted);   // a long run that ends early has written its finished seeds
        }
        CatalogueExperiments.Say(clock, "docs/quality.json, docs/quality-pairs.json and the tables of docs/quality.md written");
    }

    private static void Write(QualityData data, Found found, HashSet<string> wanted)
    {
        string docs = Path.Combine(BenchLog.RepositoryRoot, "docs");
        int[] ease = found[(Baselines.Ease, 0)].Ranks, blend = found[(Baselines.Blend, 0)].Ranks;
        List<QualityRecord> records = [];
        List<QualityPair> pairs = [];
        foreach ((string slice, int[] rows) in data.Slices())
        {
            if (rows.Length == 0) continue;
            int[] Of(int[] ranks) => [.. rows.Select(i => ranks[i])];
            string[] users = [.. rows.Select(i => data.Users[i])];
            foreach (((string model, int seed), (int[] ranks, Measured cost)) in found)
            {
                if (wanted.Contains(model)) records.Add(QualityRecord.Of(model, seed, slice, data.Split, Of(ranks), users, Of(ease), Of(blend), cost));
                foreach ((_, string against) in Compared.Where(c => c.Model == model))
                    if (found.TryGetValue((against, seed), out var other)) pairs.Add(QualityPair.Of(model, against, seed, slice, data.Split, Of(ranks), Of(other.Ranks), users));
            }
        }
        QualityTables.Write(Path.Combine(docs, "quality.md"), QualityFiles.Merge(Path.Combine(docs, "quality.json"), records), QualityFiles.Merge(Path.Combine(docs, "quality-pairs.json"), pairs));
    }

    /// <summary>Ranks of one set of rows and what the fit cost, by model and seed.</summary>
    private sealed class Found : Dictionary<(string Model, int Seed), (int[] Ranks, Measured Cost)>;
}
