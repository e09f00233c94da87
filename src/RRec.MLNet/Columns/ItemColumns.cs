namespace RRec.MLNet;

/// <summary>How a view of items is read as a catalogue. Saved with the model, so that a changed catalogue is read as the first one was.</summary>
internal sealed record ItemColumns
{
    public string Id { get; init; } = R2ecTrainer.DefaultItemIdColumnName;

    public string Title { get; init; } = R2ecTrainer.DefaultTitleColumnName;

    /// <summary>Null: all text and numeric columns but id and title.</summary>
    public IReadOnlyList<AttributeColumn>? Attributes { get; init; }

    /// <summary>One character, or null.</summary>
    public string? Separator { get; init; } = "|";

    public int MaxWords { get; init; } = 100;
}

/// <param name="Column">The column.</param>
/// <param name="Label">What the prompt calls it.</param>
internal sealed record AttributeColumn(string Column, string Label);
