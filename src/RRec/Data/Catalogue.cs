namespace RRec.Data;

/// <summary>A labelled attribute of an item as the prompts show it, e.g. <c>Genres: Comedy, Drama</c>.</summary>
/// <param name="Label">What stands before the colon.</param>
/// <param name="Values">One or more values, in the catalogue's order. Text is shown as it is; it is data, never control.</param>
public sealed record ItemAttribute(string Label, IReadOnlyList<string> Values);

/// <summary>One item that can be recommended.</summary>
/// <param name="Id">The item's id as the user's data has it; unique within a catalogue.</param>
/// <param name="Title">What a person would call it.</param>
/// <param name="Attributes">Anything else worth telling the model; may be empty.</param>
public sealed record CatalogueItem(string Id, string Title, IReadOnlyList<ItemAttribute> Attributes);

/// <summary>
/// All items that can be recommended, in a fixed order. An item's <i>index</i> (0-based, dense) is its row in the item table and is what
/// the engine works with; ids are only for the outside. There is no pad row (recpo-reference O6).
/// </summary>
public sealed class Catalogue
{
    private readonly Dictionary<string, int> _indexOf;

    /// <summary>Takes the items in the order given.</summary>
    /// <exception cref="ArgumentException">No item, an empty id, a title or attributes that are null, or the same id twice (the message names the id and both positions).</exception>
    public Catalogue(IReadOnlyList<CatalogueItem> items, string category = "product", string? categoryPlural = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentException.ThrowIfNullOrWhiteSpace(category);
        if (items.Count == 0) throw new ArgumentException("The catalogue is empty: at least one item is needed.", nameof(items));
        _indexOf = new Dictionary<string, int>(items.Count, StringComparer.Ordinal);
        for (int i = 0; i < items.Count; i++)
        {
            string id = items[i].Id;
            if (string.IsNullOrEmpty(id)) throw new ArgumentException($"Item at position {i} has an empty id.", nameof(items));
            if (items[i].Title is null || items[i].Attributes is null) throw new ArgumentException($"Item '{id}' at position {i} has no title or no list of attributes; both may be empty.", nameof(items));
            if (!_indexOf.TryAdd(id, i))
                throw new ArgumentException($"Item id '{id}' occurs twice, at positions {_indexOf[id]} and {i}; ids must be unique.", nameof(items));
        }
        Items = items;
        Category = category;
        CategoryPlural = categoryPlural ?? category + "s";
    }

    /// <summary>The items; position = index.</summary>
    public IReadOnlyList<CatalogueItem> Items { get; }

    /// <summary>What one item is called in the prompts, e.g. <c>movie</c>.</summary>
    public string Category { get; }

    /// <summary>What several are called, e.g. <c>movies</c>.</summary>
    public string CategoryPlural { get; }

    /// <summary>The number of items.</summary>
    public int Count => Items.Count;

    /// <summary>The index of an item id, or -1 where the catalogue does not have it.</summary>
    public int IndexOf(string id) => _indexOf.TryGetValue(id, out int index) ? index : -1;
}
