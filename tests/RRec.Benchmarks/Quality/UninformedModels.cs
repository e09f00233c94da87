using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using RRec.TestSupport;
using RRec.WarmUp;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// Can rewards alone find out what is worth saying? A backbone is made from the first 85% of the training rows; its predictor of what to say is cleared, so that it writes
/// valid statements without knowing which. RecPO then trains what is said and what it means on the later 15%, which the backbone has not seen in any form: neither users'
/// tables, nor factors, nor popularity. The same is done with the policy loss switched off.
/// </summary>
internal sealed class UninformedModels(MovieLens data, int seed, IReadOnlySet<string> wanted)
{
    public const string Recpo = "uninformed-recpo", ItemLoss = "uninformed-item-loss", Start = "uninformed", Told = "uninformed-told", Plain = "uninformed-plain";

    private const double Share = 0.85;

    public static IReadOnlyList<string> All { get; } = [Recpo, ItemLoss, Start, Told, Plain];

    /// <summary>Full RecPO as it is run here. Item loss alone wants a fifth of the rate: with this one it loses what it started with.</summary>
    internal static RecPOOptions Full { get; } = RecPOOptions.Cpu with
    {
        MaxSteps = 250, Epochs = 1000, LearningRate = 5e-3, Schedule = LearningRateShape.Linear, WarmUpSteps = 5, FinalLearningRateShare = 0.1, AdamEpsilon = 1e-3,
        PolicyLossWeight = 1, ItemLossWeight = 0.1, EntropyBonus = 0.03, UsersPerStep = 64, TrajectoriesPerUser = 8, RewardTargets = 20,
        TrainOnly = "layers.1.self_attn.o_proj", EvaluateAtStart = false, EvaluationRows = 1, RestoreBest = false,
    };

    private const double ItemLossRate = 1e-3;

    /// <summary>Trains what is wanted and hands over what ranks rows, valid during the call, with what the training cost.</summary>
    public void Run(Action<string, Func<IReadOnlyList<PurchaseRow>, int[]>, Measured> done)
    {
        if (!All.Any(wanted.Contains)) return;
        PurchaseRow[] early = [.. data.Train.Take((int)(Share * data.Train.Count))], later = [.. data.Train.Skip(early.Length)];
        CatalogueBackboneOptions recipe = new() { Seed = seed, Folds = 0 };
        string folder = Path.Combine(Path.GetTempPath(), "rrec-uninformed-" + Guid.NewGuid().ToString("n"));
        try
        {
            (CatalogueBackboneGuide guide, Measured built) = Measured.Of(() => CatalogueBackboneBuilder.Build(data.Catalogue, early, recipe, folder));
            using (guide)
            {
                double temperature = 0;
                R2ecModel Open(bool told)
                {
                    R2ecModel model = R2ecModel.Open(folder, data.Catalogue, new R2ecSettings { MaxNewTokens = recipe.NamedAttributes + 4, MaxPromptTokens = 256, MaxItemTokens = 64, ReasoningTokens = guide.ReasoningTokens });
                    if (temperature == 0) temperature = WarmUpTrainer.Train(model, early, new WarmUpOptions { Steps = 0 }, guide).Temperature;
                    model.Settings = model.Settings with { Temperature = temperature };
                    if (!told) RecPOExperiments.Forget(model, recipe);
                    return model;
                }

                using (R2ecModel told = Open(true))
                {
                    if (wanted.Contains(Told)) done(Told, rows => new ReasoningRanks(told, rows).Own(), built);
                    if (wanted.Contains(Plain)) done(Plain, rows => new ReasoningRanks(told, rows).Without(), built);
                }
                using (R2ecModel start = Open(false))
                    if (wanted.Contains(Start)) done(Start, rows => new ReasoningRanks(start, rows).Own(), built);
                foreach ((string name, RecPOOptions options) in new[] { (Recpo, Full), (ItemLoss, Full with { PolicyLossWeight = 0, LearningRate = ItemLossRate }) })
                {
                    if (!wanted.Contains(name)) continue;
                    using R2ecModel model = Open(false);
                    (_, Measured trained) = Measured.Of(() => RecPOTrainer.Train(model, later, null, options with { Seed = seed }));
                    model.EncodeItems();
                    done(name, rows => new ReasoningRanks(model, rows).Own(), built + trained);
                }
            }
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, true);
        }
    }
}
