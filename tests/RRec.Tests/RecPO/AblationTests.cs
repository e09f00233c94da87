using RRec.Backbones;
using RRec.Data;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>The paper's ablations and every option that changes a step, each run on the tiny world: does it do what its documentation says?</summary>
public sealed class AblationTests
{
    private static readonly RecPOOptions Two = TinyWorld.Options with { MaxSteps = 2, EvaluationSteps = 100, ClipNorm = 0 };

    [GoldenFact(TinyWorld.Needs)]
    public void Only_the_discrete_or_only_the_continuous_reward()
    {
        Assert.All(Steps(Two with { SoftmaxWeight = 0 }), s => Assert.Equal(s.NdcgMean, s.RewardMean, 1e-12));
        Assert.All(Steps(Two with { SoftmaxWeight = 1 }), s => Assert.Equal(s.SoftmaxMean, s.RewardMean, 1e-12));
        Assert.All(Steps(Two), s => Assert.Equal(0.95 * s.NdcgMean + 0.05 * s.SoftmaxMean, s.RewardMean, 1e-12));
        StepMetrics first = Steps(Two with { RewardNdcgK = 1, SoftmaxWeight = 0 })[0];
        Assert.True(first.RewardMean < Steps(Two with { SoftmaxWeight = 0 })[0].RewardMean, "only rank 1 is rewarded with k = 1");
        Assert.Equal(first.RewardMean * 12, Math.Round(first.RewardMean * 12), 1e-9); // each of 12 trajectories brings 0 or 1
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_history_is_a_candidate_of_rewards_only_where_the_models_mask_is_off()
    {
        PurchaseRow[] rows = [new(new UserHistory(Enumerable.Range(0, 20).ToArray()), 25)];
        List<double> sums = [];
        foreach (bool mask in new[] { true, false })
        {
            using R2ecModel model = TinyWorld.Model(new R2ecSettings { Window = 3, MaxNewTokens = 4, Temperature = 0.1, MaskHistory = mask });
            model.EncodeItems();
            Assert.All(new Rollout(model, Two).Play(rows, [0], 1, default).Rewards, r => Assert.InRange(r.Rank, 1, mask ? 10 : 30));
            sums.Add(new Rollout(model, Two).Play(rows, [0], 1, default).Rewards.Sum(r => r.Softmax));
        }

        Assert.True(sums[0] > sums[1], "fewer candidates leave the target more of the probability");
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Without_reasoning_completions_are_the_answer_and_the_item_loss_is_the_plain_contrastive_one()
    {
        using R2ecModel model = TinyWorld.Model();
        PurchaseRow[] rows = TinyWorld.Rows(20);
        RecPOOptions options = Two with { Reasoning = false, TrajectoriesPerUser = 1, UsersPerStep = 20, MaxSteps = 1 };
        model.EncodeItems();
        UpdateBatch batch = new Rollout(model, options).Play(rows, [.. Enumerable.Range(0, 20)], 1, default).Batch;
        Assert.All(batch.Completions, c => Assert.Equal(model.Writer.AnswerIds, c));
        Assert.All(batch.PolicyMask, m => Assert.DoesNotContain(true, m));

        // By hand: cosines of the state at the answer with each distinct target, softmax, -log p, mean.
        double expected = 0;
        using (NewDisposeScope())
        using (no_grad())
        {
            int[] targets = [.. rows.Select(r => r.Target).Distinct()];
            using PaddedBatch all = PaddedBatch.FromRows([.. rows.Select(r => (int[])[.. model.PromptOf(r.History), .. model.Writer.AnswerIds])]);
            Tensor users = Unit(model.Backbone.LastHidden(all)), items = Unit(model.Items.Embed(targets));
            Tensor logProbs = (users.matmul(items.t()) / 0.1).log_softmax(-1);
            for (int i = 0; i < rows.Length; i++) expected -= logProbs[i][Array.IndexOf(targets, rows[i].Target)].item<float>() / rows.Length;
        }

        StepMetrics step = Assert.Single(Steps(options));
        Assert.Equal(expected, step.ItemLoss, 1e-4);
        Assert.Equal((0, 0, 1.0, 0), (step.PolicyLoss, step.ReasoningLength, step.Ratio, step.TokensPerSecond));
        Assert.Equal(step.ItemLoss, step.Loss);

        // Random table rows are further candidates: the target's share of the probability falls.
        Assert.True(Steps(options with { TableNegatives = 8 })[0].ItemLoss > step.ItemLoss);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_term_whose_weight_is_zero_moves_nothing()
    {
        // With the policy term alone nothing reaches the items: fresh encodings of the targets carry no gradient.
        StepMetrics[] policy = Steps(Two with { ItemLossWeight = 0 }), item = Steps(Two with { PolicyLossWeight = 0 }), both = Steps(Two);
        Assert.Equal(both[0].PolicyLoss, policy[0].Loss, 1e-6);
        Assert.Equal(both[0].ItemLoss, item[0].Loss, 1e-6);
        Assert.NotEqual(policy[0].GradientNorm, item[0].GradientNorm);
        Assert.InRange(both[0].GradientNorm, Math.Abs(policy[0].GradientNorm - item[0].GradientNorm), policy[0].GradientNorm + item[0].GradientNorm + 1e-4);
        Assert.Equal(2 * policy[0].GradientNorm, Steps(Two with { ItemLossWeight = 0, PolicyLossWeight = 2 })[0].GradientNorm, 1e-3 * policy[0].GradientNorm);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Advantages_and_relabelling_of_each_kind_train_differently()
    {
        RecPOOptions one = Two with { MaxSteps = 1 };
        float[][] weights = [Weights(one), Weights(one with { AdvantageScale = AdvantageScale.Group }), Weights(one with { AdvantageScale = AdvantageScale.None }),
            Weights(one with { Advantage = AdvantageType.LeaveOneOut }), Weights(one with { RelabelTopK = 2 }), Weights(one with { PolicyLossWeight = 0.1 })];
        for (int i = 0; i < weights.Length; i++)
            for (int j = 0; j < i; j++) Assert.NotEqual(weights[i], weights[j]);

        // The item loss is -mean(A m): more of A where two of a group are chosen.
        Assert.True(Steps(one with { RelabelTopK = 2 })[0].ItemLoss <= Steps(one)[0].ItemLoss);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Sampling_among_one_token_makes_groups_constant_and_they_teach_nothing()
    {
        foreach (RecPOOptions greedy in new[] { Two with { TopK = 1 }, Two with { TopP = 1e-6 }, Two with { SamplingTemperature = 1e-4 } })
            Assert.All(Steps(greedy), s => Assert.Equal((1.0, 0.0, 0.0), (s.ZeroAdvantageShare, s.PolicyLoss, s.GradientNorm)));
        Assert.All(Steps(Two with { ConstantGroupSpread = 2 }), s => Assert.Equal((1.0, 0.0), (s.ZeroAdvantageShare, s.GradientNorm)));
        Assert.All(Steps(Two), s => Assert.True(s.ZeroAdvantageShare < 1 && s.GradientNorm > 0));
        Assert.Equal(1, Steps(Two, new R2ecSettings { Window = 3, MaxNewTokens = 1, Temperature = 0.1 })[0].ReasoningLength, 1e-9);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_entropy_bonus_enters_the_loss_and_keeps_entropy_up()
    {
        RecPOOptions with = Two with { MaxSteps = 12, Epochs = 100, EntropyBonus = 5, PolicyLossWeight = 0, ItemLossWeight = 1e-6, LearningRate = 3e-3 };
        StepMetrics[] steps = Steps(with);
        Assert.All(steps, s => Assert.Equal(1e-6 * s.ItemLoss - 5 * s.Entropy, s.Loss, 1e-6));
        Assert.True(steps[^3..].Average(s => s.Entropy) > steps[..3].Average(s => s.Entropy), $"{steps[0].Entropy} -> {steps[^1].Entropy}");
        Assert.True(Steps(Two with { LogProbTemperature = 4 })[0].Entropy > Steps(Two)[0].Entropy, "warmer distributions have more entropy");
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Inner_updates_and_mini_batches_are_that_many_optimiser_steps_with_ratios_that_leave_one()
    {
        Assert.Equal((2, 1.0), Optimiser(Two with { LearningRate = 0.01 }));
        (int steps, double ratio) = Optimiser(Two with { InnerUpdates = 3, LearningRate = 0.01 });
        Assert.Equal(6, steps);
        Assert.NotEqual(1, ratio, 1e-4);
        (steps, ratio) = Optimiser(Two with { MiniBatches = 4, LearningRate = 0.01 });
        Assert.Equal(8, steps);
        Assert.NotEqual(1, ratio, 1e-4); // later mini-batches meet weights that earlier ones moved
        Assert.True(Steps(Two with { InnerUpdates = 3, LearningRate = 0.01, EpsilonLow = 0, EpsilonHigh = 0 })[0].ClipShare > Steps(Two with { InnerUpdates = 3, LearningRate = 0.01, EpsilonLow = 1, EpsilonHigh = 1e6 })[0].ClipShare);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Schedules_warm_up_weight_decay_and_clipping_show_in_the_steps()
    {
        RecPOOptions four = Two with { MaxSteps = 4, LearningRate = 1e-3 };
        Assert.Equal([1e-3, 1e-3, 1e-3, 1e-3], Rates(four));
        Assert.Equal([0.5e-3, 1e-3, 1e-3, 0.5e-3], Rates(four with { RateWarmUpSteps = 2, Schedule = LearningRateShape.Linear }), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([1e-3, 0.5 + 0.25 * Math.Sqrt(2), 0.5, 0.5 - 0.25 * Math.Sqrt(2)], Rates(four with { Schedule = LearningRateShape.Cosine }).Select((r, i) => i == 0 ? r : r * 1e3), (a, b) => Math.Abs(a - b) < 1e-9);
        double free = Norm(Weights(Two)), decayed = Norm(Weights(Two with { WeightDecay = 100 }));
        Assert.True(decayed < 0.9 * free, $"{free} -> {decayed}"); // twice 10% off all that is trained
        Assert.NotEqual(Weights(Two), Weights(Two with { ClipNorm = 1e-6, AdamEpsilon = 1e-3 }));
        static double Norm(float[] w) => Math.Sqrt(w[..^(30 * 64)].Sum(x => (double)x * x));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void An_adapter_has_the_rank_scale_and_places_that_were_asked_for_and_full_training_has_none()
    {
        using R2ecModel model = TinyWorld.Model();
        Train(model, Two with { Tuning = Tuning.Lora, LoraRank = 2, LoraAlpha = 6, LoraTargets = ["q_proj", "down_proj"] });
        Assert.Equal((2, 3.0), (model.Backbone.Adapter!.Options.Rank, model.Backbone.Adapter.Options.Scale));
        Assert.Equal(["down_proj", "q_proj"], model.Backbone.TrainableParameters().Select(p => p.Name.Split('.').First(n => n.EndsWith("_proj", StringComparison.Ordinal))).Distinct().Order());
        using R2ecModel full = TinyWorld.Model();
        Train(full, Two with { Tuning = Tuning.Auto });
        Assert.Null(full.Backbone.Adapter);
        Assert.Contains(full.Backbone.TrainableParameters(), p => p.Name.Contains("embed_tokens"));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Table_rows_of_targets_follow_at_each_step_and_all_rows_where_refreshing_says_so()
    {
        RecPOOptions moving = Two with { LearningRate = 0.01 };
        Assert.Equal(0, Changed(moving with { RefreshTargets = false }));
        Assert.InRange(Changed(moving), 4, 8); // the targets of two steps of four users
        Assert.Equal(30, Changed(moving with { TableRefreshSteps = 1, RefreshTargets = false }));

        // Rows of the table that the second step's rewards saw or left behind, against the start's.
        static int Changed(RecPOOptions options)
        {
            using R2ecModel model = TinyWorld.Model();
            model.EncodeItems();
            float[] before = Table(model), after = [];
            RecPOTrainer.Train(model, TinyWorld.Rows(20), null, options, new Listener([], p => { if (p.StepMetrics?.Step == 2) after = Table(model); }));
            return Enumerable.Range(0, 30).Count(i => !before.AsSpan(i * 64, 64).SequenceEqual(after.AsSpan(i * 64, 64)));
        }

        static float[] Table(R2ecModel model) => model.Items.Vectors.reshape(-1).data<float>().ToArray();
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Official_rewards_have_the_padding_item_as_a_candidate_of_the_longest_histories_and_continue_from_a_checkpoint()
    {
        using R2ecModel model = TinyWorld.Model();
        PurchaseRow[] rows = [new(new UserHistory(new[] { 1, 2, 3 }), 9), new(new UserHistory(new[] { 4 }), 9), new(new UserHistory(new[] { 5, 6, 7 }), 9)];
        RecPOOptions options = Two with { Compatibility = Compatibility.Official };
        using PadItem pad = new(model);
        model.EncodeItems();
        pad.Encode();
        Assert.Equal(1, pad.Vector.norm().item<float>(), 1e-5);
        RolloutResult with = new Rollout(model, options, pad).Play(rows, [0, 1, 2], 1, default), without = new Rollout(model, options).Play(rows, [0, 1, 2], 1, default);
        for (int i = 0; i < 9; i++)
        {
            bool longest = i / 3 != 1;
            Assert.Equal(longest, with.Rewards[i].Softmax < without.Rewards[i].Softmax);
            Assert.True(with.Rewards[i].Rank >= without.Rewards[i].Rank);
        }

        string folder = Directory.CreateTempSubdirectory("rrec-official-").FullName;
        try
        {
            RecPOOptions kept = options with { MaxSteps = 4, CheckpointDirectory = folder, CheckpointSteps = 1 };
            float[] whole = Weights(options with { MaxSteps = 4 });
            using CancellationTokenSource stop = new();
            using R2ecModel interrupted = TinyWorld.Model();
            Assert.ThrowsAny<OperationCanceledException>(() => RecPOTrainer.Train(interrupted, TinyWorld.Rows(20), null, kept, new Listener([], p => { if (p.StepMetrics?.Step == 2) stop.Cancel(); }), stop.Token));
            Assert.Equal(whole, Weights(kept));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static StepMetrics[] Steps(RecPOOptions options, R2ecSettings? settings = null)
    {
        using R2ecModel model = TinyWorld.Model(settings);
        return Train(model, options);
    }

    private static StepMetrics[] Train(R2ecModel model, RecPOOptions options)
    {
        List<R2ecProgress> seen = [];
        RecPOTrainer.Train(model, TinyWorld.Rows(20), null, options, new Listener(seen));
        return [.. seen.Where(p => p.StepMetrics is not null).Select(p => p.StepMetrics!)];
    }

    private static float[] Weights(RecPOOptions options)
    {
        using R2ecModel model = TinyWorld.Model();
        Train(model, options);
        return TinyWorld.Weights(model);
    }

    private static double[] Rates(RecPOOptions options) => [.. Steps(options).Select(s => s.LearningRate)];

    // Optimiser steps of a training, and the mean ratio of its last step.
    private static (int Steps, double Ratio) Optimiser(RecPOOptions options)
    {
        Counter counter = new();
        StepMetrics[] steps = Steps(options with { AuxiliaryLoss = counter });
        return (counter.Calls, Math.Round(steps[^1].Ratio, 9));
    }

    private static Tensor Unit(Tensor x) => x / x.norm(-1, keepdim: true);

    /// <summary>Is asked once per optimiser step.</summary>
    private sealed class Counter : IAuxiliaryLoss
    {
        public int Calls { get; private set; }

        public Tensor Evaluate(Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step)
        {
            Assert.Equal(++Calls, step);
            return backbone.TrainableParameters()[0].Parameter.sum() * 0;
        }
    }
}
