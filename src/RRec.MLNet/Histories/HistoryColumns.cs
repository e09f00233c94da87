namespace RRec.MLNet;

/// <summary>The names of the columns that <c>CreatePurchaseHistories</c> makes and that the trainer reads by default.</summary>
public static class HistoryColumns
{
    /// <summary>Text: who bought.</summary>
    public const string User = "UserId";

    /// <summary>Vector of text: ids of all earlier purchases of the user, oldest first.</summary>
    public const string Items = "HistoryItems";

    /// <summary>Vector of Single: one rating per earlier purchase; only where the log has ratings.</summary>
    public const string Ratings = "HistoryRatings";

    /// <summary>Vector of Int64: one time per earlier purchase, unix milliseconds (UTC).</summary>
    public const string Timestamps = "HistoryTimestamps";

    /// <summary>Int64: when the label was bought, unix milliseconds (UTC).</summary>
    public const string Timestamp = "Timestamp";

    /// <summary>Text: the id of the item bought next.</summary>
    public const string Label = "Label";
}
