using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using RRec.MLNet;

namespace Microsoft.ML;

/// <summary>What RRec.MLNet adds to <c>mlContext.Recommendation()</c>. In ML.NET's own namespace, so that it needs no further <c>using</c>.</summary>
public static partial class R2ecCatalog
{
    /// <summary>
    /// Makes training and evaluation rows of a purchase log: one row per purchase, with everything the user bought before. The log may be
    /// in any order; ids may be text, keys or numbers, and come out as text.
    /// </summary>
    /// <remarks>
    /// The log is read once, into arrays by user; rows are made lazily by cursors, so full histories cost no memory per row. Rows are in the
    /// order of the label's time (ties: order of the log). Columns: see <see cref="HistoryColumns"/>.
    /// </remarks>
    /// <param name="catalog">The catalog.</param>
    /// <param name="log">One row per purchase.</param>
    /// <param name="userColumn">Who bought: text, key or number.</param>
    /// <param name="itemColumn">What: text, key or number.</param>
    /// <param name="timeColumn">When: a unix time in <paramref name="timestampUnit"/>, or a date.</param>
    /// <param name="ratingColumn">How the user liked it: a number; null where the log has no ratings.</param>
    /// <param name="kCore">Drop users and items with fewer than this many purchases, repeatedly; 0 or 1 (default) keeps all.</param>
    /// <param name="timestampUnit">The unit of a numeric <paramref name="timeColumn"/>; ignored for dates.</param>
    /// <param name="minimumHistory">How many earlier purchases a row must have; 1 by default, 0 also gives each user's first purchase a row.</param>
    /// <param name="duplicates">What to do where a user has an item more than once.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type, or a number is out of its range.</exception>
    /// <exception cref="InvalidOperationException">Nothing is left: an empty log, one that the k-core empties, or no user with enough purchases for a row.</exception>
    public static IDataView CreatePurchaseHistories(
        this RecommendationCatalog catalog,
        IDataView log,
        string userColumn,
        string itemColumn,
        string timeColumn,
        string? ratingColumn = null,
        int kCore = 0,
        TimestampUnit timestampUnit = TimestampUnit.Seconds,
        int minimumHistory = 1,
        DuplicatePurchases duplicates = DuplicatePurchases.Keep)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(kCore);
        ArgumentOutOfRangeException.ThrowIfNegative(minimumHistory);
        PurchaseLog purchases = ReadLog(catalog, log, userColumn, itemColumn, timeColumn, ratingColumn, timestampUnit, kCore, duplicates);
        PurchaseLogCounts counts = purchases.Counts;
        (int[] users, int[] positions) = purchases.InTimeOrder;
        int[] rows = [.. Enumerable.Range(0, users.Length).Where(i => positions[i] >= minimumHistory)];
        if (rows.Length == 0)
            throw new InvalidOperationException($"{counts.Purchases} purchases of {counts.Users} users give no row: a row needs minimumHistory = {minimumHistory} earlier purchases of its user, and nobody has so many.");
        HistoryView view = new HistoryView(purchases, users, positions).Select(rows);
        using IChannel channel = catalog.GetEnvironment().Start(nameof(CreatePurchaseHistories));
        channel.Info(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture,
            $"{counts.Purchases} purchases of {counts.Users} users and {counts.Items} items give {view.Count} rows (of {counts.Read} log rows, {counts.BelowCore} fell to the k-core, {counts.Duplicates} were duplicates)."));
        return view;
    }

    /// <summary>
    /// Makes rows to score of a purchase log: one row per user, with everything bought so far and no label. The counterpart of
    /// <see cref="CreatePurchaseHistories"/> for asking a trained model what comes next.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="log">One row per purchase, in any order.</param>
    /// <param name="userColumn">Who bought: text, key or number.</param>
    /// <param name="itemColumn">What: text, key or number.</param>
    /// <param name="timeColumn">When: a unix time in <paramref name="timestampUnit"/>, or a date.</param>
    /// <param name="ratingColumn">How the user liked it: a number; null where the log has no ratings.</param>
    /// <param name="now">The moment of the question; null: the rows have no <c>Timestamp</c>, and prompts speak of no times.</param>
    /// <param name="timestampUnit">The unit of a numeric <paramref name="timeColumn"/>; ignored for dates.</param>
    /// <param name="duplicates">What to do where a user has an item more than once; as in training.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type.</exception>
    /// <exception cref="InvalidOperationException">The log is empty.</exception>
    public static IDataView CreateCurrentHistories(
        this RecommendationCatalog catalog,
        IDataView log,
        string userColumn,
        string itemColumn,
        string timeColumn,
        string? ratingColumn = null,
        DateTimeOffset? now = null,
        TimestampUnit timestampUnit = TimestampUnit.Seconds,
        DuplicatePurchases duplicates = DuplicatePurchases.Keep)
    {
        PurchaseLog purchases = ReadLog(catalog, log, userColumn, itemColumn, timeColumn, ratingColumn, timestampUnit, kCore: 0, duplicates);
        int[] users = [.. Enumerable.Range(0, purchases.ItemsOf.Length).Where(u => purchases.ItemsOf[u].Length > 0)];
        return new HistoryView(purchases, users, [.. users.Select(u => purchases.ItemsOf[u].Length)], hasLabel: false, now?.ToUnixTimeMilliseconds());
    }

    /// <summary>
    /// Splits rows by time into training, validation and test rows. On a view of <see cref="CreatePurchaseHistories"/> and on any other view with
    /// a time; no row is copied. With the default fractions the cuts are at int(0.8 n) and int(0.9 n) of the rows in time order.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="histories">The rows. Where they are in no particular order, each part keeps the order that they have.</param>
    /// <param name="validationFraction">The share of validation rows, 0 to below 1; ignored by <see cref="TimeSplit.LeaveLastOut"/>.</param>
    /// <param name="testFraction">The share of test rows, 0 to below 1; ignored by <see cref="TimeSplit.LeaveLastOut"/>.</param>
    /// <param name="split">Two points in time for all, or the last two rows of each user.</param>
    /// <param name="timestampColumn">The label's time: a number (any unit) or a date.</param>
    /// <param name="userColumn">The user; needed by <see cref="TimeSplit.LeaveLastOut"/> only.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type, or the fractions leave no training rows.</exception>
    public static TrainValidationTestData TimeOrderedSplit(
        this RecommendationCatalog catalog,
        IDataView histories,
        double validationFraction = 0.1,
        double testFraction = 0.1,
        TimeSplit split = TimeSplit.GlobalTime,
        string timestampColumn = HistoryColumns.Timestamp,
        string userColumn = HistoryColumns.User)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(histories);
        ArgumentNullException.ThrowIfNull(timestampColumn);
        if (split == TimeSplit.GlobalTime)
        {
            CheckFraction(validationFraction, nameof(validationFraction));
            CheckFraction(testFraction, nameof(testFraction));
            if (validationFraction + testFraction >= 1)
                throw new ArgumentOutOfRangeException(nameof(testFraction), $"validationFraction {validationFraction} and testFraction {testFraction} leave no rows to train on: their sum must be below 1.");
        }

        ColumnRule.Check(histories.Schema, nameof(histories),
        [
            ColumnRule.Times("time", timestampColumn, true, false),
            ColumnRule.Ids("user", split == TimeSplit.LeaveLastOut ? userColumn : null, true, false),
        ]);
        return TimeOrderedSplitter.Split(histories, validationFraction, testFraction, split, timestampColumn, userColumn);
    }

    /// <summary>
    /// The items that occur in rows, as a label or in a history: a catalogue without what nobody ever bought (or what a k-core dropped).
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="items">One row per item.</param>
    /// <param name="itemIdColumn">The item's id: text, key or number.</param>
    /// <param name="histories">The rows; give all of them, not only the training set, to keep items that are first bought later.</param>
    /// <param name="historyItemsColumn">Vector of ids.</param>
    /// <param name="labelColumn">The id of the item bought next; null, or not in the data: only histories count.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type.</exception>
    public static IDataView KeepPurchasedItems(
        this RecommendationCatalog catalog,
        IDataView items,
        string itemIdColumn,
        IDataView histories,
        string historyItemsColumn = HistoryColumns.Items,
        string? labelColumn = HistoryColumns.Label)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(itemIdColumn);
        ArgumentNullException.ThrowIfNull(histories);
        ArgumentNullException.ThrowIfNull(historyItemsColumn);
        ColumnRule.Check(items.Schema, nameof(items), [ColumnRule.Ids("item id", itemIdColumn, true, false)]);
        ColumnRule.Check(histories.Schema, nameof(histories),
            [ColumnRule.Ids("history items", historyItemsColumn, true, true), ColumnRule.Ids("label", labelColumn, false, false)]);
        return PurchasedItems.Keep(items, itemIdColumn, histories, historyItemsColumn, labelColumn);
    }

    private static void CheckFraction(double fraction, string name)
    {
        if (!(fraction >= 0 && fraction < 1)) throw new ArgumentOutOfRangeException(name, fraction, "A fraction is 0 or more and below 1.");
    }

    // The gate of both methods that read a log, and the log's arrays.
    private static PurchaseLog ReadLog(RecommendationCatalog catalog, IDataView log, string userColumn, string itemColumn, string timeColumn, string? ratingColumn,
        TimestampUnit unit, int kCore, DuplicatePurchases duplicates)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(userColumn);
        ArgumentNullException.ThrowIfNull(itemColumn);
        ArgumentNullException.ThrowIfNull(timeColumn);
        ColumnRule.Check(log.Schema, nameof(log),
        [
            ColumnRule.Ids("user", userColumn, true, false),
            ColumnRule.Ids("item", itemColumn, true, false),
            ColumnRule.Times("time", timeColumn, true, false),
            ColumnRule.Numbers("rating", ratingColumn, true, false),
        ]);
        PurchaseLog purchases = Collect(log, userColumn, itemColumn, timeColumn, ratingColumn, unit).Build(kCore, duplicates);
        PurchaseLogCounts counts = purchases.Counts;
        if (counts.Purchases == 0)
        {
            throw new InvalidOperationException(counts.Read == 0
                ? "The purchase log is empty."
                : $"No purchase is left of {counts.Read} log rows: {counts.Missing} lacked a user, item or time, {counts.BelowCore} fell to kCore = {kCore}.");
        }

        if (counts.Missing > 0)
        {
            using IChannel channel = catalog.GetEnvironment().Start(nameof(CreatePurchaseHistories));
            channel.Warning(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture, $"{counts.Missing} log rows without user, item or time were left out."));
        }

        WarnOfTimes(catalog, purchases, timeColumn, unit);
        return purchases;
    }

    // A number says nothing of its unit, and a wrong one is no error: it only makes nonsense of every "so many days ago".
    private static void WarnOfTimes(RecommendationCatalog catalog, PurchaseLog purchases, string timeColumn, TimestampUnit unit)
    {
        IEnumerable<long[]> times = purchases.TimesOf.Where(t => t.Length > 0);
        long first = times.Min(t => t[0]), last = times.Max(t => t[^1]);
        bool late = last > LatestPlausible, early = first > 0 && last < EarliestPlausible && unit == TimestampUnit.Milliseconds;
        if (!late && !early) return;
        using IChannel channel = catalog.GetEnvironment().Start(nameof(CreatePurchaseHistories));
        channel.Warning(MessageSensitivity.None, $"The times in column '{timeColumn}' end {(late ? "behind the year 2200" : "before the year 1971")} if they are {unit}: is timestampUnit right?");
    }

    private static readonly long LatestPlausible = new DateTimeOffset(2200, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private static readonly long EarliestPlausible = new DateTimeOffset(1971, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static PurchaseLogBuilder Collect(IDataView log, string userColumn, string itemColumn, string timeColumn, string? ratingColumn, TimestampUnit unit)
    {
        DataViewSchema schema = log.Schema;
        List<DataViewSchema.Column> columns = [schema[userColumn], schema[itemColumn], schema[timeColumn]];
        if (ratingColumn is not null) columns.Add(schema[ratingColumn]);
        using DataViewRowCursor cursor = log.GetRowCursor(columns);
        ValueGetter<ReadOnlyMemory<char>> userGetter = AsText.Scalar(cursor, schema[userColumn]);
        ValueGetter<ReadOnlyMemory<char>> itemGetter = AsText.Scalar(cursor, schema[itemColumn]);
        ValueGetter<long> timeGetter = AsNumber.Time(cursor, schema[timeColumn], unit);
        ValueGetter<float>? ratingGetter = ratingColumn is null ? null : AsNumber.Rating(cursor, schema[ratingColumn]);

        PurchaseLogBuilder builder = new(ratingColumn is not null);
        ReadOnlyMemory<char> user = default, item = default;
        long time = 0;
        float rating = 0;
        while (cursor.MoveNext())
        {
            userGetter(ref user);
            itemGetter(ref item);
            timeGetter(ref time);
            ratingGetter?.Invoke(ref rating);
            builder.Add(user.Span, item.Span, time, rating);
        }

        return builder;
    }
}
