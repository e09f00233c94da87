using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.Data;

namespace RRec.MLNet.Tests;

/// <summary>What reaches the model of ratings, times and vectors of whatever type and unit.</summary>
public class HistoryColumnTests
{
    private readonly MLContext _ml = new(seed: 1);
    private static readonly DateTime Day = new(2024, 5, 6, 7, 8, 9, DateTimeKind.Utc);

    private sealed class Fixed
    {
        [VectorType(3)] public string[] HistoryItems { get; set; } = ["i1", "i2", "i3"];
        [VectorType(3)] public double[] HistoryRatings { get; set; } = [2, 8, 10];
        [VectorType(3)] public int[] HistoryTimestamps { get; set; } = [100, 200, 300];
        public uint Timestamp { get; set; } = 400;
    }

    private sealed class Dated
    {
        public string[] HistoryItems { get; set; } = ["i1", "i2"];
        public DateTime[] HistoryTimestamps { get; set; } = [Day.AddDays(-2), Day.AddHours(-1)];
        public DateTimeOffset Timestamp { get; set; } = new(Day);
    }

    [Fact]
    public void Vectors_of_known_length_and_times_in_seconds_and_ratings_out_of_ten()
    {
        UserHistory row = Seen(_ml.Data.LoadFromEnumerable(new[] { new Fixed() }), o => o with { TimestampUnit = TimestampUnit.Seconds, RatingFactor = 5f / 10 });
        Assert.Equal([1, 2, 3], row.Items.ToArray());
        Assert.Equal([1, 4, 5], row.Ratings.ToArray());
        Assert.Equal([100_000, 200_000, 300_000], row.Timestamps.ToArray());
        Assert.Equal(400_000, row.Now);
    }

    [Fact]
    public void Times_in_milliseconds_are_taken_as_they_are()
    {
        UserHistory row = Seen(_ml.Data.LoadFromEnumerable(new[] { new Fixed() }), o => o);
        Assert.Equal([100, 200, 300], row.Timestamps.ToArray());
        Assert.Equal(400, row.Now);
    }

    [Fact]
    public void Dates_speak_for_themselves_whatever_the_unit()
    {
        foreach (TimestampUnit unit in Enum.GetValues<TimestampUnit>())
        {
            UserHistory row = Seen(_ml.Data.LoadFromEnumerable(new[] { new Dated() }), o => o with { TimestampUnit = unit });
            Assert.Equal(new DateTimeOffset(Day).ToUnixTimeMilliseconds(), row.Now);
            Assert.Equal([row.Now!.Value - 2 * 86_400_000L, row.Now.Value - 3_600_000], row.Timestamps.ToArray());
            Assert.Equal(0, row.Ratings.Length);
        }
    }

    [Fact]
    public void A_row_whose_ratings_and_times_are_empty_has_none_and_its_neighbours_keep_theirs()
    {
        FakeRecommender fake = FakeRecommender.Of(9);
        IDataView view = _ml.Data.LoadFromEnumerable(new[] { Rows.Make(3, 9), new HistoryRow { HistoryItems = ["i1", "i2"], Timestamp = 7 } });
        Assert.Equal(["after 3 items, 3 ratings, 3 times, now 5003", "after 2 items, 0 ratings, 0 times, now 7"], Rows.Texts(Rows.Transformer(_ml, fake).Transform(view), "Reasoning"));
    }

    // Prompts of an engine: without ratings and times where the data has none.
    [GoldenFact(TinyModel.Needs)]
    public void Prompts_have_ratings_and_times_only_where_the_columns_are_there()
    {
        R2ecModel model = R2ecModel.Open(Goldens.PathOf(TinyModel.Needs), TinyModel.Catalogue, new R2ecSettings { Window = 2, MaxNewTokens = 4 });
        string Prompt(UserHistory row) => model.Writer.UserText(row, 2).ToString();
        string full = Prompt(Seen(_ml.Data.LoadFromEnumerable(new[] { new Fixed() }), o => o with { TimestampUnit = TimestampUnit.Seconds, RatingFactor = 0.5f }));
        Assert.Contains("1.7min ago: [Blue thing 3] (5.0)", full);
        Assert.DoesNotContain("thing 1]", full); // beyond the window
        string bare = Prompt(Seen(_ml.Data.LoadFromEnumerable(new[] { new BareRow { HistoryItems = ["i2", "i3"] } }), o => o));
        Assert.Contains("[Blue thing 3]", bare);
        Assert.DoesNotContain("ago", bare);
        Assert.DoesNotContain("(5", bare);
        model.Dispose();
    }

    // The one row that the engine is asked about.
    private UserHistory Seen(IDataView view, Func<ScoringOptions, ScoringOptions> change)
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        Assert.Single(Rows.Texts(Rows.Transformer(_ml, fake, change: change).Transform(view), "Reasoning"));
        return Assert.Single(fake.LastRows);
    }
}
