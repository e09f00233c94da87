using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// What scoring needs of a model: rows in, answers out. The seam between ML.NET's cursors and the engine; tests put a fake behind it.
/// Calls may come from many threads.
/// </summary>
internal interface IRecommender
{
    Catalogue Catalogue { get; }

    /// <summary>Answers rows in their order, as the engine does.</summary>
    IReadOnlyList<Recommendation> Recommend(IReadOnlyList<UserHistory> rows, RecommendRequest request, CancellationToken cancellation);
}
