using RRec.Data;

namespace RRec.MLNet.Tests;

/// <summary>
/// A stand-in for the engine whose answers can be worked out by hand: item i scores 1 / (1 + |i - last history item|), the history is masked. Records how it was called.
/// </summary>
internal sealed class FakeRecommender(Catalogue catalogue) : IRecommender
{
    private readonly Lock _gate = new();

    public Catalogue Catalogue => catalogue;

    /// <summary>Rows per call, in order of the calls.</summary>
    public List<int> Calls { get; } = [];

    public List<RecommendRequest> Requests { get; } = [];

    /// <summary>The histories of the last call.</summary>
    public IReadOnlyList<UserHistory> LastRows { get; private set; } = [];

    public static FakeRecommender Of(int items) =>
        new(new Catalogue([.. Enumerable.Range(0, items).Select(i => new CatalogueItem($"i{i}", $"Title {i}", []))]));

    public IReadOnlyList<Recommendation> Recommend(IReadOnlyList<UserHistory> rows, RecommendRequest request, CancellationToken cancellation)
    {
        lock (_gate)
        {
            Calls.Add(rows.Count);
            Requests.Add(request);
            LastRows = rows;
        }

        return [.. rows.Select((r, i) => Answer(r, request, i))];
    }

    private Recommendation Answer(UserHistory row, RecommendRequest request, int number)
    {
        int label = request.Labels?[number] ?? -1;
        IReadOnlyCollection<int>? allowed = request.AllowedByRow?[number];
        int last = row.Items.Length == 0 ? 0 : row.Items.Span[^1];
        HashSet<int> masked = [.. row.Items.Span, .. request.ExcludedByRow?[number] ?? []];
        int[] order = [.. Enumerable.Range(0, catalogue.Count)
            .Where(i => !masked.Contains(i) && (allowed is null || allowed.Contains(i)))
            .OrderBy(i => Math.Abs(i - last)).ThenBy(i => i)];
        int[] best = [.. order.Take(request.K)];
        string reasoning = $"after {row.Items.Length} items, {row.Ratings.Length} ratings, {row.Timestamps.Length} times, now {row.Now?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}";
        int rank = Array.IndexOf(order, label) + 1;
        return new Recommendation(reasoning, best, [.. best.Select(i => 1f / (1 + Math.Abs(i - last)))], label < 0 || rank == 0 ? null : rank);
    }
}
