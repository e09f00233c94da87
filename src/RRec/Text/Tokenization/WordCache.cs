namespace RRec.Text.Tokenization;

/// <summary>
/// The encodings of recent words. Direct-mapped: a word has one slot and the last one wins, so there is nothing to lock, to grow or to
/// evict. Entries never change after they are published; several threads may read and write at once.
/// </summary>
internal sealed class WordCache
{
    private const int Slots = 1 << 15;

    private readonly Entry?[] _entries = new Entry?[Slots];

    public sealed record Entry(string Word, int[] Ids, int[] Lengths);

    public Entry? Find(ReadOnlySpan<char> word)
    {
        Entry? entry = Volatile.Read(ref _entries[Slot(word)]);
        return entry is not null && word.SequenceEqual(entry.Word) ? entry : null;
    }

    public void Add(ReadOnlySpan<char> word, ReadOnlySpan<int> ids, ReadOnlySpan<int> lengths) =>
        Volatile.Write(ref _entries[Slot(word)], new Entry(word.ToString(), ids.ToArray(), lengths.ToArray()));

    private static int Slot(ReadOnlySpan<char> word) => string.GetHashCode(word) & (Slots - 1);
}
