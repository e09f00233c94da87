using RRec.Data;
using RRec.RecPO;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// R2ec with the library's defaults, trained once a seed, and what tells its parts apart. Everything starts from the same warm-up; the two
/// trainings after it run the same number of steps.
/// </summary>
internal sealed class OurModels(QualityData data, int seed, IReadOnlySet<string> wanted, IProgress<R2ecProgress>? progress)
{
    public const string Everything = "r2ec", Plain = "r2ec-plain", ItemLoss = "r2ec-item-loss", WarmUp = "r2ec-warm-up", Exchanged = "r2ec-exchanged";

    public static IReadOnlyList<(string Name, string What)> All { get; } =
    [
        (Everything, "warm-up, RecPO, greedy reasoning"),
        (Plain, "the same weights, no reasoning written"),
        (Exchanged, "the same weights, reading another user's reasoning"),
        (ItemLoss, "RecPO's policy loss switched off, as many steps"),
        (WarmUp, "before RecPO, greedy reasoning"),
    ];

    /// <summary>Trains what is wanted and hands over ranks by model, with what the training cost.</summary>
    public void Run(Action<string, int[], Measured> done)
    {
        if (All.All(m => !wanted.Contains(m.Name))) return;
        (R2ecModel start, Measured startCost) = Measured.Of(() => R2ecTraining.Fit(data.All.Catalogue, data.All.Train, data.All.Valid, new R2ecTrainingOptions { Seed = seed, RunRecPO = false }, progress));
        using (start)
        {
            if (wanted.Contains(WarmUp)) done(WarmUp, new ReasoningRanks(start, data.Rows).Own(), startCost);
            if (wanted.Contains(Everything) || wanted.Contains(Plain) || wanted.Contains(Exchanged))
            {
                (R2ecModel model, Measured cost) = Measured.Of(() => Continue(start, RecPOOptions.Cpu with { Seed = seed }));
                using (model)
                {
                    ReasoningRanks ranks = new(model, data.Rows);
                    if (wanted.Contains(Everything)) done(Everything, ranks.Own(), startCost + cost);
                    if (wanted.Contains(Plain)) done(Plain, ranks.Without(), startCost + cost);
                    if (wanted.Contains(Exchanged)) done(Exchanged, ranks.Exchanged(seed), startCost + cost);
                }
            }
            if (!wanted.Contains(ItemLoss)) return;
            (R2ecModel itemLoss, Measured itemCost) = Measured.Of(() => Continue(start, RecPOOptions.Cpu with { Seed = seed, PolicyLossWeight = 0 }));
            using (itemLoss) done(ItemLoss, new ReasoningRanks(itemLoss, data.Rows).Own(), startCost + itemCost);
        }
    }

    private R2ecModel Continue(R2ecModel start, RecPOOptions recpo) => R2ecTraining.Fit(data.All.Catalogue, data.All.Train, data.All.Valid,
        new R2ecTrainingOptions { Seed = seed, InitialModel = start, RecPO = recpo }, progress);
}
