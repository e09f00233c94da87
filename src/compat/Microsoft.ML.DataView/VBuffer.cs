using System.Collections;
using Microsoft.ML.Internal.DataView;

namespace Microsoft.ML.Data;

/// <summary>
/// A vector value, dense or sparse. Sparse ones list ascending indices of the explicit values; the others are default(T). The arrays
/// are often longer than what is in use and are handed from row to row through <see cref="VBufferEditor{T}"/>.
/// </summary>
public readonly struct VBuffer<T> : IEnumerable
{
    private readonly T[]? values;
    private readonly int[]? indices;
    private readonly int count;

    public readonly int Length;

    public VBuffer(int length, T[]? values, int[]? indices = null)
    {
        Guard.Param(length >= 0, nameof(length));
        Guard.Param((values?.Length ?? 0) >= length, nameof(values));
        Length = length;
        count = length;
        this.values = values;
        this.indices = indices;
    }

    public VBuffer(int length, int count, T[]? values, int[]? indices)
    {
        Guard.Param(length >= 0, nameof(length));
        Guard.Param(count >= 0 && count <= length, nameof(count));
        Guard.Param((values?.Length ?? 0) >= count, nameof(values));
        Guard.Param(count == length || (indices?.Length ?? 0) >= count, nameof(indices));
        Length = length;
        this.count = count;
        this.values = values;
        this.indices = indices;
    }

    public bool IsDense => count == Length;

    public ReadOnlySpan<T> GetValues() => values.AsSpan(0, count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : indices.AsSpan(0, count);

    public void CopyToDense(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length, count);
        GetValues().CopyTo(editor.Values);
        GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        Guard.Param(sourceIndex >= 0 && sourceIndex <= Length, nameof(sourceIndex));
        Guard.Param(length >= 0 && sourceIndex <= Length - length, nameof(length));
        // first and limit delimit the explicit values of the range
        int first = IsDense ? sourceIndex : LowerBound(sourceIndex);
        int limit = IsDense ? sourceIndex + length : LowerBound(sourceIndex + length);
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length, limit - first);
        values.AsSpan(first, limit - first).CopyTo(editor.Values);
        for (int i = 0; i < editor.Indices.Length; i++) editor.Indices[i] = indices![first + i] - sourceIndex;
        destination = editor.Commit();
    }

    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default!)
    {
        Guard.Param(destinationIndex >= 0 && destinationIndex <= destination.Length - Length, nameof(destination),
            $"{Length} values do not fit into {destination.Length} places from place {destinationIndex} on.");
        Span<T> target = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(target);
            return;
        }
        // without any explicit value the real one clears instead of filling
        target.Fill(count == 0 ? default! : defaultValue);
        for (int i = 0; i < count; i++) target[indices![i]] = values![i];
    }

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        for (int explicitAt = 0, slot = 0; all ? slot < Length : explicitAt < count; slot++)
        {
            if (!all && !IsDense) slot = indices![explicitAt];
            bool isExplicit = explicitAt < count && (IsDense || indices![explicitAt] == slot);
            yield return new KeyValuePair<int, T>(slot, isExplicit ? values![explicitAt++] : default!);
        }
    }

    public IEnumerable<T> DenseValues()
    {
        foreach (KeyValuePair<int, T> item in Items(all: true)) yield return item.Value;
    }

    public T GetItemOrDefault(int index)
    {
        Guard.Param(index >= 0 && index < Length, nameof(index));
        if (IsDense) return values![index];
        int at = LowerBound(index);
        return at < count && indices![at] == index ? values![at] : default!;
    }

    /// <summary>Over the array behind the values, as the real one does: use <see cref="DenseValues"/> or <see cref="Items"/>.</summary>
    public IEnumerator GetEnumerator() => values!.GetEnumerator();

    public override string ToString()
        => IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {count} explicit values";

    internal VBufferEditor<T> Edit(int newLogicalLength, int? valuesCount, int? maxValuesCapacity, bool keepOldOnResize, bool requireIndicesOnDense)
    {
        Guard.Param(newLogicalLength >= 0, nameof(newLogicalLength), "A length is not negative.");
        int wanted = valuesCount ?? newLogicalLength;
        Guard.Param(wanted >= 0 && wanted <= newLogicalLength, nameof(valuesCount),
            $"The number of explicit values is between 0 and the length {newLogicalLength}, not {wanted}.");
        T[]? newValues = values;
        int[]? newIndices = indices;
        bool grewValues = Grow(ref newValues, wanted, maxValuesCapacity ?? Array.MaxLength, keepOldOnResize);
        bool grewIndices = (wanted < newLogicalLength || requireIndicesOnDense)
            && Grow(ref newIndices, wanted, maxValuesCapacity ?? Array.MaxLength, keepOldOnResize);
        return new VBufferEditor<T>(newLogicalLength, wanted, newValues, newIndices, requireIndicesOnDense, grewValues, grewIndices);
    }

    /// <summary>Doubles rather than fits, so that rows of growing length do not allocate every time.</summary>
    private static bool Grow<TElement>(ref TElement[]? array, int wanted, int most, bool keepOld)
    {
        if (wanted > most) throw new ArgumentOutOfRangeException("max", $"{wanted} values were asked for where at most {most} are allowed.");
        int size = array?.Length ?? 0;
        if (size >= wanted) return false;
        int newSize = (int)Math.Max(wanted, Math.Min(size == 0 ? 4L : 2L * size, most));
        TElement[] grown = new TElement[newSize];
        if (keepOld && array is not null) array.CopyTo(grown, 0);
        array = grown;
        return true;
    }

    /// <summary>The place of the first explicit index that is not below <paramref name="index"/>.</summary>
    private int LowerBound(int index)
    {
        if (count == 0) return 0;
        int at = MemoryExtensions.BinarySearch(indices.AsSpan(0, count), index);
        return at < 0 ? ~at : at;
    }
}
