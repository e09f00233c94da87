using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>Sparse unit vectors of the items' texts, T [items, words]; the similarity of two texts is their dot product, S = T T'.</summary>
internal sealed class TextVectors
{
    private const int Block = 32;   // columns that one thread works on

    private readonly (int Word, float Weight)[][] _ofItem;
    private readonly (int Item, float Weight)[][] _ofWord;
    private float[]? _dense;

    public TextVectors((int Word, float Weight)[][] ofItem, int words)
    {
        _ofItem = ofItem;
        List<(int, float)>[] lists = [.. Enumerable.Range(0, words).Select(_ => new List<(int, float)>())];
        for (int i = 0; i < ofItem.Length; i++)
            foreach ((int word, float weight) in ofItem[i]) lists[word].Add((i, weight));
        _ofWord = [.. lists.Select(l => l.ToArray())];
    }

    public int WordCount => _ofWord.Length;

    public bool HasWords(int item) => _ofItem[item].Length > 0;

    public (int Word, float Weight)[] Of(int item) => _ofItem[item];

    public (int Item, float Weight)[] ItemsWith(int word) => _ofWord[word];

    /// <summary>sum_k factors[k] T[items[k], :].</summary>
    public Dictionary<int, float> Sum(ReadOnlySpan<int> items, ReadOnlySpan<float> factors)
    {
        Dictionary<int, float> sum = [];
        for (int k = 0; k < items.Length; k++)
            foreach ((int word, float weight) in _ofItem[items[k]]) sum[word] = sum.GetValueOrDefault(word) + factors[k] * weight;
        return sum;
    }

    /// <summary>S with a zero diagonal, row-major [items, items]; made once.</summary>
    public float[] Similarity()
    {
        if (_dense is not null) return _dense;
        int n = _ofItem.Length;
        float[] similarity = new float[(long)n * n];
        foreach ((int Item, float Weight)[] list in _ofWord)
            foreach ((int a, float wa) in list)
            {
                long row = (long)a * n;
                foreach ((int b, float wb) in list) similarity[row + b] += wa * wb;
            }
        for (int i = 0; i < n; i++) similarity[(long)i * n + i] = 0;
        return _dense = similarity;
    }

    /// <summary>S x = T (T' x) for x [items, m], the diagonal included; never [items, items].</summary>
    public Tensor Times(Tensor x)
    {
        int m = (int)x.shape[1];
        float[] from = x.contiguous().data<float>().ToArray(), to = new float[from.Length];
        Parallel.For(0, (m + Block - 1) / Block, b =>
        {
            int start = b * Block, width = Math.Min(Block, m - start);
            float[] sums = new float[_ofWord.Length * width];
            for (int i = 0; i < _ofItem.Length; i++)
                foreach ((int word, float weight) in _ofItem[i]) ItemItemWeights.AddScaled(from.AsSpan(i * m + start, width), weight, sums.AsSpan(word * width, width));
            for (int i = 0; i < _ofItem.Length; i++)
                foreach ((int word, float weight) in _ofItem[i]) ItemItemWeights.AddScaled(sums.AsSpan(word * width, width), weight, to.AsSpan(i * m + start, width));
        });
        return tensor(to, [_ofItem.Length, m]);
    }
}
