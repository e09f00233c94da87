using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>The matrix W of a linear recommender, row = item bought, column = item scored, whatever it is stored as.</summary>
internal abstract class ItemItemWeights(int itemCount)
{
    public int ItemCount { get; } = itemCount;

    /// <summary>Adds sum_k factors[k] W[items[k], :] to the scores of all items.</summary>
    public abstract void Add(ReadOnlySpan<int> items, ReadOnlySpan<float> factors, Span<float> scores);

    /// <summary>The same for some columns only; scores[c] belongs to candidates[c].</summary>
    public abstract void Add(ReadOnlySpan<int> items, ReadOnlySpan<float> factors, ReadOnlySpan<int> candidates, Span<float> scores);

    /// <summary>W x for x [items, m].</summary>
    public abstract Tensor Times(Tensor x);

    /// <summary>W' x for x [items, m].</summary>
    public abstract Tensor TransposedTimes(Tensor x);

    /// <summary>Of W's entries; the scale of a purchase's effect.</summary>
    public abstract double StandardDeviation();

    internal static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector<float>> va = MemoryMarshal.Cast<float, Vector<float>>(a), vb = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> sums = Vector<float>.Zero;
        for (int v = 0; v < va.Length; v++) sums += va[v] * vb[v];
        float sum = Vector.Sum(sums);
        for (int i = va.Length * Vector<float>.Count; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    internal static void AddScaled(ReadOnlySpan<float> row, float factor, Span<float> sum)
    {
        Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        ReadOnlySpan<Vector<float>> rows = MemoryMarshal.Cast<float, Vector<float>>(row);
        Vector<float> factors = new(factor);
        for (int v = 0; v < sums.Length; v++) sums[v] += rows[v] * factors;
        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++) sum[i] += row[i] * factor;
    }
}

/// <summary>All of W, row-major: exact, and [items, items] in memory.</summary>
internal sealed class DenseWeights(float[] values, int itemCount) : ItemItemWeights(itemCount)
{
    public float[] Values => values;

    public override void Add(ReadOnlySpan<int> items, ReadOnlySpan<float> factors, Span<float> scores)
    {
        for (int k = 0; k < items.Length; k++) AddScaled(Row(items[k]), factors[k], scores);
    }

    public override void Add(ReadOnlySpan<int> items, ReadOnlySpan<float> factors, ReadOnlySpan<int> candidates, Span<float> scores)
    {
        for (int k = 0; k < items.Length; k++)
        {
            ReadOnlySpan<float> row = Row(items[k]);
            for (int c = 0; c < candidates.Length; c++) scores[c] += factors[k] * row[candidates[c]];
        }
    }

    public override Tensor Times(Tensor x) => tensor(values, [ItemCount, ItemCount]).matmul(x);

    public override Tensor TransposedTimes(Tensor x) => tensor(values, [ItemCount, ItemCount]).t().matmul(x);

    public override double StandardDeviation() => FactorDistillation.StandardDeviation(values);

    private ReadOnlySpan<float> Row(int item) => values.AsSpan(item * ItemCount, ItemCount);
}
