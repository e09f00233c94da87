namespace RRec.Data;

/// <summary>
/// What a user bought before one point in time, oldest first, as indexes into the <see cref="Catalogue"/>. The memories may be slices
/// of one array per user, so a row costs no copy. Prompts show only the last <c>Window</c> entries; the mask uses all of them.
/// </summary>
/// <param name="Items">Catalogue indexes, oldest first; may be empty.</param>
/// <param name="Ratings">One per item, or empty where the log has no ratings.</param>
/// <param name="Timestamps">Unix time in milliseconds (UTC), one per item, or empty where the log has no times.</param>
/// <param name="Now">The moment of the question (the target's purchase time in training), unix milliseconds; null: unknown.</param>
public readonly record struct UserHistory(
    ReadOnlyMemory<int> Items,
    ReadOnlyMemory<float> Ratings = default,
    ReadOnlyMemory<long> Timestamps = default,
    long? Now = null);

/// <summary>A history and what was bought next: one training or evaluation example.</summary>
/// <param name="History">The earlier purchases.</param>
/// <param name="Target">The catalogue index of the item bought next.</param>
/// <param name="User">The user's key where the data has one: groups rows for intervals and for the catalogue backbone's folds.</param>
public sealed record PurchaseRow(UserHistory History, int Target, string? User = null);
