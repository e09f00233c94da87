using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

/// <summary>A row as a user of ML.NET would declare it.</summary>
public class HistoryRow
{
    public string UserId { get; set; } = "";
    public string[] HistoryItems { get; set; } = [];
    public float[] HistoryRatings { get; set; } = [];
    public long[] HistoryTimestamps { get; set; } = [];
    public long Timestamp { get; set; }
    public string Label { get; set; } = "";
    public int Number { get; set; }
    public float Real { get; set; }
}

/// <summary>The same without anything that is optional.</summary>
public class BareRow
{
    public string[] HistoryItems { get; set; } = [];
}

/// <summary>What scoring adds.</summary>
public class Answer
{
    public string Reasoning { get; set; } = "";
    public string[] PredictedItems { get; set; } = [];
    public float[] Score { get; set; } = [];
}

public class AnswerWithRank : Answer
{
    public float LabelRank { get; set; }
    public int Number { get; set; }
    public string[] HistoryItems { get; set; } = [];
}

internal static class Rows
{
    /// <summary>Row n has n % 7 history items ending at item n % items; its label is the item after.</summary>
    public static HistoryRow Make(int n, int items)
    {
        int length = n % 7;
        int[] history = [.. Enumerable.Range(0, length).Select(j => (n + j) % items)];
        return new HistoryRow
        {
            UserId = $"u{n % 5}",
            HistoryItems = [.. history.Select(i => $"i{i}")],
            HistoryRatings = [.. history.Select(_ => 4f)],
            HistoryTimestamps = [.. history.Select(i => 1000L + i)],
            Timestamp = 5000 + n,
            Label = $"i{(n + length) % items}",
            Number = n,
            Real = n,
        };
    }

    public static IDataView View(MLContext ml, int rows, int items) => ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(n => Make(n, items)).ToArray());

    public static R2ecTransformer Transformer(MLContext ml, FakeRecommender fake, int k = 5, int batch = 16, Func<ScoringOptions, ScoringOptions>? change = null)
    {
        ScoringOptions options = new() { K = k, BatchSize = batch };
        return new R2ecTransformer(ml, fake, change is null ? options : change(options));
    }

    public static List<T> Column<T>(IDataView view, string name)
    {
        List<T> values = [];
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema[name]]);
        ValueGetter<T> getter = cursor.GetGetter<T>(view.Schema[name]);
        while (cursor.MoveNext())
        {
            T value = default!;
            getter(ref value);
            values.Add(value);
        }

        return values;
    }

    public static List<string> Texts(IDataView view, string name) => [.. Column<ReadOnlyMemory<char>>(view, name).Select(t => t.ToString())];

    public static string[] Strings(in VBuffer<ReadOnlyMemory<char>> texts) => [.. texts.DenseValues().Select(t => t.ToString())];
}
