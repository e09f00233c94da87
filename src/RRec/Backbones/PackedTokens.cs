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

    public KvSequence[] Sequences => [.. _sequences];

    public int[] Positions => [.. _positions];

    /// <summary>The tokens whose final states are wanted, ascending.</summary>
    public int[] Wanted => [.. _wanted];

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
}
