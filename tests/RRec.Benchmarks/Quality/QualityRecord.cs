using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using RRec.Metrics;

namespace RRec.Benchmarks.Quality;

/// <summary>One model, seed and slice of docs/quality.json. Differences are of NDCG@10, row by row, intervals by user.</summary>
internal sealed record QualityRecord(string Model, int Seed, string Slice, string Split, int Rows, double Hit5, double Hit10, double Ndcg10, double Ndcg20, double Ndcg10Lo, double Ndcg10Hi,
    double VsEase, double VsEaseLo, double VsEaseHi, double VsBlend, double VsBlendLo, double VsBlendHi, double Seconds, double PeakMb)
{
    public static QualityRecord Of(string model, int seed, string slice, string split, int[] ranks, string[] users, int[] ease, int[] blend, Measured cost)
    {
        RankingMetrics metrics = new(ranks);
        double[] gains = Gains(ranks);
        Interval own = Bootstrap.ByUser(gains, users), toEase = Bootstrap.Paired(gains, Gains(ease), users), toBlend = Bootstrap.Paired(gains, Gains(blend), users);
        return new QualityRecord(model, seed, slice, split, ranks.Length, metrics.HitRate(5), metrics.HitRate(10), metrics.Ndcg(10), metrics.Ndcg(20), own.Low, own.High,
            toEase.Mean, toEase.Low, toEase.High, toBlend.Mean, toBlend.Low, toBlend.High, cost.Seconds, cost.PeakMegabytes);
    }

    public static double[] Gains(int[] ranks) => [.. ranks.Select(r => RankingMetrics.NdcgOf(r, 10))];
}

/// <summary>How much better one model of a seed is than another on the same rows: what reasoning, RecPO and its policy loss are worth.</summary>
internal sealed record QualityPair(string Model, string Against, int Seed, string Slice, string Split, int Rows, double Difference, double Lo, double Hi, double Relative, double RelativeLo, double RelativeHi)
{
    public static QualityPair Of(string model, string against, int seed, string slice, string split, int[] ranks, int[] other, string[] users)
    {
        Interval apart = Bootstrap.Paired(QualityRecord.Gains(ranks), QualityRecord.Gains(other), users);
        double level = Math.Max(1e-12, new RankingMetrics(other).Ndcg(10));
        return new QualityPair(model, against, seed, slice, split, ranks.Length, apart.Mean, apart.Low, apart.High, apart.Mean / level, apart.Low / level, apart.High / level);
    }
}

/// <summary>The two result files: lists with one object a line. A run replaces what it measured anew and leaves the rest.</summary>
internal static class QualityFiles
{
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = new DigitAwareSnakeCase(), Converters = { new SixDigits() } };

    public static List<QualityRecord> Merge(string path, IEnumerable<QualityRecord> measured) => Merge(path, measured, r => (r.Model, r.Seed, r.Slice, r.Split));

    public static List<QualityPair> Merge(string path, IEnumerable<QualityPair> measured) => Merge(path, measured, p => (p.Model + " " + p.Against, p.Seed, p.Slice, p.Split));

    private static List<T> Merge<T, TKey>(string path, IEnumerable<T> measured, Func<T, TKey> key) where TKey : notnull
    {
        Dictionary<TKey, T> all = [];
        if (File.Exists(path))
            foreach (JsonNode? entry in JsonNode.Parse(File.ReadAllText(path))!.AsArray())
                if (entry.Deserialize<T>(Snake) is { } known) all[key(known)] = known;
        foreach (T record in measured) all[key(record)] = record;
        File.WriteAllText(path, "[\n" + string.Join(",\n", all.Values.Select(r => JsonSerializer.Serialize(r, Snake))) + "\n]\n");
        return [.. all.Values];
    }

    /// <summary>hit5, ndcg10_lo: an underscore before capitals only.</summary>
    private sealed class DigitAwareSnakeCase : JsonNamingPolicy
    {
        public override string ConvertName(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));
    }

    private sealed class SixDigits : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options) => writer.WriteNumberValue(Math.Round(value, 6));
    }
}
