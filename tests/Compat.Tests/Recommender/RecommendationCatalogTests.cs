using Microsoft.ML;

namespace Compat.Tests.Recommender;

public sealed class RecommendationCatalogTests
{
    [Fact]
    public void A_context_has_a_catalog_of_recommendation_trainers()
    {
        var ml = new MLContext(1);
        RecommendationCatalog catalog = ml.Recommendation();
        Assert.NotNull(catalog.Trainers);
        Assert.NotSame(catalog, ml.Recommendation());
        Assert.True(typeof(RecommendationCatalog.RecommendationTrainers).IsSealed); // packages add trainers as extension methods
    }
}
