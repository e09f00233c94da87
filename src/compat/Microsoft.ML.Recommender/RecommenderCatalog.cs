using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public static class RecommenderCatalog
{
    /// <summary>Trainers and tools for recommendation tasks.</summary>
    public static RecommendationCatalog Recommendation(this MLContext ctx) => new(ctx);
}

public sealed class RecommendationCatalog : TrainCatalogBase
{
    internal RecommendationCatalog(IHostEnvironment env) : base(env, nameof(RecommendationCatalog)) => Trainers = new RecommendationTrainers(this);

    public RecommendationTrainers Trainers { get; }

    /// <summary>The trainers, which packages add as extension methods.</summary>
    public sealed class RecommendationTrainers : CatalogInstantiatorBase
    {
        internal RecommendationTrainers(RecommendationCatalog catalog) : base(catalog) { }
    }
}
