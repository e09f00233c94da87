using System.Numerics;

namespace RRec.Text.Tokenization;

/// <summary>
/// What two neighbouring tokens merge into, and how early. Open addressing over two arrays: the inner loop of the encoder is one
/// multiplication and mostly one cache line.
/// </summary>
internal sealed class PairTable
{
    private const ulong Empty = ulong.MaxValue;

    private readonly ulong[] _keys;
    private readonly (int Rank, int Id)[] _values;
    private readonly int _shift;

    public PairTable(int count)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, count * 2L));
        _keys = new ulong[size];
        Array.Fill(_keys, Empty);
        _values = new (int, int)[size];
        _shift = 64 - BitOperations.Log2((uint)size);
    }

    public void Set(int left, int right, int rank, int id)
    {
        ulong key = Key(left, right);
        int at = Slot(key);
        while (_keys[at] != Empty && _keys[at] != key) at = (at + 1) & (_keys.Length - 1);
        _keys[at] = key;
        _values[at] = (rank, id);
    }

    /// <summary>Rank and id of the merge; a rank of <see cref="int.MaxValue"/> where there is none.</summary>
    public (int Rank, int Id) Find(int left, int right)
    {
        ulong key = Key(left, right);
        for (int at = Slot(key); ; at = (at + 1) & (_keys.Length - 1))
        {
            if (_keys[at] == key) return _values[at];
            if (_keys[at] == Empty) return (int.MaxValue, -1);
        }
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private int Slot(ulong key) => (int)((key * 0x9E3779B97F4A7C15UL) >> _shift);
}
