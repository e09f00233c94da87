using Microsoft.ML.Internal.DataView;

namespace Microsoft.ML.Data;

/// <summary>Members of a set of <see cref="Count"/> values, numbered from 1; 0 stands for a missing one.</summary>
public sealed class KeyDataViewType : PrimitiveDataViewType
{
    public KeyDataViewType(Type type, ulong count) : base(type)
    {
        Guard.Param(IsValidDataType(type), nameof(type), $"A key is a Byte, UInt16, UInt32 or UInt64, not '{type}'.");
        Guard.Param(count > 0 && count <= LargestKey(type), nameof(count),
            $"A key type over {type.Name} holds between 1 and {type.Name}.MaxValue values, not {count}.");
        Count = count;
    }

    public KeyDataViewType(Type type, int count) : this(type, (ulong)count)
        => Guard.Param(count > 0, nameof(count), "A key type holds at least one value.");

    public ulong Count { get; }

    public static bool IsValidDataType(Type type)
        => type == typeof(byte) || type == typeof(ushort) || type == typeof(uint) || type == typeof(ulong);

    public override bool Equals(DataViewType? other) => other is KeyDataViewType key && key.RawType == RawType && key.Count == Count;

    public override bool Equals(object? other) => other is DataViewType type && Equals(type);

    public override int GetHashCode() => HashCode.Combine(RawType, Count);

    public override string ToString() => $"Key<{RawType.Name}, 0-{Count - 1}>";

    private static ulong LargestKey(Type type)
        => type == typeof(byte) ? byte.MaxValue : type == typeof(ushort) ? ushort.MaxValue : type == typeof(uint) ? uint.MaxValue : ulong.MaxValue;
}
