namespace RRec.Kernels;

// What is worked on together.
internal sealed unsafe partial class PagedAttention
{
    /// <summary>Tokens that continue the same parent, in packed order: what one thread works on at a time, per key/value head.</summary>
    /// <param name="From">The first token.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Parts">All that they see.</param>
    /// <param name="Width">Columns that a query's scores take.</param>
    internal sealed record Tile(int From, int Count, Part[] Parts, int Width);

    /// <summary>A part of what the queries [From, To) of a tile see: a sequence's pages, whose scores begin at Column.</summary>
    internal readonly record struct Part(KvSequence Sequence, int From, int To, int Pages, int Column);

    /// <summary>Puts tokens that may be worked on together into tiles.</summary>
    /// <param name="sequences">Per token the sequence it belongs to, which has its place for the token already.</param>
    /// <param name="positions">Per token its position.</param>
    public Tile[] Tiles(KvSequence[] sequences, int[] positions)
    {
        int most = Math.Max(1, MostQueries / _group);
        var tiles = new List<Tile>();
        for (int at = 0; at < sequences.Length;)
        {
            int end = at + 1;
            while (end < sequences.Length && end - at < most && (ReferenceEquals(sequences[end], sequences[at]) || (sequences[at].Parent is { } p && ReferenceEquals(sequences[end].Parent, p)))) end++;
            tiles.Add(MakeTile(at, end - at, sequences, positions));
            at = end;
        }
        return [.. tiles];
    }

    private Tile MakeTile(int first, int count, KvSequence[] sequences, int[] positions)
    {
        var parts = new List<Part>(4);
        int shared = 0;
        for (KvSequence? s = sequences[first].Parent; s is not null; s = s.Parent) shared += Add(s, 0, count, s.Length, shared);
        int widest = shared;
        for (int from = 0; from < count;)   // the tokens of one sequence after the other: their scores may stand in the same columns
        {
            KvSequence own = sequences[first + from];
            int to = from + 1;
            while (to < count && ReferenceEquals(sequences[first + to], own)) to++;
            widest = Math.Max(widest, shared + Add(own, from, to, positions[first + to - 1] + 1 - own.Start, shared));
            from = to;
        }
        return new Tile(first, count, [.. parts], widest);

        // How many columns it takes.
        int Add(KvSequence s, int from, int to, int tokens, int column)
        {
            int pages = (tokens + KvPages.Tokens - 1) / KvPages.Tokens;
            if (pages > 0) parts.Add(new Part(s, from * _group, to * _group, pages, column));
            return pages * KvPages.Tokens;
        }
    }
}
