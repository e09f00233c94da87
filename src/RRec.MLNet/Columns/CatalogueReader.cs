using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>Makes a <see cref="Catalogue"/> of a view of items.</summary>
internal static class CatalogueReader
{
    private const int MostNumbers = 8;

    /// <summary>The rules for the view of items, attributes included.</summary>
    public static IEnumerable<ColumnRule> Rules(ItemColumns columns) =>
    [
        ColumnRule.Ids("item id", columns.Id, true, false),
        ColumnRule.Text("title", columns.Title, true),
        .. (columns.Attributes ?? []).Select(a => new ColumnRule("item attribute", a.Column, true, null, "text, numbers, keys or dates, one or several", AsText.Supports)),
    ];

    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type.</exception>
    /// <exception cref="ArgumentException">No items, a row without id, or an id twice.</exception>
    public static Catalogue Read(IDataView items, ItemColumns columns, string category, string? categoryPlural)
    {
        DataViewSchema schema = items.Schema;
        ColumnRule.Check(schema, nameof(R2ecTrainer.Options.Items), Rules(columns));
        DataViewSchema.Column idColumn = schema[columns.Id], titleColumn = schema[columns.Title];
        (DataViewSchema.Column Column, string Label)[] attributes = columns.Attributes is { } named
            ? [.. named.Select(a => (schema[a.Column], a.Label))]
            : [.. schema.Where(c => !c.IsHidden && c.Index != idColumn.Index && c.Index != titleColumn.Index && IsAttribute(c.Type)).Select(c => (c, c.Name))];

        using DataViewRowCursor cursor = items.GetRowCursor([idColumn, titleColumn, .. attributes.Select(a => a.Column)]);
        ValueGetter<ReadOnlyMemory<char>> idGetter = AsText.Scalar(cursor, idColumn), titleGetter = AsText.Scalar(cursor, titleColumn);
        ValueGetter<VBuffer<ReadOnlyMemory<char>>>[] getters = [.. attributes.Select(a => AsText.Vector(cursor, a.Column))];
        List<CatalogueItem> read = [];
        Dictionary<string, int> rowOf = new(StringComparer.Ordinal);
        ReadOnlyMemory<char> text = default;
        VBuffer<ReadOnlyMemory<char>> texts = default;
        while (cursor.MoveNext())
        {
            idGetter(ref text);
            string id = text.ToString();
            if (id.Length == 0) throw new ArgumentException($"Items, row {read.Count}: column '{idColumn.Name}' is empty; every item needs an id.");
            if (!rowOf.TryAdd(id, read.Count))
                throw new ArgumentException($"Items, column '{idColumn.Name}': id '{id}' is in rows {rowOf[id]} and {read.Count}; ids must be unique.");
            titleGetter(ref text);
            string title = text.Span.Trim().ToString();
            List<ItemAttribute> of = [];
            for (int a = 0; a < getters.Length; a++)
            {
                getters[a](ref texts);
                string[] values = Values(texts, columns);
                if (values.Length > 0) of.Add(new ItemAttribute(attributes[a].Label, values));
            }

            read.Add(new CatalogueItem(id, title.Length > 0 ? title : id, of));
        }

        if (read.Count == 0) throw new ArgumentException("Items is empty: at least one item is needed.");
        return new Catalogue(read, category, categoryPlural);
    }

    // By default: words and numbers, but no embeddings: many numbers say nothing in a prompt. Dates, flags and spans need a name that says what they mean, so they are
    // given by hand.
    private static bool IsAttribute(DataViewType type) => type is VectorDataViewType vector
        ? vector.ItemType is TextDataViewType or KeyDataViewType || (vector.ItemType is NumberDataViewType && vector.Size is > 0 and <= MostNumbers)
        : type is TextDataViewType or NumberDataViewType or KeyDataViewType;

    private static string[] Values(in VBuffer<ReadOnlyMemory<char>> texts, ItemColumns columns)
    {
        List<string> values = [];
        foreach (ReadOnlyMemory<char> entry in texts.DenseValues())
        {
            string[] parts = columns.Separator is { } separator
                ? entry.ToString().Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                : [entry.ToString().Trim()];
            foreach (string part in parts)
                if (part.Length > 0) values.Add(Cut(part, columns.MaxWords));
        }

        return [.. values];
    }

    private static string Cut(string value, int words)
    {
        if (words == 0) return value;
        int seen = 0;
        for (int i = 0; i < value.Length; i++)
            if (char.IsWhiteSpace(value[i]) && (i == 0 || !char.IsWhiteSpace(value[i - 1])) && ++seen >= words) return value[..i] + "...";
        return value;
    }
}
