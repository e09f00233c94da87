using RRec.Data;
using RRec.RecPO;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// Can rewards alone find out what is worth saying? Full RecPO from an <see cref="UninformedStart"/>, and the same with the policy loss switched off.
/// </summary>
internal sealed class UninformedModels(MovieLens data, int seed, IReadOnlySet<string> wanted)
{
    public const string Recpo = "uninformed-recpo", ItemLoss = "uninformed-item-loss", Start = "uninformed", Told = "uninformed-told", Plain = "uninformed-plain";

    public static IReadOnlyList<string> All { get; } = [Recpo, ItemLoss, Start, Told, Plain];

    /// <summary>Full RecPO as it is run here. Item loss alone wants a fifth of the rate: with this one it loses what it started with.</summary>
    internal static RecPOOptions Full { get; } = RecPOOptions.Cpu with
    {
        MaxSteps = 250, Epochs = 1000, LearningRate = 5e-3, Schedule = LearningRateShape.Linear, RateWarmUpSteps = 5, FinalLearningRateShare = 0.1, AdamEpsilon = 1e-3,
        PolicyLossWeight = 1, ItemLossWeight = 0.1, EntropyBonus = 0.03, UsersPerStep = 64, TrajectoriesPerUser = 8, RewardTargets = 20,
        TrainOnly = "layers.1.self_attn.o_proj", EvaluateAtStart = false, EvaluationRows = 1, RestoreBest = false,
    };

    private const double ItemLossRate = 1e-3;

    /// <summary>Trains what is wanted and hands over what ranks rows, valid during the call, with what the training cost.</summary>
    public void Run(Action<string, Func<IReadOnlyList<PurchaseRow>, int[]>, Measured> done)
    {
        if (!All.Any(wanted.Contains)) return;
        using UninformedStart start = new(data, seed);
        using (R2ecModel told = start.Open(told: true))
        {
            if (wanted.Contains(Told)) done(Told, rows => new ReasoningRanks(told, rows).Own(), start.Cost);
            if (wanted.Contains(Plain)) done(Plain, rows => new ReasoningRanks(told, rows).Without(), start.Cost);
        }
        using (R2ecModel model = start.Open(told: false))
            if (wanted.Contains(Start)) done(Start, rows => new ReasoningRanks(model, rows).Own(), start.Cost);
        foreach ((string name, RecPOOptions options) in new[] { (Recpo, Full), (ItemLoss, Full with { PolicyLossWeight = 0, LearningRate = ItemLossRate }) })
        {
            if (!wanted.Contains(name)) continue;
            using R2ecModel model = start.Open(told: false);
            Measured trained = start.Train(model, options with { Seed = seed });
            done(name, rows => new ReasoningRanks(model, rows).Own(), start.Cost + trained);
        }
    }
}
