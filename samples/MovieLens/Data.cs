using Microsoft.ML;
using Microsoft.ML.Data;

namespace MovieLens;

/// <summary>A row of ratings.csv. Every rating counts as a purchase, as in docs/quality.md.</summary>
internal sealed class Rating
{
    [LoadColumn(0)] public int UserId { get; set; }
    [LoadColumn(1)] public int MovieId { get; set; }
    [LoadColumn(2), ColumnName("Rating")] public float Stars { get; set; }
    [LoadColumn(3)] public long Timestamp { get; set; }
}

/// <summary>A row of movies.csv.</summary>
internal sealed class Movie
{
    [LoadColumn(0)] public int MovieId { get; set; }
    [LoadColumn(1)] public string Title { get; set; } = "";
    [LoadColumn(2)] public string Genres { get; set; } = "";
}

/// <summary>The MovieLens files as rows to train on, rows to choose by, and rows to report on.</summary>
internal sealed record Dataset(IDataView Items, IDataView Train, IDataView Valid, IDataView Test)
{
    /// <summary>5-core histories, cut at 80% and 90% of the purchases in time order: the protocol of docs/quality.md.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="folder">Holds ratings.csv and movies.csv.</param>
    /// <param name="mostRated">Keep only so many movies, the most rated ones: for a real LLM on a small machine. 0: all.</param>
    public static Dataset Load(MLContext ml, string folder, int mostRated = 0)
    {
        IDataView log = ml.Data.LoadFromTextFile<Rating>(Path.Combine(folder, "ratings.csv"), separatorChar: ',', hasHeader: true);
        if (mostRated > 0)
        {
            List<Rating> all = [.. ml.Data.CreateEnumerable<Rating>(log, reuseRowObject: false)];
            HashSet<int> kept = [.. all.GroupBy(r => r.MovieId).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).Take(mostRated).Select(g => g.Key)];
            log = ml.Data.LoadFromEnumerable(all.Where(r => kept.Contains(r.MovieId)).ToList());
        }

        IDataView movies = ml.Data.LoadFromTextFile<Movie>(Path.Combine(folder, "movies.csv"), separatorChar: ',', hasHeader: true, allowQuoting: true);
        IDataView histories = ml.Recommendation().CreatePurchaseHistories(log, nameof(Rating.UserId), nameof(Rating.MovieId), nameof(Rating.Timestamp), "Rating", kCore: 5);
        var split = ml.Recommendation().TimeOrderedSplit(histories, validationFraction: 0.1, testFraction: 0.1);
        return new Dataset(ml.Recommendation().KeepPurchasedItems(movies, nameof(Movie.MovieId), histories), split.TrainSet, split.ValidationSet, split.TestSet);
    }
}
