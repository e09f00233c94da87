using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// Training rows for the engine. A view of <c>CreatePurchaseHistories</c> (also split by time) is read from its arrays: every row is a slice
/// of its user's purchases. Any other view is read through a cursor.
/// </summary>
internal static class PurchaseRows
{
    /// <exception cref="InvalidOperationException">No rows.</exception>
    /// <exception cref="ArgumentException">A label that the catalogue lacks; names it, its row and column.</exception>
    public static IReadOnlyList<PurchaseRow> Read(IDataView view, string what, R2ecTrainer.Options options, CatalogueIndex index, Action<string> warn)
    {
        ScoringOptions columns = options.ToScoringOptions();
        IReadOnlyList<PurchaseRow> rows = view is HistoryView { HasLabel: true } histories && HasDefaultNames(columns)
            ? FromLog(histories, what, columns, index, warn)
            : FromCursor(view, what, options, columns, index, warn);
        if (rows.Count == 0) throw new InvalidOperationException($"The {what} data has no rows{(what == "validation" ? "; leave it out to train without" : "")}.");
        return rows;
    }

    private static bool HasDefaultNames(ScoringOptions columns) =>
        columns is { HistoryItems: HistoryColumns.Items, Label: HistoryColumns.Label, TimestampUnit: TimestampUnit.Milliseconds }
        && columns.HistoryRatings is null or HistoryColumns.Ratings && columns.HistoryTimestamps is null or HistoryColumns.Timestamps
        && columns.Timestamp is null or HistoryColumns.Timestamp;

    private static List<PurchaseRow> FromLog(HistoryView view, string what, ScoringOptions columns, CatalogueIndex index, Action<string> warn)
    {
        PurchaseLog log = view.Log;
        int[] indexOf = [.. log.Items.Select(id => index.Find(id.Span))];
        UserArrays?[] users = new UserArrays?[log.Users.Length];
        List<PurchaseRow> rows = new(view.Count);
        long unknown = 0, entries = 0;
        for (int r = 0; r < view.Count; r++)
        {
            (int user, int position) = view[r];
            UserArrays of = users[user] ??= new UserArrays(log, user, indexOf, columns);
            int target = indexOf[log.ItemsOf[user][position]];
            if (target < 0) throw UnknownLabel(what, r, columns.Label!, log.Items[log.ItemsOf[user][position]].ToString(), index);
            int known = of.KnownBefore[position];
            entries += position;
            unknown += position - known;
            UserHistory history = new(of.Items.AsMemory(0, known), of.Ratings.AsMemory(0, of.Ratings.Length == 0 ? 0 : known),
                of.Times.AsMemory(0, of.Times.Length == 0 ? 0 : known), columns.Timestamp is null ? null : log.TimesOf[user][position]);
            rows.Add(new PurchaseRow(history, target, of.User));
        }

        WarnUnknown(unknown, entries, what, warn);
        return rows;
    }

    /// <summary>One user's purchases as catalogue indexes, unknown items left out; rows are slices from the beginning.</summary>
    private sealed class UserArrays
    {
        public UserArrays(PurchaseLog log, int user, int[] indexOf, ScoringOptions columns)
        {
            User = log.Users[user].ToString();
            int[] items = log.ItemsOf[user];
            KnownBefore = new int[items.Length + 1];
            for (int i = 0; i < items.Length; i++) KnownBefore[i + 1] = KnownBefore[i] + (indexOf[items[i]] >= 0 ? 1 : 0);
            Items = Known(items, items).Select(i => indexOf[i]).ToArray();
            Ratings = columns.HistoryRatings is null || log.RatingsOf is null ? [] : Known(items, log.RatingsOf[user]);
            Times = columns.HistoryTimestamps is null ? [] : Known(items, log.TimesOf[user]);
            if (columns.RatingFactor != 1)
                for (int i = 0; i < Ratings.Length; i++) Ratings[i] *= columns.RatingFactor;

            T[] Known<T>(int[] ids, T[] values) => [.. values.Where((_, i) => indexOf[ids[i]] >= 0)];
        }

        public string User { get; }

        public int[] KnownBefore { get; }

        public int[] Items { get; }

        public float[] Ratings { get; }

        public long[] Times { get; }
    }

    private static List<PurchaseRow> FromCursor(IDataView view, string what, R2ecTrainer.Options options, ScoringOptions columns, CatalogueIndex index, Action<string> warn)
    {
        DataViewSchema.Column? userColumn = options.UserColumnName is null ? null : view.Schema.GetColumnOrNull(options.UserColumnName);
        List<DataViewSchema.Column> needed = [.. HistoryReader.Needed(view.Schema, columns, withLabel: true)];
        if (userColumn is { } u && needed.All(c => c.Index != u.Index)) needed.Add(u);
        using DataViewRowCursor cursor = view.GetRowCursor(needed);
        HistoryReader reader = new(cursor, columns with { AllowedItems = null, ExcludedItems = null }, index, withLabel: true);
        ValueGetter<ReadOnlyMemory<char>>? userGetter = userColumn is { } found ? AsText.Scalar(cursor, found) : null;
        ReadOnlyMemory<char> user = default;
        Dictionary<string, string> users = new(StringComparer.Ordinal);   // one string per user, not one per row
        Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> bySpan = users.GetAlternateLookup<ReadOnlySpan<char>>();
        HistoryPool pool = new();
        List<PurchaseRow> rows = [];
        while (cursor.MoveNext())
        {
            UserHistory history = reader.Read(rows.Count);
            int target = reader.ReadLabel();
            if (target < 0) throw UnknownLabel(what, rows.Count, columns.Label!, reader.LabelText, index);
            string? name = null;
            if (userGetter is not null)
            {
                userGetter(ref user);
                if (!bySpan.TryGetValue(user.Span, out name))
                {
                    name = user.ToString();
                    users.Add(name, name);
                }
            }

            rows.Add(new PurchaseRow(pool.Share(name, history), target, name));
        }

        WarnUnknown(reader.UnknownItems, reader.EntriesRead, what, warn);
        return rows;
    }

    private static ArgumentException UnknownLabel(string what, long row, string column, string label, CatalogueIndex index) => new(label.Length == 0
        ? $"The {what} data, row {row}: column '{column}' is empty; every row needs the item bought next."
        : $"The {what} data, row {row}: column '{column}' is '{label}', which is not among the {index.Catalogue.Count} items of the catalogue. Add it to Items or drop the row.");

    private static void WarnUnknown(long unknown, long entries, string what, Action<string> warn)
    {
        if (unknown > 0) warn(string.Create(CultureInfo.InvariantCulture, $"{unknown} of {entries} history entries of the {what} data are not in the catalogue and were skipped."));
    }
}
