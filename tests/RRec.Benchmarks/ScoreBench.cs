using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.CatalogueBackbone;
using RRec.MLNet;

namespace RRec.Benchmarks;

/// <summary>The lazy view over many rows: rows a second, and whether memory grows with the rows (it must not).</summary>
internal static class ScoreBench
{
    private const int Items = 300;

    public static Command Command()
    {
        var command = new Command("score", "Rows per second of R2ecTransformer.Transform, and peak memory with N and with 10 N rows (a made catalogue backbone).");
        var rows = new Option<int>("--rows") { Description = "N.", DefaultValueFactory = _ => 2000 };
        command.Options.Add(rows);
        command.SetAction(r => Run(r.GetValue(rows)));
        return command;
    }

    private static void Run(int rows)
    {
        MLContext ml = new(seed: 1);
        R2ecTransformer model = ml.Recommendation().Trainers.R2ec(new R2ecTrainer.Options
        {
            Items = ml.Data.LoadFromEnumerable(Enumerable.Range(0, Items).Select(i => new Item { ItemId = $"i{i}", Title = $"Item number {i}", Kind = $"kind {i % 7}" }).ToArray()),
            CatalogueBackbone = new CatalogueBackboneOptions { HiddenSize = 128, DistillationSteps = 50, Folds = 0 },
            RunRecPO = false,
        }).Fit(ml.Data.LoadFromEnumerable(Rows(3000).ToArray()));

        Pass(ml, model, 200);   // everything is compiled and allocated once
        (double few, long peakFew) = Pass(ml, model, rows);
        (double many, long peakMany) = Pass(ml, model, 10 * rows);
        BenchLog.Write(JsonSerializer.Serialize(new
        {
            bench = "score", rows = 10 * rows, rowsPerSecond = Math.Round(10 * rows / many, 1), rowsPerSecondFew = Math.Round(rows / few, 1), peakMBFew = peakFew >> 20, peakMBMany = peakMany >> 20,
            historyItems = 40, catalogue = Items, threads = TorchSharp.torch.get_num_threads(),
        }));
    }

    private static (double Seconds, long PeakBytes) Pass(MLContext ml, R2ecTransformer model, int rows)
    {
        IDataView scored = model.Transform(ml.Data.LoadFromEnumerable(Rows(rows)));
        Stopwatch watch = Stopwatch.StartNew();
        long peak = 0;
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        VBuffer<float> scores = default;
        for (int n = 0; cursor.MoveNext(); n++)
        {
            getter(ref scores);
            if (n % 500 == 0) peak = Math.Max(peak, Environment.WorkingSet);
        }

        return (watch.Elapsed.TotalSeconds, peak);
    }

    private static IEnumerable<Row> Rows(int count)
    {
        Random random = new(5);
        for (int n = 0; n < count; n++)
        {
            int start = random.Next(Items);
            yield return new Row { UserId = $"u{n % 500}", HistoryItems = [.. Enumerable.Range(0, 40).Select(j => $"i{(start + 7 * j) % Items}")], Label = $"i{(start + 7 * 40) % Items}" };
        }
    }

    private sealed class Item
    {
        public string ItemId { get; set; } = "";
        public string Title { get; set; } = "";
        public string Kind { get; set; } = "";
    }

    private sealed class Row
    {
        public string UserId { get; set; } = "";
        public string[] HistoryItems { get; set; } = [];
        public string Label { get; set; } = "";
    }
}
