using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>Which items occur in rows, as label or in a history.</summary>
internal static class PurchasedItems
{
    /// <summary>The rows of <paramref name="items"/> whose id occurs, in their order; nothing is copied.</summary>
    public static IDataView Keep(IDataView items, string itemIdColumn, IDataView histories, string historyItemsColumn, string? labelColumn)
    {
        IdNumbers purchased = histories is HistoryView { HasLabel: true } view && historyItemsColumn == HistoryColumns.Items && labelColumn == HistoryColumns.Label
            ? OfLog(view)
            : OfAnyView(histories, historyItemsColumn, labelColumn);
        DataViewSchema.Column column = items.Schema[itemIdColumn];
        List<bool> kept = [];
        using (DataViewRowCursor cursor = items.GetRowCursor([column]))
        {
            ValueGetter<ReadOnlyMemory<char>> getter = AsText.Scalar(cursor, column);
            ReadOnlyMemory<char> id = default;
            while (cursor.MoveNext())
            {
                getter(ref id);
                kept.Add(purchased.Find(id.Span) >= 0);
            }
        }

        return new RowSubsetView(items, new BitArray([.. kept]), kept.Count(k => k));
    }

    // A row stands for all of its user's purchases up to its own, so the last row of each user is enough.
    private static IdNumbers OfLog(HistoryView view)
    {
        int[] last = new int[view.Log.Users.Length];
        Array.Fill(last, -1);
        for (int r = 0; r < view.Count; r++)
        {
            (int user, int position) = view[r];
            last[user] = Math.Max(last[user], position);
        }

        IdNumbers ids = new();
        for (int user = 0; user < last.Length; user++)
            for (int p = 0; p <= last[user]; p++) ids.NumberOf(view.Log.Items[view.Log.ItemsOf[user][p]].Span);
        return ids;
    }

    private static IdNumbers OfAnyView(IDataView histories, string historyItemsColumn, string? labelColumn)
    {
        DataViewSchema.Column items = histories.Schema[historyItemsColumn];
        DataViewSchema.Column? label = labelColumn is null ? null : histories.Schema.GetColumnOrNull(labelColumn);
        using DataViewRowCursor cursor = histories.GetRowCursor(label is { } l ? [items, l] : [items]);
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> itemsGetter = AsText.Vector(cursor, items);
        ValueGetter<ReadOnlyMemory<char>>? labelGetter = label is { } column ? AsText.Scalar(cursor, column) : null;
        IdNumbers ids = new();
        VBuffer<ReadOnlyMemory<char>> texts = default;
        ReadOnlyMemory<char> text = default;
        while (cursor.MoveNext())
        {
            itemsGetter(ref texts);
            foreach (ReadOnlyMemory<char> id in texts.GetValues()) ids.NumberOf(id.Span);
            if (labelGetter is null) continue;
            labelGetter(ref text);
            ids.NumberOf(text.Span);
        }

        return ids;
    }
}
