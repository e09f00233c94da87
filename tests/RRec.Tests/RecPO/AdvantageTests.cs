using RRec.RecPO;

namespace RRec.Tests.RecPO;

public sealed class AdvantageTests
{
    private static readonly double[] Rewards = [0.2, 0.4, 0.9, 0.1, 0.50, 0.51, 0.52, 0.53];

    [Fact]
    public void Leave_one_out_advantages_compare_with_the_mean_of_the_others_and_sum_to_zero()
    {
        double[] a = Advantages.Compute(Rewards, 4, new() { Advantage = AdvantageType.LeaveOneOut });
        Assert.Equal(0.9 - (0.2 + 0.4 + 0.1) / 3, a[2], 12);
        Assert.Equal(0, a[..4].Sum(), 12);
    }

    [Fact]
    public void Group_scale_makes_all_groups_equally_loud_and_batch_scale_keeps_their_proportion()
    {
        double[] group = Advantages.Compute(Rewards, 4, new() { AdvantageScale = AdvantageScale.Group });
        Assert.Equal(3, group[..4].Sum(x => x * x), 5);
        Assert.Equal(3, group[4..].Sum(x => x * x), 5);
        double[] none = Advantages.Compute(Rewards, 4, new() { AdvantageScale = AdvantageScale.None });
        Assert.Equal(0.5, none[2], 12);
        double[] batch = Advantages.Compute(Rewards, 4, new() { AdvantageScale = AdvantageScale.Batch });
        Assert.Equal(none[2] / none[7], batch[2] / batch[7], 9);
        Assert.Equal(1, batch.Sum(x => x * x) / 6, 5); // mean variance over both groups of n-1 = 3
    }

    [Fact]
    public void A_spread_of_rounding_size_gives_no_advantage_though_the_authors_blow_it_up()
    {
        double[] rewards = [0.3, 0.3 + 1e-9, 0.3, 0.3];
        Assert.All(Advantages.Compute(rewards, 4, new()), a => Assert.Equal(0, a));
        Assert.Contains(Advantages.Compute(rewards, 4, new() { Compatibility = Compatibility.Official }), a => Math.Abs(a) > 0.05);
    }

    [Fact]
    public void The_authors_leave_one_out_sums_to_the_mean_reward()
    {
        double[] a = Advantages.Compute(Rewards, 4, new() { Advantage = AdvantageType.LeaveOneOut, Compatibility = Compatibility.Official });
        Assert.Equal(Rewards[..4].Sum() / 4, a[..4].Sum(), 12);
    }

    [Fact]
    public void Relabelling_takes_only_advantages_above_zero_and_lower_indexes_first()
    {
        double[] advantages = [1.7, -0.4, -0.5, -0.8, 0.5, 0.5, -0.5, -0.5];
        Assert.Equal([true, false, false, false, true, true, false, false], Advantages.Relabel(advantages, 4, new() { RelabelTopK = 2 }));
        Assert.Equal([true, false, false, false, true, false, false, false], Advantages.Relabel(advantages, 4, new() { RelabelTopK = 1 }));
        Assert.Equal([true, true, false, false, true, true, false, false], Advantages.Relabel(advantages, 4, new() { RelabelTopK = 2, Compatibility = Compatibility.Official }));
    }

    [Fact]
    public void The_target_stays_a_candidate_when_the_history_holds_it()
    {
        RewardParts parts = Reward.Of([1f, 3f, 2f], 1, [1, 0], 1000, 0.05);
        Assert.Equal(1, parts.Rank);
        Assert.Equal(Math.E / (1 + Math.E), parts.Softmax, 12);
        RewardParts official = Reward.Of([1f, 3f, 2f], 1, [1, 0], 1000, 0.05, maskTarget: true);
        Assert.Equal(0, official.Softmax);
        Assert.Equal(3, official.Rank);
    }

    [Fact]
    public void Tied_scores_count_lower_indexes_first()
    {
        float[] scores = [2f, 2f, 2f, 1f];
        Assert.Equal([1, 2, 3, 4], Enumerable.Range(0, 4).Select(t => Reward.Of(scores, t, [], 10, 0).Rank));
    }

    [Fact]
    public void Ndcg_is_zero_beyond_k()
    {
        Assert.Equal(0, Reward.Of([3f, 2f, 1f], 2, [], 2, 0).Value);
        Assert.Equal(0.5, Reward.Of([3f, 2f, 1f], 2, [], 3, 0).Value, 12);
    }
}
