using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// The engine behind <see cref="IRecommender"/>. One call at a time: a call uses all cores by itself, and cursors and prediction engines
/// of many threads share one model.
/// </summary>
internal sealed class ModelRecommender(R2ecModel model) : IRecommender
{
    private readonly Lock _gate = new();

    public R2ecModel Model => model;

    public Catalogue Catalogue => model.Catalogue;

    public IReadOnlyList<Recommendation> Recommend(IReadOnlyList<UserHistory> rows, RecommendRequest request, CancellationToken cancellation)
    {
        lock (_gate) return model.Recommend(rows, request, cancellation);
    }
}
