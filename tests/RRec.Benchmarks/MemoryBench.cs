using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.CatalogueBackbone;
using RRec.MLNet;

namespace RRec.Benchmarks;

/// <summary>How much more memory ten times the rows need in one pass of <see cref="R2ecTransformer.Transform"/>: nothing to speak of, because a cursor holds one batch. One JSON line.</summary>
internal static class MemoryBench
{
    private const int Items = 50, AllowedMB = 50;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { Description = "Rows of the large pass; the small one has a tenth.", DefaultValueFactory = _ => 1_000_000 };
        Command command = new("memory", "Peak memory of Transform over 1 M rows against 100 k (a tiny made backbone without reasoning).") { rows };
        command.SetAction(r => Run(r.GetValue(rows)));
        return command;
    }

    private static int Run(int rows)
    {
        MLContext ml = new(seed: 1);
        R2ecTransformer model = ml.Recommendation().Trainers.R2ec(new R2ecTrainer.Options
        {
            Items = ml.Data.LoadFromEnumerable(Enumerable.Range(0, Items).Select(i => new Item { ItemId = $"i{i}", Title = $"Item {i}" }).ToArray()),
            CatalogueBackbone = new CatalogueBackboneOptions { HiddenSize = 128, DistillationSteps = 20, Folds = 0, NamedAttributes = 0, WordMerges = 50 },
            WarmUp = new() { Steps = 0 }, RunRecPO = false, UseReasoning = false, Window = 2, K = 5,
        }).Fit(ml.Data.LoadFromEnumerable(Rows(500).ToArray()));

        Pass(ml, model, rows / 10); // code is compiled and buffers have grown; peaks are those of the process and only rise
        (double seconds, double small) = Pass(ml, model, rows / 10);
        (double secondsLarge, double large) = Pass(ml, model, rows);
        double more = large - small;
        BenchLog.Write(JsonSerializer.Serialize(new
        {
            name = "memory", rows, peakMB = Math.Round(large, 1), rowsFew = rows / 10, peakMBFew = Math.Round(small, 1), moreMB = Math.Round(more, 1), allowedMB = AllowedMB,
            rowsPerSecond = Math.Round(rows / secondsLarge), rowsPerSecondFew = Math.Round(rows / 10 / seconds), threads = TorchSharp.torch.get_num_threads(),
        }));
        return more < AllowedMB ? 0 : 1;
    }

    // The peak of the process's resident memory after the pass, in MB.
    private static (double Seconds, double PeakMB) Pass(MLContext ml, R2ecTransformer model, int rows)
    {
        Stopwatch clock = Stopwatch.StartNew();
        IDataView scored = model.Transform(ml.Data.LoadFromEnumerable(Rows(rows)));
        using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
        ValueGetter<VBuffer<float>> score = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> items = cursor.GetGetter<VBuffer<ReadOnlyMemory<char>>>(scored.Schema["PredictedItems"]);
        VBuffer<float> scores = default;
        VBuffer<ReadOnlyMemory<char>> ids = default;
        long seen = 0;
        while (cursor.MoveNext())
        {
            score(ref scores);
            items(ref ids);
            seen++;
        }

        if (seen != rows) throw new InvalidOperationException($"{seen} of {rows} rows came out.");
        using Process process = Process.GetCurrentProcess();
        return (clock.Elapsed.TotalSeconds, process.PeakWorkingSet64 / 1e6);
    }

    private static IEnumerable<Row> Rows(int count)
    {
        for (int n = 0; n < count; n++)
            yield return new Row { UserId = $"u{n}", HistoryItems = [$"i{n % Items}", $"i{n * 7L % Items}", $"i{(n * 3L + 1) % Items}"], Label = $"i{(n * 3L + 2) % Items}" };
    }

    private sealed class Item
    {
        public string ItemId { get; set; } = "";
        public string Title { get; set; } = "";
    }

    private sealed class Row
    {
        public string UserId { get; set; } = "";
        public string[] HistoryItems { get; set; } = [];
        public string Label { get; set; } = "";
    }
}
