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

    // Vectors of small whole numbers, so that scores are exact and many are equal.
    [Fact]
    public unsafe void A_search_in_blocks_equals_a_full_sort_under_masks_and_with_any_number_of_threads()
    {
        Random random = new(2);
        foreach ((int items, int users, int width, int k) in new[] { (1, 1, 16, 3), (700, 5, 17, 10), (1100, 230, 8, 60), (5000, 98, 32, 1) })
        {
            float[] v = [.. Enumerable.Range(0, items * width).Select(_ => (float)random.Next(-2, 3))], u = [.. Enumerable.Range(0, users * width).Select(_ => (float)random.Next(-2, 3))];
            bool[] closed = [.. Enumerable.Range(0, items).Select(_ => random.Next(4) == 0)];
            int[] Some() => [.. Enumerable.Range(0, items).Where(_ => random.Next(3) == 0)];
            OpenItems[] open = [.. Enumerable.Range(0, users).Select(i => new OpenItems(i % 3 == 0 ? null : closed, i % 4 == 1 ? [.. Some()] : null, i % 2 == 0 ? [.. Some()] : null))];
            int[] labels = [.. Enumerable.Range(0, users).Select(i => i % 5 == 0 ? -1 : random.Next(items))];
            foreach (int threads in new[] { 1, 2 })
                foreach (OpenItems[]? masks in new[] { null, open })
                {
                    Found[] found;
                    fixed (float* items1 = v, users1 = u)
                        found = ItemSearch.Best(Kernels.WorkerTeam.Of(threads), new Kernels.Matrix((nint)items1, items, width, false), users1, users, k, masks, labels);
                    for (int r = 0; r < users; r++)
                    {
                        float[] scores = [.. Enumerable.Range(0, items).Select(i => Enumerable.Range(0, width).Sum(j => u[r * width + j] * v[i * width + j]))];
                        int[] sorted = [.. Enumerable.Range(0, items).Where(i => masks is null || masks[r].Contains(i)).OrderByDescending(i => scores[i]).ThenBy(i => i)];
                        Assert.Equal(sorted.Take(k), found[r].Items);
                        Assert.Equal(found[r].Items.Select(i => scores[i]), found[r].Scores);
                        int? rank = labels[r] < 0 ? null : 1 + sorted.Count(i => scores[i] > scores[labels[r]] || (scores[i] == scores[labels[r]] && i < labels[r]));
                        Assert.Equal(rank, found[r].LabelRank);
                    }
                }
        }
    }

    [Fact]
    public unsafe void A_search_refuses_what_is_no_number_by_item()
    {
        float[] v = [1, 2, 3, 4, float.NaN, 6], u = [1, 1];
        fixed (float* items = v, users = u)
        {
            (nint i, nint q) = ((nint)items, (nint)users);
            Assert.Contains("item 2", Assert.Throws<ArgumentException>(() => ItemSearch.Best(Kernels.WorkerTeam.Of(1), new Kernels.Matrix(i, 3, 2, false), (float*)q, 1, 1)).Message);
        }
    }
}
