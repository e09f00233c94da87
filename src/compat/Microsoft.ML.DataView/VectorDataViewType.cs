using System.Collections.Immutable;
using Microsoft.ML.Internal.DataView;

namespace Microsoft.ML.Data;

/// <summary>Vectors (or tensors) of one primitive type; a dimension of 0 differs from row to row.</summary>
public sealed class VectorDataViewType : StructuredDataViewType
{
    public VectorDataViewType(PrimitiveDataViewType itemType, int size = 0) : base(BufferOf(itemType))
    {
        Guard.Param(size >= 0, nameof(size));
        ItemType = itemType;
        Size = size;
        Dimensions = [size];
    }

    public VectorDataViewType(PrimitiveDataViewType itemType, params int[] dimensions) : base(BufferOf(itemType))
    {
        Guard.Param(dimensions is { Length: > 0 } && Array.TrueForAll(dimensions, d => d >= 0), nameof(dimensions));
        ItemType = itemType;
        Dimensions = [.. dimensions];
        Size = Product(Dimensions);
    }

    public VectorDataViewType(PrimitiveDataViewType itemType, ImmutableArray<int> dimensions) : base(BufferOf(itemType))
    {
        Guard.Param(dimensions.Length > 0 && dimensions.All(d => d >= 0), nameof(dimensions));
        ItemType = itemType;
        Dimensions = dimensions;
        Size = Product(dimensions);
    }

    public PrimitiveDataViewType ItemType { get; }

    public ImmutableArray<int> Dimensions { get; }

    /// <summary>Number of slots; 0 when it differs from row to row.</summary>
    public int Size { get; }

    public bool IsKnownSize => Size > 0;

    public override bool Equals(DataViewType? other)
        => other is VectorDataViewType vector && vector.ItemType.Equals(ItemType) && vector.Dimensions.AsSpan().SequenceEqual(Dimensions.AsSpan());

    public override bool Equals(object? other) => other is DataViewType type && Equals(type);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(ItemType);
        foreach (int dimension in Dimensions) hash.Add(dimension);
        return hash.ToHashCode();
    }

    public override string ToString()
    {
        if (Dimensions.Length == 1) return Size > 0 ? $"Vector<{ItemType}, {Size}>" : $"Vector<{ItemType}>";
        return $"Vector<{ItemType}, {string.Join(", ", Dimensions.Select(d => d > 0 ? d.ToString() : "*"))}>";
    }

    private static Type BufferOf(PrimitiveDataViewType itemType)
        => typeof(VBuffer<>).MakeGenericType(Guard.Value(itemType, nameof(itemType)).RawType);

    private static int Product(ImmutableArray<int> dimensions)
    {
        int size = 1;
        foreach (int dimension in dimensions) size = checked(size * dimension);
        return size;
    }
}
