using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML;
using RRec.MLNet;
using RRec.Metrics;
using Spectre.Console;

namespace MovieLens;

/// <summary>Collects what was measured on one fixed set of test rows, prints it and writes it down.</summary>
internal sealed class Report(MLContext ml, IDataView test)
{
    private sealed class Scored
    {
        public string UserId { get; set; } = "";
        public float LabelRank { get; set; }
    }

    private sealed record Row(string Model, int[] Ranks, string[] Users);

    private readonly List<Row> _rows = [];
    private readonly Dictionary<string, Row> _valid = [];
    private readonly string[] _users = [.. ml.Data.CreateEnumerable<HistoryRow>(test, reuseRowObject: true).Select(r => r.UserId)];

    public void Add(string name, int[] ranks) => _rows.Add(new Row(name, ranks, _users));

    /// <summary>Ranks the test rows and, for the gain of RecPO, the validation rows.</summary>
    public void Add(string name, R2ecTransformer model, IDataView valid)
    {
        _rows.Add(Rank(name, model, test));
        _valid[name] = Rank(name, model, valid);
    }

    private Row Rank(string name, R2ecTransformer model, IDataView view)
    {
        List<Scored> scored = [.. ml.Data.CreateEnumerable<Scored>(model.Transform(view), reuseRowObject: false)];
        return new Row(name, [.. scored.Select(s => float.IsNaN(s.LabelRank) ? int.MaxValue : (int)s.LabelRank)], [.. scored.Select(s => s.UserId)]);
    }

    private static double[] Gains(Row row) => [.. row.Ranks.Select(r => RankingMetrics.NdcgOf(r, 10))];

    /// <summary>Mean NDCG@10 of the validation rows after RecPO minus before, paired by row, resampled by user.</summary>
    private Interval GainOfRecPO() => Bootstrap.Paired(Gains(_valid["R2ec"]), Gains(_valid["R2ec before RecPO"]), _valid["R2ec"].Users);

    /// <summary>Mean NDCG@10 of the test rows, R2ec minus EASE, paired by row, resampled by user.</summary>
    private Interval LeadOverEase() => Bootstrap.Paired(Gains(_rows.Single(r => r.Model == "R2ec")), Gains(_rows.Single(r => r.Model == "EASE")), _users);

    public void Print()
    {
        Table table = new() { Border = TableBorder.Simple };
        foreach (string heading in (string[])[$"{_users.Length} test rows", "Hit@5", "Hit@10", "Hit@20", "NDCG@10 [95%]", "MRR"])
            table.AddColumn(new TableColumn(Markup.Escape(heading)).NoWrap().PadRight(1));
        foreach (Row row in _rows)
        {
            RankingMetrics m = new(row.Ranks);
            table.AddRow(row.Model, Text(m.HitRate(5)), Text(m.HitRate(10)), Text(m.HitRate(20)), Markup.Escape(Short(Bootstrap.ByUser(Gains(row), row.Users))), Text(m.Mrr));
        }

        AnsiConsole.Write(table);
        Console.WriteLine($"R2ec minus EASE, NDCG@10 on the test rows (paired, by user): {LeadOverEase()}");
        Interval gain = GainOfRecPO();
        Console.WriteLine($"RecPO's gain over its own start, NDCG@10 on {_valid["R2ec"].Ranks.Length} validation rows (paired, by user): {gain}");
        if (gain.Low <= 0)
            Console.WriteLine(gain.Mean <= 0
                ? "  not above 0: the start already says what its predictor expects, and a small rate, which the ranking needs to survive, moves little (docs/recpo.md)"
                : "  the interval holds 0: the start already says what its predictor expects; what is left to gain is too small for this many users to be told from chance (docs/recpo.md)");
        static string Short(Interval i) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{i.Mean:0.0000} [{i.Low:.000}, {i.High:.000}]");
        static string Text(double value) => value.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Write(string path, string? backbone, int seed, IReadOnlyDictionary<string, double> seconds)
    {
        Interval gain = GainOfRecPO();
        object result = new
        {
            data = "ml-latest-small, 5-core, global time split",
            testRows = _users.Length,
            seed,
            backbone = backbone ?? "catalogue",
            models = _rows.Select(row => new
            {
                model = row.Model,
                hit5 = new RankingMetrics(row.Ranks).HitRate(5),
                hit10 = new RankingMetrics(row.Ranks).HitRate(10),
                hit20 = new RankingMetrics(row.Ranks).HitRate(20),
                ndcg10 = new RankingMetrics(row.Ranks).Ndcg(10),
                ndcg10_lo = Bootstrap.ByUser(Gains(row), row.Users).Low,
                ndcg10_hi = Bootstrap.ByUser(Gains(row), row.Users).High,
                mrr = new RankingMetrics(row.Ranks).Mrr,
            }),
            testLeadOverEase = new { ndcg10 = LeadOverEase().Mean, lo = LeadOverEase().Low, hi = LeadOverEase().High },
            validGainOfRecPO = new { rows = _valid["R2ec"].Ranks.Length, ndcg10 = gain.Mean, lo = gain.Low, hi = gain.High },
            seconds = seconds.ToDictionary(s => s.Key, s => Math.Round(s.Value, 1)),
            versions = new
            {
                rrec = typeof(R2ecTrainer).Assembly.GetName().Version?.ToString(),
                dotnet = RuntimeInformation.FrameworkDescription,
                libtorch = TorchSharp.torch.__version__,
            },
        };
        File.WriteAllText(path, JsonSerializer.Serialize(result, new JsonSerializerOptions { WriteIndented = true }));
    }
}
