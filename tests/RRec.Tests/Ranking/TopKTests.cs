using RRec.Ranking;

namespace RRec.Tests.Ranking;

public sealed class TopKTests
{
    [Fact]
    public void Selection_and_ranks_equal_a_full_sort_with_ties_to_the_lower_index()
    {
        Random random = new(1);
        for (int trial = 0; trial < 200; trial++)
        {
            int n = random.Next(1, 60), k = random.Next(1, 70);
            float[] scores = [.. Enumerable.Range(0, n).Select(_ => random.Next(5) == 0 ? float.NegativeInfinity : random.Next(8) / 4f)];
            int[] sorted = [.. Enumerable.Range(0, n).Where(i => !float.IsNegativeInfinity(scores[i])).OrderByDescending(i => scores[i]).ThenBy(i => i)];
            Assert.Equal(sorted.Take(k), TopK.Select(scores, k));
            for (int place = 0; place < sorted.Length; place++) Assert.Equal(place + 1, TopK.RankOf(scores, sorted[place]));
        }
    }

    [Fact]
    public void A_score_that_is_no_number_is_refused_by_position()
    {
        Assert.Contains("Score 2", Assert.Throws<ArgumentException>(() => TopK.Select([1, 2, float.NaN], 2)).Message);
    }
}
