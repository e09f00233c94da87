namespace RRec.MLNet;

/// <summary>One user's history, for answers without a data view.</summary>
/// <param name="Items">Ids of all earlier purchases, oldest first; unknown ones are skipped.</param>
public sealed record PurchaseHistory(IReadOnlyList<string> Items)
{
    /// <summary>One rating per item, on the scale that the model was trained with; null: none.</summary>
    public IReadOnlyList<float>? Ratings { get; init; }

    /// <summary>One time per item; null: none.</summary>
    public IReadOnlyList<DateTimeOffset>? Times { get; init; }

    /// <summary>The moment of the question; null: unknown.</summary>
    public DateTimeOffset? Now { get; init; }
}

/// <summary>A recommended item.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Title">Its title.</param>
/// <param name="Score">Cosine / temperature.</param>
public readonly record struct RecommendedItem(string Id, string Title, float Score);

/// <summary>A piece of an answer that is being written.</summary>
/// <param name="Text">What was written since the last piece; the pieces add up to the reasoning as it was written (the column leaves out blanks and commas at its end). Often empty in the last one.</param>
/// <param name="Items">With the last piece: the ranked items, best first; null before.</param>
public readonly record struct ReasoningChunk(string Text, IReadOnlyList<RecommendedItem>? Items);
