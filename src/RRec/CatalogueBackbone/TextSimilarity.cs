using System.Text.RegularExpressions;
using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Cosine of TF-IDF vectors of the items' texts (title and attribute values): the part of the teacher that knows items nobody has
/// bought. Words are runs of letters and digits; weight (1 + ln tf)(ln((1 + N)/(1 + df)) + 1), rows of length 1.
/// </summary>
internal static partial class TextSimilarity
{
    /// <summary>Row-major [items, items], zero diagonal. A text without a word is similar to nothing.</summary>
    public static float[] Matrix(Catalogue catalogue)
    {
        int n = catalogue.Count;
        Dictionary<string, List<(int Item, float Weight)>> postings = new(StringComparer.Ordinal);
        for (int i = 0; i < n; i++)
            foreach ((string word, int times) in Words(catalogue.Items[i]).CountBy(w => w))
            {
                if (!postings.TryGetValue(word, out List<(int, float)>? list)) postings[word] = list = [];
                list.Add((i, 1 + MathF.Log(times)));
            }
        double[] norm = new double[n];
        foreach (List<(int Item, float Weight)> list in postings.Values)
        {
            float idf = MathF.Log((1f + n) / (1f + list.Count)) + 1;
            for (int p = 0; p < list.Count; p++)
            {
                list[p] = (list[p].Item, list[p].Weight * idf);
                norm[list[p].Item] += (double)list[p].Weight * list[p].Weight;
            }
        }
        float[] similarity = new float[(long)n * n];
        foreach (List<(int Item, float Weight)> list in postings.Values)
            foreach ((int a, float wa) in list)
            {
                float scaled = wa / (float)Math.Sqrt(norm[a]);
                long row = (long)a * n;
                foreach ((int b, float wb) in list) similarity[row + b] += scaled * wb / (float)Math.Sqrt(norm[b]);
            }
        for (int i = 0; i < n; i++) similarity[(long)i * n + i] = 0;
        return similarity;
    }

    private static IEnumerable<string> Words(CatalogueItem item)
    {
        IEnumerable<string> texts = item.Attributes.SelectMany(a => a.Values).Prepend(item.Title);
        return texts.SelectMany(t => Word().Matches(t.ToLowerInvariant()).Select(m => m.Value));
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Word();
}
