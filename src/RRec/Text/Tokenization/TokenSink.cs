namespace RRec.Text.Tokenization;

/// <summary>Collects tokens, and, where asked for, how many UTF-8 bytes of normalised text each one stands for.</summary>
internal sealed class TokenSink(bool withLengths)
{
    private int[] _ids = new int[64];
    private int[] _lengths = withLengths ? new int[64] : [];

    private int _gap;

    public int Count { get; private set; }

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public ReadOnlySpan<int> Lengths => _lengths.AsSpan(0, Count);

    public void Add(int id, int length)
    {
        Reserve(1);
        _ids[Count] = id;
        if (withLengths) _lengths[Count] = length;
        Count++;
    }

    public void Add(ReadOnlySpan<int> ids, ReadOnlySpan<int> lengths)
    {
        Reserve(ids.Length);
        ids.CopyTo(_ids.AsSpan(Count));
        if (withLengths)
        {
            lengths.CopyTo(_lengths.AsSpan(Count));
            if (ids.Length > 0)
            {
                _lengths[Count] += _gap;
                _gap = 0;
            }
        }
        Count += ids.Length;
    }

    /// <summary>Text of the current piece that no token stands for; the piece's next token takes it.</summary>
    public void Skip(int length) => _gap += length;

    /// <summary>A new piece begins.</summary>
    public void BeginPiece() => _gap = 0;

    private void Reserve(int more)
    {
        if (Count + more <= _ids.Length) return;
        int size = Math.Max(Count + more, _ids.Length * 2);
        Array.Resize(ref _ids, size);
        if (withLengths) Array.Resize(ref _lengths, size);
    }
}
