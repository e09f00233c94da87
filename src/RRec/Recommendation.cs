using RRec.Data;

namespace RRec;

/// <summary>The answer for one row.</summary>
/// <param name="Reasoning">What the model wrote before it ranked, without the answer marker; empty without reasoning.</param>
/// <param name="Items">Catalogue indexes, best first; fewer than asked where masks leave fewer.</param>
/// <param name="Scores">Cosine of user and item embedding divided by the temperature, one per entry of <paramref name="Items"/>.</param>
/// <param name="LabelRank">
/// The label's 1-based rank among all items that are not masked (the label itself never is); ties count the items of lower index before it.
/// Null where the request gave no label for the row.
/// </param>
public sealed record Recommendation(string Reasoning, int[] Items, float[] Scores, int? LabelRank);

/// <summary>What to recommend, for one or for thousands of rows.</summary>
public sealed record RecommendRequest
{
    /// <summary>How many items a row gets. 1 or more; default 10. Only the catalogue's size bounds it.</summary>
    public int K { get; init; } = 10;

    /// <summary>The item really bought next, one catalogue index per row (-1: unknown), to report its rank. Null: no ranks.</summary>
    public IReadOnlyList<int>? Labels { get; init; }

    /// <summary>Only these catalogue indexes may be recommended; null: all.</summary>
    public IReadOnlyCollection<int>? Allowed { get; init; }

    /// <summary>These catalogue indexes are never recommended; null: none.</summary>
    public IReadOnlyCollection<int>? Excluded { get; init; }

    /// <summary>Per row: only these catalogue indexes may be recommended (a null entry: all). Null: no row has a list of its own.</summary>
    public IReadOnlyList<IReadOnlyCollection<int>?>? AllowedByRow { get; init; }

    /// <summary>Per row: these catalogue indexes are not recommended (a null entry: none). Null: no row has a list of its own.</summary>
    public IReadOnlyList<IReadOnlyCollection<int>?>? ExcludedByRow { get; init; }

    /// <summary>How many rows run together. 1 or more; default 256. Changes speed and memory, results only by rounding.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>
    /// How many reasonings are sampled per row; their user vectors (unit length) are averaged and the text shown is the first one's. 1 to 256; 1 (default) writes one greedily.
    /// </summary>
    public int Samples { get; init; } = 1;

    /// <summary>The sampling temperature where <see cref="Samples"/> is above 1. Above 0 and finite; default 1.</summary>
    public double SamplingTemperature { get; init; } = 1;

    /// <summary>Seeds sampled reasonings; what the row's prompt says and the sample's number decide the rest, so equal histories get equal answers wherever they stand.</summary>
    public int Seed { get; init; }

    /// <summary>Overrides the model's <see cref="R2ecSettings.UseReasoning"/> for this request; null: as the model has it.</summary>
    public bool? UseReasoning { get; init; }

    /// <summary>Told how many rows are done; null: nobody is.</summary>
    public IProgress<R2ecProgress>? Progress { get; init; }

    /// <summary>Watches or replaces the choice of tokens; null: as the other properties say.</summary>
    internal Generation.ITokenSampler? Sampler { get; init; }

    /// <summary>Checks the request against the rows and the catalogue at one gate.</summary>
    /// <exception cref="ArgumentException">Names every violation.</exception>
    internal void Validate(int rows, Catalogue catalogue)
    {
        List<string> found = [];
        if (K < 1) found.Add($"K is {K}: it must be 1 or more.");
        if (BatchSize < 1) found.Add($"BatchSize is {BatchSize}: it must be 1 or more.");
        if (Samples is < 1 or > 256) found.Add($"Samples is {Samples}: it must be 1 to 256.");
        if (!(SamplingTemperature > 0) || !double.IsFinite(SamplingTemperature)) found.Add($"SamplingTemperature is {SamplingTemperature}: it must be above 0 and finite.");
        if (Labels is not null && Labels.Count != rows) found.Add($"Labels has {Labels.Count} entries for {rows} rows: one per row is needed (-1 where unknown).");
        if (Labels is not null && Labels.FirstOrDefault(l => l < -1 || l >= catalogue.Count, -1) is var bad && bad != -1)
            found.Add($"Labels contains {bad}: the catalogue's indexes are 0 to {catalogue.Count - 1}.");
        CheckIndexes(Allowed, nameof(Allowed));
        CheckIndexes(Excluded, nameof(Excluded));
        CheckRows(AllowedByRow, nameof(AllowedByRow));
        CheckRows(ExcludedByRow, nameof(ExcludedByRow));
        if (found.Count > 0) throw new ArgumentException(string.Join(Environment.NewLine, found));

        void CheckRows(IReadOnlyList<IReadOnlyCollection<int>?>? lists, string name)
        {
            if (lists is null) return;
            if (lists.Count != rows) found.Add($"{name} has {lists.Count} entries for {rows} rows: one per row is needed (null for none).");
            foreach (IReadOnlyCollection<int>? list in lists) CheckIndexes(list, name);
        }

        void CheckIndexes(IReadOnlyCollection<int>? indexes, string name)
        {
            if (indexes is null) return;
            foreach (int i in indexes)
            {
                if (i >= 0 && i < catalogue.Count) continue;
                found.Add($"{name} contains {i}: the catalogue's indexes are 0 to {catalogue.Count - 1}.");
                return;
            }
        }
    }
}
