using System.Globalization;
using RRec.Backbones;

namespace RRec.RecPO;

public sealed partial record RecPOOptions
{
    /// <summary>Every setting that breaks its rule, one sentence each with the value, the rule and the remedy; empty where all are fine.</summary>
    public IReadOnlyList<string> Violations()
    {
        List<string> found = [];
        void Check(bool ok, string name, object? value, string rule)
        {
            if (!ok) found.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}: it must be {rule}."));
        }

        static bool NotNegative(double x) => x >= 0 && double.IsFinite(x);
        static bool Positive(double x) => x > 0 && double.IsFinite(x);

        if (Reasoning)
        {
            Check(TrajectoriesPerUser is >= 2 and <= 256, nameof(TrajectoriesPerUser), TrajectoriesPerUser,
                "2 to 256, because one trajectory has no group to be compared with (set Reasoning to false to train without)");
            Check(RelabelTopK >= 1 && RelabelTopK <= Math.Max(1, TrajectoriesPerUser), nameof(RelabelTopK), RelabelTopK, $"1 to TrajectoriesPerUser ({TrajectoriesPerUser})");
            Check(PolicyLossWeight > 0 || ItemLossWeight > 0 || AuxiliaryLoss is not null, nameof(PolicyLossWeight), PolicyLossWeight, "above 0 where ItemLossWeight is 0 too: nothing would be trained");
        }

