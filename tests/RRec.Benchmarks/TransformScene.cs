using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.MLNet;

namespace RRec.Benchmarks;

/// <summary>A made shop for benchmarks of the ML.NET surface: its items, rows of users who step through them, a fitted model, and a pass over a scored view.</summary>
internal sealed class TransformScene
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly int _items, _history;

    /// <param name="items">How many items the shop has.</param>
    /// <param name="history">How many of them a user has bought.</param>
    /// <param name="rows">How many rows the model is fitted on.</param>
    /// <param name="options">Everything but the items.</param>
    public TransformScene(int items, int history, int rows, R2ecTrainer.Options options)
    {
        (_items, _history) = (items, history);
        options.Items = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, items).Select(i => new Item { ItemId = $"i{i}", Title = $"Item number {i}", Kind = $"kind {i % 7}" }).ToArray());
        Model = _ml.Recommendation().Trainers.R2ec(options).Fit(View(rows));
    }

    public MLContext Context => _ml;

    public R2ecTransformer Model { get; }

    /// <summary>Seconds in which a view of so many rows is scored, from the first to the last.</summary>
    public double Pass(int rows)
    {
        Stopwatch clock = Stopwatch.StartNew();
        IDataView scored = Model.Transform(View(rows));
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

        return seen == rows ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException($"{seen} of {rows} rows came out.");
    }

    private IDataView View(int rows) => _ml.Data.LoadFromEnumerable(Rows(rows));

    // Made one by one: a million of them must not be what fills the memory.
    private IEnumerable<Row> Rows(int count)
    {
        for (int n = 0; n < count; n++)
        {
            long start = n * 7919L;
            yield return new Row { UserId = $"u{n}", HistoryItems = [.. Enumerable.Range(0, _history).Select(j => $"i{(start + 7 * j) % _items}")], Label = $"i{(start + 7 * _history) % _items}" };
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
