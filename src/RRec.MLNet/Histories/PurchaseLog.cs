namespace RRec.MLNet;

/// <summary>
/// A purchase log in memory, by user: dense arrays, each user's purchases oldest first. A history row is then only a user and a
/// position, which is what makes rows with hundreds of earlier items cheap: nothing is copied until a cursor asks for it.
/// </summary>
internal sealed class PurchaseLog
{
    /// <summary>User ids as text; position = the number that the arrays below go by.</summary>
    public required ReadOnlyMemory<char>[] Users { get; init; }

    /// <summary>Item ids as text; position = item number. Not the catalogue's index: the log knows no catalogue.</summary>
    public required ReadOnlyMemory<char>[] Items { get; init; }

    /// <summary>Item numbers by user, oldest first.</summary>
    public required int[][] ItemsOf { get; init; }

    /// <summary>Ratings by user, or null where the log has none.</summary>
    public required float[][]? RatingsOf { get; init; }

    /// <summary>Unix milliseconds by user.</summary>
    public required long[][] TimesOf { get; init; }

    /// <summary>All purchases in time order (ties: order of the log): the user and the position within the user.</summary>
    public required (int[] User, int[] Position) InTimeOrder { get; init; }

    /// <summary>What of the raw log was dropped and how much was kept.</summary>
    public required PurchaseLogCounts Counts { get; init; }
}

/// <summary>Figures for the log line of <c>CreatePurchaseHistories</c>.</summary>
internal readonly record struct PurchaseLogCounts(long Read, int Missing, int Duplicates, int BelowCore, int Purchases, int Users, int Items);
