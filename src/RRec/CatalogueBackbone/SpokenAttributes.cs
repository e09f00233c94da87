using System.Globalization;
using System.Text.RegularExpressions;
using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The words that a reasoning can say about the next purchase, and which items they hold for: how popular it is (bands of training
/// purchases), the decade in the title, bands of numeric attributes, and the values of categorical ones. At most
/// <see cref="Limit"/> of them: each takes three dimensions of the decoder.
/// </summary>
internal sealed partial class SpokenAttributes
{
    /// <summary>The most that a backbone can say.</summary>
    public const int Limit = 24;

    private static readonly string[] BandNames =
        ["hardly known", "rarely bought", "little known", "less known", "fairly known", "known", "well known", "popular", "very popular"];

    private readonly Func<int, int> _bandOf;

    private SpokenAttributes(string[] words, int bands, int[][] ofItem, Func<int, int> bandOf)
    {
        Bands = bands;
        _bandOf = bandOf;
        Words = words;
        OfItem = ofItem;
    }

    /// <summary>What each one is called.</summary>
    public string[] Words { get; }

    /// <summary>Per item: the attributes that hold for it, ascending.</summary>
    public int[][] OfItem { get; }

    public int Count => Words.Length;

    /// <summary>The first so many are the popularity bands: every item is in exactly one.</summary>
    public int Bands { get; }

    /// <summary>The same words at another time: items are in the bands of the purchases that had been made by then.</summary>
    public SpokenAttributes At(int[] purchases) =>
        Bands == 0 ? this : new SpokenAttributes(Words, Bands, [.. OfItem.Select((of, i) => (int[])[_bandOf(purchases[i]), .. of.Where(a => a >= Bands)])], _bandOf);

    public static SpokenAttributes From(Catalogue catalogue, int[] purchases)
    {
        (List<(string Words, bool[] Holds)> bands, Func<int, int> bandOf) = PopularityBands(purchases);
        List<(string Words, bool[] Holds)> others = [.. Decades(catalogue), .. Categories(catalogue)];
        double total = Math.Max(1, purchases.Sum(p => (double)p));
        // What splits the purchases most evenly says most; what holds for less than 1% of them is hardly ever worth a word.
        double Share((string, bool[] Holds) a) => purchases.Where((_, i) => a.Holds[i]).Sum(p => (double)p) / total;
        List<(string Words, bool[] Holds)> chosen = [.. bands, .. others.Select((a, at) => (a, at, share: Share(a)))
            .Where(x => x.share is >= 0.01 and <= 0.99).OrderByDescending(x => x.share * (1 - x.share)).ThenBy(x => x.at)
            .Take(Limit - bands.Count).OrderBy(x => x.at).Select(x => x.a)];
        // The same word from two sources (a genre and a brand of one name) is one statement.
        var merged = chosen.GroupBy(a => CatalogueText.PhraseCell(a.Words), StringComparer.Ordinal)
            .Select(g => (g.First().Words, Holds: Enumerable.Range(0, purchases.Length).Select(i => g.Any(a => a.Holds[i])).ToArray())).ToArray();
        int[][] ofItem = [.. Enumerable.Range(0, purchases.Length)
            .Select(i => Enumerable.Range(0, merged.Length).Where(a => merged[a].Holds[i]).ToArray())];
        return new SpokenAttributes([.. merged.Select(a => a.Words)], bands.Count, ofItem, bandOf);
    }

    /// <summary>Bands that grow geometrically from 2 purchases to what the most bought 3% of the items reach.</summary>
    private static (List<(string, bool[])>, Func<int, int>) PopularityBands(int[] purchases)
    {
        int[] sorted = [.. purchases.OrderDescending()];
        double top = Math.Max(2, sorted[Math.Min(sorted.Length - 1, sorted.Length * 3 / 100)]);
        int[] thresholds = [.. Enumerable.Range(0, BandNames.Length - 1)
            .Select(k => (int)Math.Round(2 * Math.Pow(top / 2, k / (BandNames.Length - 2.0)))).Distinct()];
        int BandOf(int count) => thresholds.Count(t => count >= t);
        int[] used = [.. purchases.Select(BandOf).Distinct().Order()];
        if (used.Length < 2) return ([], _ => 0);
        return ([.. used.Select((band, at) => (BandNames[at * (BandNames.Length - 1) / Math.Max(1, used.Length - 1)],
            purchases.Select(p => BandOf(p) == band).ToArray()))], count => Array.IndexOf(used, used.MinBy(band => Math.Abs(band - BandOf(count)))));
    }

    private static List<(string, bool[])> Decades(Catalogue catalogue)
    {
        int[] years = [.. catalogue.Items.Select(item => Year().Match(item.Title) is { Success: true } m ? int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) : 0)];
        if (years.Count(y => y > 0) * 2 < years.Length) return [];
        return DecadeBands(years);
    }

    private static List<(string, bool[])> DecadeBands(int[] years)
    {
        int[] decades = [.. years.Select(y => y / 10 * 10)];
        return [.. decades.Where(d => d > 0).Distinct().Order()
            .Select(d => (string.Create(CultureInfo.InvariantCulture, $"{d}s"), decades.Select(x => x == d).ToArray()))];
    }

    private static IEnumerable<(string, bool[])> Categories(Catalogue catalogue)
    {
        string[] labels = [.. catalogue.Items.SelectMany(i => i.Attributes.Select(a => a.Label)).Distinct()];
        foreach (string label in labels)
        {
            string[][] values = [.. catalogue.Items.Select(i => i.Attributes.Where(a => a.Label == label).SelectMany(a => a.Values)
                .Select(CatalogueText.OneLine).Where(v => v.Length > 0).Distinct().ToArray())];
            foreach (var attribute in NumericBands(label, values) ?? PlainValues(label, values)) yield return attribute;
        }
    }

    // A word speaks for itself; a number or a flag needs to be told what of: "Size 38", "Vegan True".
    private static IEnumerable<(string, bool[])> PlainValues(string label, string[][] values) =>
        values.SelectMany(v => v).Where(v => v.Length <= 40).CountBy(v => v)
            .Where(v => v.Value >= 2).OrderByDescending(v => v.Value).ThenBy(v => v.Key, StringComparer.Ordinal).Take(200)
            .Select(v => (IsBare(v.Key) ? $"{label} {v.Key}" : v.Key, values.Select(x => x.Contains(v.Key)).ToArray())).ToArray();

    private static bool IsBare(string value) => bool.TryParse(value, out _) || double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>Four bands with equal numbers of items where nearly all values are single, different numbers; decades where they are years; else null.</summary>
    private static List<(string, bool[])>? NumericBands(string label, string[][] values)
    {
        double[] numbers = [.. values.Select(v => v.Length == 1
            && double.TryParse(v[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double x) && double.IsFinite(x) ? x : double.NaN)];
        double[] sorted = [.. numbers.Where(x => !double.IsNaN(x)).Order()];
        if (sorted.Length == 0 || sorted.Length * 10 < values.Count(v => v.Length > 0) * 9 || sorted.Distinct().Count() <= 8) return null;
        if (sorted.All(x => x is >= 1800 and <= 2100 && x == Math.Floor(x))) return DecadeBands([.. numbers.Select(x => double.IsNaN(x) ? 0 : (int)x)]);
        double[] cuts = [.. Enumerable.Range(1, 3).Select(q => sorted[sorted.Length * q / 4]).Distinct()];
        string Text(double x) => x.ToString("0.##", CultureInfo.InvariantCulture);
        return [.. Enumerable.Range(0, cuts.Length + 1).Select(b => (
            b == 0 ? $"{label} below {Text(cuts[0])}" : b == cuts.Length ? $"{label} from {Text(cuts[^1])}" : $"{label} {Text(cuts[b - 1])} to {Text(cuts[b])}",
            numbers.Select(x => !double.IsNaN(x) && cuts.Count(c => x >= c) == b).ToArray()))];
    }

    [GeneratedRegex(@"\((1[89]\d\d|20\d\d)\)\s*$")]
    private static partial Regex Year();
}
