using static System.Numerics.BitOperations;

namespace Microsoft.ML.Data;

/// <summary>
/// A row's identity: 128 bits, taken as the running state of a Murmur3 (x64, 128 bit) hash, so that ids of ids can be made.
/// </summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    private const ulong C1 = 0x87c37b91114253d5;
    private const ulong C2 = 0x4cf5ad432745937f;

    public readonly ulong Low;

    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    /// <summary>The state after 16 more bytes, all zero.</summary>
    public DataViewRowId Next() => Absorb(0, 0);

    /// <summary>The state after 16 more bytes that hold the number one; its bits enter after the round, not before it.</summary>
    public DataViewRowId Fork()
    {
        DataViewRowId next = Next();
        return new DataViewRowId(next.Low ^ (RotateLeft(C1, 31) * C2), next.High);
    }

    /// <summary>The state after 16 more bytes: those of <paramref name="other"/>, forked.</summary>
    public DataViewRowId Combine(DataViewRowId other)
    {
        DataViewRowId block = other.Fork();
        return Absorb(RotateLeft(block.Low * C1, 31) * C2, RotateLeft(block.High * C2, 33) * C1);
    }

    private DataViewRowId Absorb(ulong k1, ulong k2)
    {
        ulong low = ((RotateLeft(Low ^ k1, 27) + High) * 5) + 0x52dce729;
        ulong high = ((RotateLeft(High ^ k2, 31) + low) * 5) + 0x38495ab5;
        return new DataViewRowId(low, high);
    }

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object? obj) => obj is DataViewRowId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Low, High);

    public int CompareTo(DataViewRowId other) => High == other.High ? Low.CompareTo(other.Low) : High.CompareTo(other.High);

    public override string ToString() => $"{High:x16}{Low:x16}";
}
