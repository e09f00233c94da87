using System.Text.RegularExpressions;
using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// TF-IDF vectors of the items' texts (title and attribute values), whose cosine is the part of the teacher that knows items nobody has
/// bought. Words are runs of letters and digits; weight (1 + ln tf)(ln((1 + N)/(1 + df)) + 1), rows of length 1. A text without a word is
/// similar to nothing.
/// </summary>
internal static partial class TextSimilarity
{
    public static TextVectors Vectors(Catalogue catalogue)
    {
        int n = catalogue.Count;
        Dictionary<string, int> numberOf = new(StringComparer.Ordinal);
        List<int> items = [];   // by word: how many items have it
        (int Word, float Weight)[][] rows = new (int, float)[n][];
        for (int i = 0; i < n; i++)
            rows[i] = [.. Words(catalogue.Items[i]).CountBy(w => w).Select(w =>
            {
                if (numberOf.TryAdd(w.Key, items.Count)) items.Add(0);
                items[numberOf[w.Key]]++;
                return (numberOf[w.Key], 1 + MathF.Log(w.Value));
            })];
        float[] rarity = [.. items.Select(count => MathF.Log((1f + n) / (1f + count)) + 1)];
        foreach ((int Word, float Weight)[] row in rows)
        {
            double squares = 0;
            for (int k = 0; k < row.Length; k++)
            {
                row[k].Weight *= rarity[row[k].Word];
                squares += (double)row[k].Weight * row[k].Weight;
            }
            for (int k = 0; k < row.Length; k++) row[k].Weight /= (float)Math.Sqrt(squares);
        }
        return new TextVectors(rows, items.Count);
    }

    private static IEnumerable<string> Words(CatalogueItem item)
    {
        IEnumerable<string> texts = item.Attributes.SelectMany(a => a.Values).Prepend(item.Title);
        return texts.SelectMany(t => Word().Matches(t.ToLowerInvariant()).Select(m => m.Value));
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Word();
}
