using System.Buffers;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// W = L R' + S diag(w), less its diagonal, for catalogues whose [items, items] does not fit: L and R are [items, rank], S the cosine of sparse
/// texts, w how much text counts for the item that is scored.
/// </summary>
/// <param name="left">Row-major [items, rank].</param>
/// <param name="right">Row-major [items, rank].</param>
/// <param name="rank">Columns of both.</param>
/// <param name="text">Null: no text.</param>
/// <param name="textWeight">By item scored; ignored without text.</param>
/// <param name="keepDiagonal">A plain product: nothing is taken off.</param>
internal sealed class LowRankWeights(float[] left, float[] right, int rank, TextVectors? text, float[] textWeight, bool keepDiagonal = false) : ItemItemWeights(left.Length / rank)
{
    private const int SampledColumns = 64;

    private readonly float[] _diagonal = keepDiagonal ? [] : [.. Enumerable.Range(0, left.Length / rank).Select(i =>
        Dot(left.AsSpan(i * rank, rank), right.AsSpan(i * rank, rank)) + (text is not null && text.HasWords(i) ? textWeight[i] : 0))];

    public override void Add(ReadOnlySpan<int> items, ReadOnlySpan<float> factors, Span<float> scores)
    {
        float[] user = User(items, factors);
        for (int j = 0; j < ItemCount; j++) scores[j] += Dot(user, right.AsSpan(j * rank, rank));
        if (text is not null)
            foreach ((int word, float wanted) in text.Sum(items, factors))
                foreach ((int item, float weight) in text.ItemsWith(word)) scores[item] += wanted * weight * textWeight[item];
        if (_diagonal.Length == 0) return;
        for (int k = 0; k < items.Length; k++) scores[items[k]] -= factors[k] * _diagonal[items[k]];
    }

    public override void Add(ReadOnlySpan<int> items, ReadOnlySpan<float> factors, ReadOnlySpan<int> candidates, Span<float> scores)
    {
        float[] user = User(items, factors);
        float[] words = text is null ? [] : ArrayPool<float>.Shared.Rent(text.WordCount);   // zero but for the words of the items
        if (text is not null)
        {
            words.AsSpan(0, text.WordCount).Clear();
            for (int k = 0; k < items.Length; k++)
                foreach ((int word, float weight) in text.Of(items[k])) words[word] += factors[k] * weight;
        }
        for (int c = 0; c < candidates.Length; c++)
        {
            int j = candidates[c];
            float score = Dot(user, right.AsSpan(j * rank, rank)), similar = 0;
            if (text is not null)
                foreach ((int word, float weight) in text.Of(j)) similar += weight * words[word];
            scores[c] += score + (text is null ? 0 : similar * textWeight[j]);
            if (_diagonal.Length > 0)
                for (int k = 0; k < items.Length; k++)
                    if (items[k] == j) scores[c] -= factors[k] * _diagonal[j];
        }
        if (text is not null) ArrayPool<float>.Shared.Return(words);
    }

    public override Tensor Times(Tensor x)
    {
        Tensor product = tensor(left, [ItemCount, rank]).matmul(tensor(right, [ItemCount, rank]).t().matmul(x));
        if (text is not null) product.add_(text.Times(x * tensor(textWeight).unsqueeze(1)));
        return _diagonal.Length == 0 ? product : product.sub_(x * tensor(_diagonal).unsqueeze(1));
    }

    public override Tensor TransposedTimes(Tensor x)
    {
        Tensor product = tensor(right, [ItemCount, rank]).matmul(tensor(left, [ItemCount, rank]).t().matmul(x));
        if (text is not null) product.add_(text.Times(x) * tensor(textWeight).unsqueeze(1));
        return _diagonal.Length == 0 ? product : product.sub_(x * tensor(_diagonal).unsqueeze(1));
    }

    /// <summary>From some columns, always the same ones: they differ little.</summary>
    public override double StandardDeviation()
    {
        using var scope = NewDisposeScope();
        int columns = Math.Min(SampledColumns, ItemCount);
        float[] chosen = new float[(long)ItemCount * columns];
        Random random = new(0);
        for (int c = 0; c < columns; c++) chosen[(long)random.Next(ItemCount) * columns + c] = 1;
        return Times(tensor(chosen, [ItemCount, columns])).std().item<float>();
    }

    private float[] User(ReadOnlySpan<int> items, ReadOnlySpan<float> factors)
    {
        float[] user = new float[rank];
        for (int k = 0; k < items.Length; k++) AddScaled(left.AsSpan(items[k] * rank, rank), factors[k], user);
        return user;
    }
}
