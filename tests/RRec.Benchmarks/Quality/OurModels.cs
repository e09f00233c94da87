using RRec.Data;
using RRec.RecPO;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// R2ec with the library's defaults, trained once a seed, and what tells its parts apart. Everything starts from the same warm-up; the two
/// trainings after it run the same number of steps.
/// </summary>
internal sealed class OurModels(MovieLens data, int seed, IReadOnlySet<string> wanted, IProgress<R2ecProgress>? progress)
{
    public const string Everything = "r2ec", Plain = "r2ec-plain", ItemLoss = "r2ec-item-loss", WarmUp = "r2ec-warm-up", Exchanged = "r2ec-exchanged", Sampled = "r2ec-sampled";

    /// <summary>How many reasonings <see cref="Sampled"/> averages.</summary>
    public const int Samples = 8;

    public static IReadOnlyList<string> All { get; } = [Everything, Plain, Sampled, Exchanged, ItemLoss, WarmUp];

    /// <summary>Trains what is wanted and hands over what ranks rows, valid during the call, with what the training cost.</summary>
    public void Run(Action<string, Func<IReadOnlyList<PurchaseRow>, int[]>, Measured> done)
    {
        if (!All.Any(wanted.Contains)) return;
        (R2ecModel start, Measured startCost) = Measured.Of(() => R2ecTraining.Fit(data.Catalogue, data.Train, data.Valid, new R2ecTrainingOptions { Seed = seed, RunRecPO = false }, progress));
        using (start)
        {
            if (wanted.Contains(WarmUp)) done(WarmUp, rows => new ReasoningRanks(start, rows).Own(), startCost);
            if (wanted.Contains(Everything) || wanted.Contains(Plain) || wanted.Contains(Exchanged) || wanted.Contains(Sampled))
            {
                (R2ecModel model, Measured cost) = Measured.Of(() => Continue(start, RecPOOptions.Cpu with { Seed = seed }));
                using (model)
                {
                    if (wanted.Contains(Everything)) done(Everything, rows => new ReasoningRanks(model, rows).Own(), startCost + cost);
                    if (wanted.Contains(Plain)) done(Plain, rows => new ReasoningRanks(model, rows).Without(), startCost + cost);
                    if (wanted.Contains(Sampled)) done(Sampled, rows => new ReasoningRanks(model, rows).Sampled(Samples, seed), startCost + cost);
                    if (wanted.Contains(Exchanged)) done(Exchanged, rows => new ReasoningRanks(model, rows).Exchanged(seed), startCost + cost);
                }
            }
            if (!wanted.Contains(ItemLoss)) return;
            (R2ecModel itemLoss, Measured itemCost) = Measured.Of(() => Continue(start, RecPOOptions.Cpu with { Seed = seed, PolicyLossWeight = 0 }));
            using (itemLoss) done(ItemLoss, rows => new ReasoningRanks(itemLoss, rows).Own(), startCost + itemCost);
        }
    }

    private R2ecModel Continue(R2ecModel start, RecPOOptions recpo) => R2ecTraining.Fit(data.Catalogue, data.Train, data.Valid,
        new R2ecTrainingOptions { Seed = seed, InitialModel = start, RecPO = recpo }, progress);
}
