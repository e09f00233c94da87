using Microsoft.ML.Internal.DataView;

namespace Microsoft.ML.Data;

/// <summary>Starts the writing of a vector into the arrays of an old one, which must not be used any more.</summary>
public static class VBufferEditor
{
    public static VBufferEditor<T> Create<T>(
        scoped ref VBuffer<T> destination,
        int newLogicalLength,
        int? valuesCount = null,
        int? maxValuesCapacity = null,
        bool keepOldOnResize = false,
        bool requireIndicesOnDense = false)
        => destination.Edit(newLogicalLength, valuesCount, maxValuesCapacity, keepOldOnResize, requireIndicesOnDense);
}

/// <summary>The places to write to, and the vector made of them.</summary>
public readonly ref struct VBufferEditor<T>
{
    private readonly int length;
    private readonly T[]? values;
    private readonly int[]? indices;

    public readonly Span<T> Values;

    /// <summary>Empty for a dense vector, unless they were asked for.</summary>
    public readonly Span<int> Indices;

    internal VBufferEditor(int length, int count, T[]? values, int[]? indices, bool requireIndicesOnDense, bool createdNewValues, bool createdNewIndices)
    {
        this.length = length;
        this.values = values;
        this.indices = indices;
        Values = values.AsSpan(0, count);
        Indices = count < length || requireIndicesOnDense ? indices.AsSpan(0, count) : default;
        CreatedNewValues = createdNewValues;
        CreatedNewIndices = createdNewIndices;
    }

    public bool CreatedNewValues { get; }

    public bool CreatedNewIndices { get; }

    public VBuffer<T> Commit() => new(length, Values.Length, values, indices);

    /// <summary>Keeps only the first <paramref name="physicalValuesCount"/> explicit values.</summary>
    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        Guard.Param(physicalValuesCount <= Values.Length, nameof(physicalValuesCount),
            $"The editor was made for {Values.Length} values, {physicalValuesCount} are too many.");
        return new VBuffer<T>(length, physicalValuesCount, values, indices);
    }
}
