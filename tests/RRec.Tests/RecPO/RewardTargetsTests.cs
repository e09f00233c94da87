using RRec.Data;
using RRec.RecPO;

namespace RRec.Tests.RecPO;

/// <summary>Rewards for several of the user's next purchases.</summary>
public sealed class RewardTargetsTests
{
    [Fact]
    public void Later_targets_are_the_same_users_next_ones_without_repeats_and_what_the_history_holds()
    {
        int[] bought = [4, 5, 6, 5, 4, 7, 8];
        PurchaseRow Row(int end, string? user) => new(new UserHistory(bought.AsMemory(0, end), Now: end), bought[end], user);
        PurchaseRow[] rows = [Row(3, "a"), Row(1, "a"), new(new UserHistory(new[] { 9 }, Now: 2), 1, "b"), Row(2, "a"), Row(5, "a"), Row(4, "a"), Row(6, "a"), Row(1, null)];
        LaterTargets three = new(rows, 3), all = new(rows, 100);
        Assert.Equal([5, 6, 7], three.Of(1));         // after 4: 5, 6, (5 again), (4: in the history), 7
        Assert.Equal([5, 6, 7, 8], all.Of(1));
        Assert.Equal([5, 7, 8], all.Of(0));           // after 4 5 6: its own target 5 stays though it is a repeat, 4 is left out
        Assert.Equal([8], all.Of(6));
        Assert.Equal([1], all.Of(2));
        Assert.Equal([5], all.Of(7));
    }

    [Fact]
    public void The_reward_of_several_purchases_is_the_mean_of_theirs_and_the_rank_the_firsts()
    {
        Random random = new(3);
        float[] scores = [.. Enumerable.Range(0, 50).Select(_ => (float)random.NextDouble() * 4)];
        int[] targets = [7, 30, 12], masked = [1, 2, 3];
        RewardParts[] each = [.. targets.Select(t => Reward.Of(scores, t, masked, 1000, 0.05))];
        RewardParts mean = Reward.Of(scores, targets, masked, 1000, 0.05, false, null);
        Assert.Equal(each[0].Rank, mean.Rank);
        Assert.Equal(each.Average(r => r.Ndcg), mean.Ndcg, 1e-12);
        Assert.Equal(each.Average(r => r.Softmax), mean.Softmax, 1e-12);
        Assert.Equal(each.Average(r => r.Value), mean.Value, 1e-12);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Naming_all_tokens_trains_the_same_weights_as_naming_none()
    {
        List<float[]> trained = [];
        foreach (bool named in new[] { false, true })
        {
            using R2ecModel model = TinyWorld.Model();
            if (named) model.Settings = model.Settings with { ReasoningTokens = [.. Enumerable.Range(0, model.Backbone.Config.VocabularySize)] };
            RecPOTrainer.Train(model, TinyWorld.Rows(20), null, TinyWorld.Options with { MaxSteps = 2 });
            trained.Add(TinyWorld.Weights(model));
        }
        for (int i = 0; i < trained[0].Length; i++) Assert.Equal(trained[0][i], trained[1][i], 2e-3f);
        Assert.True(trained[0].Zip(trained[1]).Average(p => Math.Abs(p.First - p.Second)) < 1e-5, "two steps at 1e-3 move weights by 1e-3");
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_rollout_rewards_later_purchases_and_keeps_to_the_rows_own_in_the_item_loss()
    {
        using R2ecModel model = TinyWorld.Model();
        model.EncodeItems();
        PurchaseRow[] rows = [new(new UserHistory(new[] { 1 }), 2, "a"), new(new UserHistory(new[] { 1, 2 }), 3, "a")];
        RolloutResult one = new Rollout(model, TinyWorld.Options).Play(rows, [0], 1, default), two = new Rollout(model, TinyWorld.Options with { RewardTargets = 2 }).Play(rows, [0], 1, default);
        Assert.Equal(one.Batch.Completions, two.Batch.Completions);
        Assert.Equal(one.Rewards.Select(r => r.Rank), two.Rewards.Select(r => r.Rank));
        Assert.NotEqual(one.Rewards.Select(r => r.Value), two.Rewards.Select(r => r.Value));
        Assert.Equal([2], two.Batch.Targets);
    }
}
