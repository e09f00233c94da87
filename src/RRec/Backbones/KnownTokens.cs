using RRec.Kernels;

namespace RRec.Backbones;

/// <summary>
/// What the first layer makes of tokens before it looks at others: queries, keys and values not yet rotated, which depend on a token's id and on nothing else. In a
/// catalogue the same words come again and again, so each id is computed once for as long as the weights stay as they are. With two layers that is up to a quarter of
/// all operations; with thirty it would be nothing.
/// </summary>
/// <param name="vocabulary">Ids there are.</param>
/// <param name="outputs">Numbers per id.</param>
/// <param name="mostBytes">What is kept at most; where that is less than a vocabulary needs, everything is forgotten from time to time.</param>
internal sealed unsafe class KnownTokens(int vocabulary, int outputs, long mostBytes = 64 << 20) : IDisposable
{
    private const int RowsPerBlock = 512;

    private readonly List<NativeBuffer> _blocks = [];
    private readonly List<int> _known = [];
    private readonly int[] _places = new int[vocabulary];   // 1 + where an id's numbers are; 0: nowhere
    private readonly int _most = (int)Math.Min(vocabulary, mostBytes / sizeof(float) / outputs);
    private object? _weights;

    /// <summary>The numbers of an id that <see cref="Learn"/> has seen since the weights are what they are.</summary>
    public float* this[int id] => Place(_places[id] - 1);

    /// <summary>Whether what is known is of these weights.</summary>
    public bool Of(object weights) => ReferenceEquals(weights, _weights);

    /// <summary>Makes sure that these ids are known.</summary>
    /// <param name="weights">Whose they are; other weights than last time: everything is forgotten.</param>
    /// <param name="ids">Ids, in any order, any number of times.</param>
    /// <param name="compute">Computes ids to an address, [ids, outputs].</param>
    /// <returns>False where there are too many of them.</returns>
    public bool Learn(object weights, IEnumerable<int> ids, Action<int[], nint> compute)
    {
        if (!Of(weights)) Forget();
        _weights = weights;
        if (Add(ids, compute)) return true;
        Forget();   // what is known leaves no room: only these, then
        if (Add(ids, compute)) return true;
        Forget();
        return false;
    }

    private bool Add(IEnumerable<int> ids, Action<int[], nint> compute)
    {
        int from = _known.Count;
        foreach (int id in ids)
        {
            if (_places[id] != 0) continue;
            if (_known.Count == _most) return false;
            _known.Add(id);
            _places[id] = _known.Count;
        }

        try
        {
            for (int at = from; at < _known.Count;)
            {
                int end = Math.Min(_known.Count, (at / RowsPerBlock + 1) * RowsPerBlock);
                if (_blocks.Count <= at / RowsPerBlock) _blocks.Add(new NativeBuffer());
                compute([.. _known[at..end]], (nint)Place(at));
                at = end;
            }
            return true;
        }
        catch
        {
            Forget();   // some have a place and no numbers
            throw;
        }
    }

    private float* Place(int place) => _blocks[place / RowsPerBlock].Of((long)RowsPerBlock * outputs) + (long)(place % RowsPerBlock) * outputs;

    // Memory is kept: the next ids come at once.
    private void Forget()
    {
        foreach (int id in _known) _places[id] = 0;
        _known.Clear();
    }

    public void Dispose()
    {
        foreach (NativeBuffer block in _blocks) block.Dispose();
    }
}
