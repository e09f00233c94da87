using RRec.Data;

namespace RRec.MLNet;

/// <summary>Finds items of a catalogue by id without making a string of it: histories hold hundreds of ids per row.</summary>
internal sealed class CatalogueIndex
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    public CatalogueIndex(Catalogue catalogue)
    {
        Catalogue = catalogue;
        Dictionary<string, int> indexes = new(catalogue.Count, StringComparer.Ordinal);
        for (int i = 0; i < catalogue.Count; i++) indexes.Add(catalogue.Items[i].Id, i);
        _bySpan = indexes.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public Catalogue Catalogue { get; }

    /// <summary>The index of an id, or -1.</summary>
    public int Find(ReadOnlySpan<char> id) => _bySpan.TryGetValue(id, out int index) ? index : -1;
}
