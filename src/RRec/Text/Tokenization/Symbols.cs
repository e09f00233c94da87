namespace RRec.Text.Tokenization;

/// <summary>The symbols of a word before merging: ids, lengths in UTF-8 bytes, and the order in which unknown ones are fused.</summary>
internal ref struct Symbols(Span<int> ids, Span<int> lengths)
{
    private readonly Span<int> _ids = ids;
    private readonly Span<int> _lengths = lengths;
    private int _count;
    private int _unknownId = -1;
    private int _unknownLength;
    private int _skipped;       // at the very beginning, where there is no symbol yet to take it

    public void Add(int id, int length)
    {
        FlushUnknown();
        _ids[_count] = id;
        _lengths[_count++] = length + Leading();
    }

    /// <summary>A byte of a character that is spelled in bytes. It does not end a run of unknown characters before it.</summary>
    public void AddByte(int id)
    {
        _ids[_count] = id;
        _lengths[_count++] = 1 + Leading();
    }

    public void AddUnknown(int id, int length, bool fuse)
    {
        if (_unknownId >= 0 && fuse)
        {
            _unknownLength += length;
            return;
        }
        FlushUnknown();
        _unknownId = id;
        _unknownLength = length + Leading();
    }

    /// <summary>Text that no token stands for.</summary>
    public void Skip(int length)
    {
        if (_count > 0) _lengths[_count - 1] += length;
        else _skipped += length;
    }

    public int Finish()
    {
        FlushUnknown();
        return _count;
    }

    private void FlushUnknown()
    {
        if (_unknownId < 0) return;
        _ids[_count] = _unknownId;
        _lengths[_count++] = _unknownLength;
        _unknownId = -1;
    }

    private int Leading()
    {
        int skipped = _skipped;
        _skipped = 0;
        return skipped;
    }
}
