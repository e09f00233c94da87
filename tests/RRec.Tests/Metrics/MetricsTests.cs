using System.Text.Json;
using RRec.Metrics;
using RRec.RecPO;
using RRec.Tests.RecPO;

namespace RRec.Tests.Metrics;

public sealed class MetricsTests
{
    [GoldenFact("goldens/recpo/metrics.safetensors")]
    public void Evaluation_metrics_equal_the_authors()
    {
        GoldenTensors golden = new("metrics");
        JsonElement facts = GoldenJson.Root.GetProperty("metrics");
        int items = (int)golden.Shape("item_table")[0], width = (int)golden.Shape("history_padded")[1];
        int[] targets = golden.Ints("target"), lengths = golden.Ints("history_len"), history = golden.Ints("history_padded");
        long[] stored = golden.Longs("rank");
        HashSet<int> targetMasked = [.. facts.GetProperty("masked_target_rows").EnumerateArray().Select(e => e.GetInt32())];
        List<int> ranks = [];
        for (int row = 0; row < targets.Length; row++)
        {
            // The stored similarity has the mask written in already; ranks must come out without another.
            RewardParts parts = Reward.Of(golden.Row("similarity", row), targets[row], history.AsSpan(row * width, lengths[row]), items, 0, maskTarget: true);
            if (!targetMasked.Contains(row)) Assert.Equal(stored[row], parts.Rank);
            ranks.Add(parts.Rank);
        }

        RankingMetrics own = new(ranks);
        foreach (int k in RankingMetrics.StandardCutoffs)
        {
            Assert.Equal(facts.GetProperty("result").GetProperty($"ndcg@{k}").GetDouble(), own.Ndcg(k), 1e-6);
            Assert.Equal(facts.GetProperty("result").GetProperty($"hit_rate@{k}").GetDouble(), own.HitRate(k), 1e-6);
        }
    }

    [Fact]
    public void Reciprocal_rank_precision_and_coverage_by_hand()
    {
        RankingMetrics m = new([1, 2, 11, 4]);
        Assert.Equal((1 + 0.5 + 1 / 11.0 + 0.25) / 4, m.Mrr, 12);
        Assert.Equal((1 + 0.5 + 0.25) / 4, m.Map(10), 12);
        Assert.Equal(0.75, m.HitRate(10));
        Assert.Equal(0.3, RankingMetrics.CoverageOf([[1, 2], [2, 7]], 10), 12);
        Assert.Throws<ArgumentException>(() => new RankingMetrics([]));
        Assert.Throws<ArgumentException>(() => new RankingMetrics([0]));
    }

    [Fact]
    public void Intervals_by_user_are_wider_than_by_row_when_rows_of_a_user_agree()
    {
        // 20 users of 50 equal rows each: only 20 independent values.
        double[] values = [.. Enumerable.Range(0, 1000).Select(i => i / 50 % 2 == 0 ? 1.0 : 0.0)];
        string[] users = [.. Enumerable.Range(0, 1000).Select(i => $"u{i / 50}")];
        Interval byUser = Bootstrap.ByUser(values, users), byRow = Bootstrap.ByUser(values, null);
        Assert.Equal(0.5, byUser.Mean, 12);
        Assert.InRange(byUser.High - byUser.Low, 0.38, 0.48); // 2 x 1.96 x sqrt(.25/20) = .438
        Assert.InRange(byRow.High - byRow.Low, 0.05, 0.075);  // 2 x 1.96 x sqrt(.25/1000) = .062
        Assert.Equal(byUser, Bootstrap.ByUser(values, users));
    }

    [Fact]
    public void A_paired_comparison_sees_a_small_steady_gain_that_two_intervals_hide()
    {
        Random random = new(3);
        double[] b = [.. Enumerable.Range(0, 400).Select(_ => random.NextDouble())];
        double[] a = [.. b.Select(x => x + 0.01 + 0.005 * (random.NextDouble() - 0.5))];
        Interval gain = Bootstrap.Paired(a, b, null);
        Assert.InRange(gain.Mean, 0.0095, 0.0105);
        Assert.True(gain.Low > 0.009 && gain.High < 0.011);
        Interval alone = Bootstrap.ByUser(a, null);
        Assert.True(alone.High - alone.Low > 0.04);
        Assert.Throws<ArgumentException>(() => Bootstrap.Paired([1, 2], [1], null));
    }
}
