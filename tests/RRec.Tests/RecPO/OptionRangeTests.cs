using RRec.RecPO;

namespace RRec.Tests.RecPO;

/// <summary>Every option of RecPO at the edges of its range: the last good values pass the gate, the first bad ones are refused by name and value.</summary>
public sealed class OptionRangeTests
{
    private static readonly RecPOOptions Default = new();

    // Without a range of their own: switches, hooks, the seed, the clock.
    private static readonly string[] Free =
    [
        nameof(RecPOOptions.Reasoning), nameof(RecPOOptions.RefreshTargets), nameof(RecPOOptions.EvaluateAtStart), nameof(RecPOOptions.RestoreBest), nameof(RecPOOptions.Seed),
        nameof(RecPOOptions.GradientCheckpointing), nameof(RecPOOptions.TrainOnly), nameof(RecPOOptions.AuxiliaryLoss), nameof(RecPOOptions.EmbeddingDelta), nameof(RecPOOptions.Clock),
    ];

    private static readonly Range[] Ranges =
    [
        new(nameof(RecPOOptions.TrajectoriesPerUser), x => Default with { TrajectoriesPerUser = (int)x }, [2, 256], [0, 1, 257]),
        new(nameof(RecPOOptions.UsersPerStep), x => Default with { UsersPerStep = (int)x }, [1, 65536], [0, 65537]),
        new(nameof(RecPOOptions.SamplingTemperature), x => Default with { SamplingTemperature = x }, [1e-3, 10], [0, 10.5, double.NaN]),
        new(nameof(RecPOOptions.TopK), x => Default with { TopK = (int)x }, [0, 1_000_000], [-1]),
        new(nameof(RecPOOptions.TopP), x => Default with { TopP = x }, [1e-6, 1], [0, 1.01, double.NaN]),
        new(nameof(RecPOOptions.RewardNdcgK), x => Default with { RewardNdcgK = (int)x }, [1, 1_000_000], [0]),
        new(nameof(RecPOOptions.SoftmaxWeight), x => Default with { SoftmaxWeight = x }, [0, 1], [-0.1, 1.1, double.NaN]),
        new(nameof(RecPOOptions.RewardTargets), x => Default with { RewardTargets = (int)x }, [1, 1000], [0]),
        new(nameof(RecPOOptions.Advantage), x => Default with { Advantage = (AdvantageType)x }, [0, 1], [2]),
        new(nameof(RecPOOptions.AdvantageScale), x => Default with { AdvantageScale = (AdvantageScale)x }, [0, 1, 2], [3]),
        new(nameof(RecPOOptions.ConstantGroupSpread), x => Default with { ConstantGroupSpread = x }, [0, 1], [-1e-9, double.PositiveInfinity]),
        new(nameof(RecPOOptions.RelabelTopK), x => Default with { RelabelTopK = (int)x }, [1, 6], [0, 7]),
        new(nameof(RecPOOptions.EpsilonLow), x => Default with { EpsilonLow = x }, [0, 1], [-0.1, 1.1]),
        new(nameof(RecPOOptions.EpsilonHigh), x => Default with { EpsilonHigh = x }, [0, 5], [-0.1, double.NaN]),
        new(nameof(RecPOOptions.PolicyLossWeight), x => Default with { PolicyLossWeight = x }, [0, 5], [-1, double.NaN]),
        new(nameof(RecPOOptions.ItemLossWeight), x => Default with { ItemLossWeight = x }, [0, 5], [-1, double.NaN]),
        new(nameof(RecPOOptions.EntropyBonus), x => Default with { EntropyBonus = x }, [0, 5], [-1, double.NaN]),
        new(nameof(RecPOOptions.LogProbTemperature), x => Default with { LogProbTemperature = x }, [0.1, 5], [0, double.NaN]),
        new(nameof(RecPOOptions.TableNegatives), x => Default with { TableNegatives = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.InnerUpdates), x => Default with { InnerUpdates = (int)x }, [1, 16], [0, 17]),
        new(nameof(RecPOOptions.MiniBatches), x => Default with { MiniBatches = (int)x }, [1, 16], [0, 17]),
        new(nameof(RecPOOptions.UsersPerForward), x => Default with { UsersPerForward = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.UpdateMemory), x => Default with { UpdateMemory = (int)x }, [0, 4096], [-1]),
        new(nameof(RecPOOptions.LearningRate), x => Default with { LearningRate = x }, [1e-9, 1], [0, -1, double.NaN, double.PositiveInfinity]),
        new(nameof(RecPOOptions.Schedule), x => Default with { Schedule = (LearningRateShape)x }, [0, 1, 2], [3]),
        new(nameof(RecPOOptions.RateWarmUpSteps), x => Default with { RateWarmUpSteps = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.FinalLearningRateShare), x => Default with { FinalLearningRateShare = x }, [0, 1], [-0.1, 1.1]),
        new(nameof(RecPOOptions.Beta1), x => Default with { Beta1 = x }, [0, 0.99], [-0.1, 1]),
        new(nameof(RecPOOptions.Beta2), x => Default with { Beta2 = x }, [0, 0.99], [-0.1, 1]),
        new(nameof(RecPOOptions.AdamEpsilon), x => Default with { AdamEpsilon = x }, [1e-12], [0, double.NaN]),
        new(nameof(RecPOOptions.WeightDecay), x => Default with { WeightDecay = x }, [0, 0.1], [-0.1, double.NaN]),
        new(nameof(RecPOOptions.ClipNorm), x => Default with { ClipNorm = x }, [0, 5], [-0.1, double.NaN]),
        new(nameof(RecPOOptions.MaximumLoss), x => Default with { MaximumLoss = x }, [1, 1e9], [0, double.NaN]),
        new(nameof(RecPOOptions.Tuning), x => Default with { Tuning = (Tuning)x }, [0, 1, 2], [3]),
        new(nameof(RecPOOptions.LoraRank), x => Default with { LoraRank = (int)x }, [1, 64], [0]),
        new(nameof(RecPOOptions.LoraAlpha), x => Default with { LoraAlpha = x }, [0.5, 256], [0, double.NaN]),
        new(nameof(RecPOOptions.LoraTargets), x => Default with { LoraTargets = x == 0 ? [] : x == 1 ? ["q_proj"] : ["lm_head"] }, [1], [0, 2]),
        new(nameof(RecPOOptions.TableRefreshSteps), x => Default with { TableRefreshSteps = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.Epochs), x => Default with { Epochs = x }, [0.01, 100], [0, double.NaN]),
        new(nameof(RecPOOptions.MaxSteps), x => Default with { MaxSteps = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.EvaluationSteps), x => Default with { EvaluationSteps = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.EvaluationRows), x => Default with { EvaluationRows = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.Patience), x => Default with { Patience = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.CheckpointDirectory), x => Default with { CheckpointDirectory = x == 0 ? null : x == 1 ? "here" : " " }, [0, 1], [2]),
        new(nameof(RecPOOptions.CheckpointSteps), x => Default with { CheckpointSteps = (int)x }, [0, 5], [-1]),
        new(nameof(RecPOOptions.KeepCheckpoints), x => Default with { KeepCheckpoints = (int)x }, [1, 5], [0]),
        new(nameof(RecPOOptions.Compatibility), x => Default with { Compatibility = (Compatibility)x }, [0, 1], [2]),
        new(nameof(RecPOOptions.OfficialMiniBatchSize), x => Default with { OfficialMiniBatchSize = (int)x }, [1, 64], [0]),
    ];

