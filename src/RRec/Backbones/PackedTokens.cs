using RRec.Kernels;

namespace RRec.Backbones;

/// <summary>
/// The tokens of one pass, one after the other without padding, each at the end of what its sequence holds. Several tokens of a sequence stand side by side.
/// </summary>
internal sealed class PackedTokens
{
    private readonly List<int> _ids = [], _positions = [], _wanted = [];
    private readonly List<KvSequence> _sequences = [];

    public int Count => _ids.Count;

    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The number of tokens whose final states are wanted.</summary>
    public int Wanted => _wanted.Count;

    public int LastPosition => _positions.Max();

    /// <summary>Appends tokens to a sequence. Whether the final state of the last of them is wanted, the caller says.</summary>
    public void Add(KvSequence sequence, ReadOnlySpan<int> ids, bool wantLast)
    {
        int position = sequence.End;
        sequence.Extend(ids.Length);
        foreach (int id in ids)
        {
            _ids.Add(id);
            _positions.Add(position++);
            _sequences.Add(sequence);
        }
        if (wantLast) _wanted.Add(_ids.Count - 1);
    }

    /// <summary>All of them.</summary>
    public Slice All() => Cut(0, Count, 0, _wanted.Count);

    /// <summary>Cut between sequences into about so many slices of about the same length.</summary>
    public Slice[] Slices(int count)
    {
        var slices = new List<Slice>(count);
        for (int from = 0, wanted = 0; from < Count;)
        {
            int to = from, next = wanted;
            long goal = (slices.Count + 1L) * Count / count;
            while (to < Count && (to == from || to < goal))
            {
                int end = to + 1;
                while (end < Count && ReferenceEquals(_sequences[end], _sequences[to])) end++;
                if (to > from && end - goal > goal - to) break;   // without it the cut is nearer to where it should be
                to = end;
            }
            while (next < _wanted.Count && _wanted[next] < to) next++;
            slices.Add(Cut(from, to, wanted, next));
            (from, wanted) = (to, next);
        }
        return [.. slices];
    }

    /// <summary>The wanted tokens alone, in so many slices.</summary>
    public Slice[] WantedSlices(int count)
    {
        int n = _wanted.Count;
        return [.. Enumerable.Range(0, count).Select(i => ((int)((long)i * n / count), (int)((i + 1L) * n / count))).Select(cut =>
            new Slice(cut.Item1, [], [.. _wanted[cut.Item1..cut.Item2].Select(t => _sequences[t])], [.. _wanted[cut.Item1..cut.Item2].Select(t => _positions[t])], cut.Item1, []))];
    }

    private Slice Cut(int from, int to, int wantedFrom, int wantedTo) =>
        new(from, [.. _ids[from..to]], [.. _sequences[from..to]], [.. _positions[from..to]], wantedFrom, [.. _wanted[wantedFrom..wantedTo].Select(w => w - from)]);

    /// <summary>Some of the tokens, whole sequences.</summary>
    /// <param name="From">The index of the first among all.</param>
    /// <param name="Ids">Their ids.</param>
    /// <param name="Sequences">Their sequences.</param>
    /// <param name="Positions">Their positions.</param>
    /// <param name="WantedFrom">How many wanted tokens come before.</param>
    /// <param name="Wanted">Those whose final states are wanted, counted from <paramref name="From"/>, ascending.</param>
    internal readonly record struct Slice(int From, int[] Ids, KvSequence[] Sequences, int[] Positions, int WantedFrom, int[] Wanted);
}
