using System.Runtime.CompilerServices;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// The engine behind <see cref="IRecommender"/>. One call at a time: a call uses all cores by itself, and cursors and prediction engines
/// of many threads share one model.
/// </summary>
internal sealed class ModelRecommender(R2ecModel model, SemaphoreSlim? gate = null) : IRecommender
{
    private readonly SemaphoreSlim _gate = gate ?? new SemaphoreSlim(1);

    public R2ecModel Model => model;

    public Catalogue Catalogue => model.Catalogue;

    public IReadOnlyList<Recommendation> Recommend(IReadOnlyList<UserHistory> rows, RecommendRequest request, CancellationToken cancellation)
    {
        _gate.Wait(cancellation);
        try
        {
            return model.Recommend(rows, request, cancellation);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>One row, its reasoning piece by piece; the model is taken until the last piece is read or the reader goes away.</summary>
    public async IAsyncEnumerable<RecommendationChunk> RecommendAsync(UserHistory row, RecommendRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await foreach (RecommendationChunk chunk in model.RecommendAsync(row, request, cancellation).ConfigureAwait(false)) yield return chunk;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The same weights over other items; both take turns, because they share them.</summary>
    public ModelRecommender WithCatalogue(Catalogue catalogue, IProgress<R2ecProgress>? progress, CancellationToken cancellation)
    {
        _gate.Wait(cancellation);
        try
        {
            return new ModelRecommender(model.WithCatalogue(catalogue, progress, cancellation), _gate);
        }
        finally
        {
            _gate.Release();
        }
    }
}