    [Fact]
    public void Every_option_is_in_this_table_or_has_no_range() =>
        Assert.Equal(typeof(RecPOOptions).GetProperties().Where(p => !p.GetMethod!.IsStatic).Select(p => p.Name).Order(), Ranges.Select(r => r.Name).Concat(Free).Order());

    [Fact]
    public void Values_at_the_edges_pass_and_those_beyond_are_refused_by_name()
    {
        foreach (Range range in Ranges)
        {
            foreach (double good in range.Good) Assert.True(range.Of(good).Violations().Count == 0, $"{range.Name} {good}: {string.Join(" ", range.Of(good).Violations())}");
            foreach (double bad in range.Bad)
            {
                string violation = Assert.Single(range.Of(bad).Violations());
                Assert.StartsWith(range.Name + " is ", violation, StringComparison.Ordinal);
                Assert.Contains("it must be", violation);
            }
        }
    }

    [Fact]
    public void Options_that_exclude_each_other_are_refused()
    {
        Assert.Single((Default with { PolicyLossWeight = 0, ItemLossWeight = 0 }).Violations());
        Assert.Single((Default with { Compatibility = Compatibility.Official, InnerUpdates = 2 }).Violations());
        Assert.Single((Default with { Compatibility = Compatibility.Official, Reasoning = false }).Violations());
        Assert.Single((Default with { Compatibility = Compatibility.Official, RewardTargets = 2 }).Violations());
        Assert.Empty((Default with { Reasoning = false, TrajectoriesPerUser = 1, RelabelTopK = 0 }).Violations()); // both are ignored then
    }

    private sealed record Range(string Name, Func<double, RecPOOptions> Of, double[] Good, double[] Bad);
}
