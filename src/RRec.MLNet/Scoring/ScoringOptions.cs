namespace RRec.MLNet;

/// <summary>Everything of a transformer that is not the model: column names, what is written, how rows are batched. Saved with it.</summary>
internal sealed record ScoringOptions
{
    public string HistoryItems { get; init; } = HistoryColumns.Items;

    public string? HistoryRatings { get; init; } = HistoryColumns.Ratings;

    public string? HistoryTimestamps { get; init; } = HistoryColumns.Timestamps;

    public string? Timestamp { get; init; } = HistoryColumns.Timestamp;

    public string? Label { get; init; } = HistoryColumns.Label;

    public string? AllowedItems { get; init; }

    public string? ExcludedItems { get; init; }

    public TimestampUnit TimestampUnit { get; init; } = TimestampUnit.Milliseconds;

    /// <summary>What ratings are multiplied by to be out of 5, as the prompts show them.</summary>
    public float RatingFactor { get; init; } = 1;

    public string Reasoning { get; init; } = "Reasoning";

    public string PredictedItems { get; init; } = "PredictedItems";

    public string Score { get; init; } = "Score";

    public string? PredictedTitles { get; init; }

    public string? LabelRank { get; init; } = "LabelRank";

    /// <summary>How <c>WithItems</c> reads items.</summary>
    public ItemColumns ItemColumns { get; init; } = new();

    public int K { get; init; } = 20;

    public int BatchSize { get; init; } = 256;

    // Files of before have none of these three; the generated reader keeps an absent value's default only where there is a setter.

    /// <summary>Reasonings sampled per row, whose user vectors are averaged; 1: one, greedily.</summary>
    public int ReasoningSamples { get; set; } = 1;

    public double ReasoningTemperature { get; set; } = 1;

    public int ReasoningSeed { get; set; }

    /// <summary>The rules for input columns of scoring. The label is looked for, never demanded.</summary>
    public IEnumerable<ColumnRule> InputRules() =>
    [
        ColumnRule.Ids("history items", HistoryItems, true, true),
        ColumnRule.Numbers("history ratings", HistoryRatings, false, true),
        ColumnRule.Times("history times", HistoryTimestamps, false, true),
        ColumnRule.Times("time", Timestamp, false, false),
        ColumnRule.Ids("allowed items", AllowedItems, true, true),
        ColumnRule.Ids("excluded items", ExcludedItems, true, true),
    ];
}
