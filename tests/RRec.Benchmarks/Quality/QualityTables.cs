using System.Globalization;
using System.Text;

namespace RRec.Benchmarks.Quality;

/// <summary>Writes the tables of docs/quality.md between their markers, from the result files alone. The prose around them is by hand.</summary>
internal static class QualityTables
{
    public static void Write(string document, IReadOnlyList<QualityRecord> records, IReadOnlyList<QualityPair> pairs)
    {
        string text = File.ReadAllText(document);
        foreach (string split in new[] { "valid", "test" })
        {
            text = Replace(text, $"models {split}", Models([.. records.Where(r => r.Split == split)]));
            text = Replace(text, $"slices {split}", Slices([.. records.Where(r => r.Split == split)]));
            text = Replace(text, $"pairs {split}", Pairs([.. pairs.Where(p => p.Split == split && p.Slice == "all")]));
        }
        File.WriteAllText(document, text);
    }

    /// <summary>Puts one table into its place.</summary>
    public static void Put(string document, string name, string table) => File.WriteAllText(document, Replace(File.ReadAllText(document), name, table));

    private static string Replace(string text, string name, string table)
    {
        string begin = $"<!-- {name} -->", end = $"<!-- end {name} -->";
        int from = text.IndexOf(begin, StringComparison.Ordinal), to = text.IndexOf(end, StringComparison.Ordinal);
        if (from < 0 || to < from) throw new InvalidDataException($"docs/quality.md has no markers '{begin}' and '{end}' in this order: the table has no place.");
        return text[..(from + begin.Length)] + "\n" + table + text[to..];
    }

    private static string Models(QualityRecord[] records)
    {
        StringBuilder table = new("| model | seed | rows | Hit@5 | Hit@10 | NDCG@10 [95%] | NDCG@20 | minus EASE [95%] | minus blend [95%] | s | MB |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
        foreach (QualityRecord r in Ordered(records.Where(r => r.Slice == "all")))
            table.Append(CultureInfo.InvariantCulture, $"| {r.Model} | {Seed(r)} | {r.Rows} | {Share(r.Hit5)} | {Share(r.Hit10)} | {Share(r.Ndcg10)} [{Share(r.Ndcg10Lo)}, {Share(r.Ndcg10Hi)}] | {Share(r.Ndcg20)} | ")
                .Append(CultureInfo.InvariantCulture, $"{Difference(r.VsEase, r.VsEaseLo, r.VsEaseHi)} | {Difference(r.VsBlend, r.VsBlendLo, r.VsBlendHi)} | {r.Seconds:0} | {r.PeakMb:0} |\n");
        return table.ToString();
    }

    private static string Slices(QualityRecord[] records)
    {
        QualityRecord? warm = records.FirstOrDefault(r => r.Slice == "warm"), cold = records.FirstOrDefault(r => r.Slice == "cold");
        if (warm is null || cold is null) return "";
        StringBuilder table = new(string.Create(CultureInfo.InvariantCulture,
            $"| model (mean over seeds) | warm Hit@10 ({warm.Rows:N0} rows) | warm NDCG@10 | cold Hit@10 ({cold.Rows:N0} rows) | cold NDCG@10 |\n|---|---|---|---|---|\n"));
        foreach (string model in Ordered(records.Where(r => r.Slice == "cold")).Select(r => r.Model).Distinct())
        {
            double Mean(string slice, Func<QualityRecord, double> of) => records.Where(r => r.Model == model && r.Slice == slice).Average(of);
            table.Append(CultureInfo.InvariantCulture, $"| {model} | {Share(Mean("warm", r => r.Hit10))} | {Share(Mean("warm", r => r.Ndcg10))} | {Share(Mean("cold", r => r.Hit10))} | {Share(Mean("cold", r => r.Ndcg10))} |\n");
        }
        return table.ToString();
    }

    private static string Pairs(QualityPair[] pairs)
    {
        if (pairs.Length == 0) return "";
        StringBuilder table = new("| NDCG@10 of | minus | seed | difference [95%] | relative [95%] |\n|---|---|---|---|---|\n");
        foreach (QualityPair p in pairs.OrderBy(p => QualityBench.Order(p.Model)).ThenBy(p => QualityBench.Order(p.Against)).ThenBy(p => p.Seed))
            table.Append(CultureInfo.InvariantCulture, $"| {p.Model} | {p.Against} | {p.Seed} | {Difference(p.Difference, p.Lo, p.Hi)} | {100 * p.Relative:+0.0;-0.0;0.0}% [{100 * p.RelativeLo:+0.0;-0.0;0.0}, {100 * p.RelativeHi:+0.0;-0.0;0.0}] |\n");
        return table.ToString();
    }

    private static IEnumerable<QualityRecord> Ordered(IEnumerable<QualityRecord> records) => records.OrderBy(r => QualityBench.Order(r.Model)).ThenBy(r => r.Model, StringComparer.Ordinal).ThenBy(r => r.Seed);

    private static string Seed(QualityRecord r) => r.Seed == 0 ? "" : r.Seed.ToString(CultureInfo.InvariantCulture);

    private static string Share(double x) => x.ToString(".0000", CultureInfo.InvariantCulture);

    private static string Difference(double x, double low, double high) => string.Create(CultureInfo.InvariantCulture, $"{x:+.0000;-.0000;.0000} [{low:.0000}, {high:.0000}]");
}