        Check(UsersPerStep is >= 1 and <= 65536, nameof(UsersPerStep), UsersPerStep, "1 to 65,536");
        Check(SamplingTemperature > 0 && SamplingTemperature <= 10, nameof(SamplingTemperature), SamplingTemperature, "above 0 and at most 10");
        Check(TopK >= 0, nameof(TopK), TopK, "0 (all tokens) or more");
        Check(TopP > 0 && TopP <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Check(RewardNdcgK >= 1, nameof(RewardNdcgK), RewardNdcgK, "1 or more");
        Check(SoftmaxWeight is >= 0 and <= 1, nameof(SoftmaxWeight), SoftmaxWeight, "0 to 1");
        Check(RewardTargets >= 1, nameof(RewardTargets), RewardTargets, "1 or more");
        Check(Enum.IsDefined(Advantage), nameof(Advantage), Advantage, "Gaussian or LeaveOneOut");
        Check(Enum.IsDefined(AdvantageScale), nameof(AdvantageScale), AdvantageScale, "Group, Batch or None");
        Check(NotNegative(ConstantGroupSpread), nameof(ConstantGroupSpread), ConstantGroupSpread, "0 or more");
        Check(EpsilonLow is >= 0 and <= 1, nameof(EpsilonLow), EpsilonLow, "0 to 1");
        Check(NotNegative(EpsilonHigh), nameof(EpsilonHigh), EpsilonHigh, "0 or more");
        Check(NotNegative(PolicyLossWeight), nameof(PolicyLossWeight), PolicyLossWeight, "0 or more");
        Check(NotNegative(ItemLossWeight), nameof(ItemLossWeight), ItemLossWeight, "0 or more");
        Check(NotNegative(EntropyBonus), nameof(EntropyBonus), EntropyBonus, "0 or more");
        Check(Positive(LogProbTemperature), nameof(LogProbTemperature), LogProbTemperature, "above 0");
        Check(TableNegatives >= 0, nameof(TableNegatives), TableNegatives, "0 or more");
        Check(InnerUpdates is >= 1 and <= 16, nameof(InnerUpdates), InnerUpdates, "1 to 16");
        Check(MiniBatches >= 1 && MiniBatches <= Math.Max(1, UsersPerStep), nameof(MiniBatches), MiniBatches, $"1 to UsersPerStep ({UsersPerStep})");
        Check(UsersPerForward >= 0, nameof(UsersPerForward), UsersPerForward, "0 (all) or more");
        Check(UpdateMemory >= 0, nameof(UpdateMemory), UpdateMemory, "0 (found) or more MiB");
        Check(LearningRate is > 0 and <= 100, nameof(LearningRate), LearningRate, "above 0 and at most 100");
        Check(Enum.IsDefined(Schedule), nameof(Schedule), Schedule, "Constant, Cosine or Linear");
        Check(RateWarmUpSteps >= 0, nameof(RateWarmUpSteps), RateWarmUpSteps, "0 or more");
        Check(FinalLearningRateShare is >= 0 and <= 1, nameof(FinalLearningRateShare), FinalLearningRateShare, "0 to 1");
        Check(Beta1 is >= 0 and < 1, nameof(Beta1), Beta1, "at least 0 and below 1");
        Check(Beta2 is >= 0 and < 1, nameof(Beta2), Beta2, "at least 0 and below 1");
        Check(Positive(AdamEpsilon), nameof(AdamEpsilon), AdamEpsilon, "above 0");
        Check(NotNegative(WeightDecay), nameof(WeightDecay), WeightDecay, "0 or more");
        Check(NotNegative(ClipNorm), nameof(ClipNorm), ClipNorm, "0 (never) or above");
        Check(Positive(MaximumLoss), nameof(MaximumLoss), MaximumLoss, "above 0");
        Check(Enum.IsDefined(Tuning), nameof(Tuning), Tuning, "Auto, Lora or Full");
        Check(LoraRank >= 1, nameof(LoraRank), LoraRank, "1 or more");
        Check(Positive(LoraAlpha), nameof(LoraAlpha), LoraAlpha, "above 0");
        Check(LoraTargets.Count > 0 && LoraTargets.All(LoraOptions.AllProjections.Contains), nameof(LoraTargets), LoraTargets.Count == 0 ? "empty" : string.Join(' ', LoraTargets), $"one or more of {string.Join(' ', LoraOptions.AllProjections)}");
        Check(TableRefreshSteps >= 0, nameof(TableRefreshSteps), TableRefreshSteps, "0 (at evaluations) or more");
        Check(Positive(Epochs), nameof(Epochs), Epochs, "above 0");
        Check(MaxSteps >= 0, nameof(MaxSteps), MaxSteps, "0 (by Epochs) or more");
        Check(EvaluationSteps >= 0, nameof(EvaluationSteps), EvaluationSteps, "0 (8 times an epoch) or more");
        Check(EvaluationRows >= 0, nameof(EvaluationRows), EvaluationRows, "0 (all) or more");
        Check(Patience >= 0, nameof(Patience), Patience, "0 (never) or more");
        Check(CheckpointDirectory is null || (CheckpointDirectory.Trim().Length > 0 && !File.Exists(CheckpointDirectory)), nameof(CheckpointDirectory), $"'{CheckpointDirectory}'", "null or a folder, which is made where it is missing");
        Check(CheckpointSteps >= 0, nameof(CheckpointSteps), CheckpointSteps, "0 (at evaluations) or more");
        Check(KeepCheckpoints >= 1, nameof(KeepCheckpoints), KeepCheckpoints, "1 or more");
        Check(Enum.IsDefined(Compatibility), nameof(Compatibility), Compatibility, "Recommended or Official");
        Check(OfficialMiniBatchSize >= 1, nameof(OfficialMiniBatchSize), OfficialMiniBatchSize, "1 or more");
        if (Compatibility == Compatibility.Official)
        {
            Check(InnerUpdates == 1 && MiniBatches == 1, nameof(InnerUpdates), $"{InnerUpdates} and MiniBatches {MiniBatches}", "1 and 1 under Compatibility.Official, whose ratio is always 1 (O2)");
            Check(Reasoning, nameof(Reasoning), Reasoning, "true under Compatibility.Official");
            Check(RewardTargets == 1, nameof(RewardTargets), RewardTargets, "1 under Compatibility.Official");
        }

        return found;
    }

    /// <summary>Whether all weights are trained: as <see cref="Tuning"/> says, or by the size of a backbone without adapter.</summary>
    internal bool TrainsInFull(Backbone backbone) => Tuning switch
    {
        Tuning.Full => true,
        Tuning.Lora => false,
        _ => backbone.Adapter is null && WeightTypes.TrainsInFull(backbone),
    };

    /// <summary>What an adapter that is made for this training looks like.</summary>
    internal LoraOptions NewAdapter => new() { Rank = LoraRank, Alpha = LoraAlpha, Targets = LoraTargets };

    /// <summary>The gate that every training passes.</summary>
    /// <exception cref="ArgumentException">Names all violations at once.</exception>
    public void Validate()
    {
        IReadOnlyList<string> found = Violations();
        if (found.Count > 0) throw new ArgumentException("RecPO options:" + Environment.NewLine + string.Join(Environment.NewLine, found));
    }
}
