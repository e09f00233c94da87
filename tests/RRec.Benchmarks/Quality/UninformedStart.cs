using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using RRec.TestSupport;
using RRec.WarmUp;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// A backbone made from the first 85% of the training rows, whose predictor of what to say is cleared: it writes valid statements without knowing which. RecPO
/// trains what is said and what it means on the later 15%, which the backbone has not seen in any form: neither users' tables, nor factors, nor popularity.
/// </summary>
internal sealed class UninformedStart : IDisposable
{
    private const double Share = 0.85;

    /// <summary>Where statements count for much, it matters which: three quarters of the teacher's temperature on this data (0.006).</summary>
    private const double Strength = 0.0045;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "rrec-uninformed-" + Guid.NewGuid().ToString("n"));
    private readonly MovieLens _data;
    private readonly CatalogueBackboneOptions _recipe;
    private readonly CatalogueBackboneGuide _guide;
    private readonly PurchaseRow[] _later;
    private readonly double _temperature;

    public UninformedStart(MovieLens data, int seed)
    {
        PurchaseRow[] early = [.. data.Train.Take((int)(Share * data.Train.Count))];
        (_data, _recipe, _later) = (data, new CatalogueBackboneOptions { Seed = seed, Folds = 0, AttributeStrength = Strength }, [.. data.Train.Skip(early.Length)]);
        try
        {
            (_guide, Cost) = Measured.Of(() => CatalogueBackboneBuilder.Build(data.Catalogue, early, _recipe, _folder));
            using R2ecModel model = Open(told: true);
            _temperature = WarmUpTrainer.Train(model, early, new WarmUpOptions { Steps = 0 }, _guide).Temperature;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the build cost.</summary>
    public Measured Cost { get; }

    /// <summary>The backbone as a model of its own: as it was wired, or not knowing what to say.</summary>
    public R2ecModel Open(bool told)
    {
        R2ecModel model = R2ecModel.Open(_folder, _data.Catalogue, new R2ecSettings
        {
            MaxNewTokens = _recipe.NamedAttributes + 4, MaxPromptTokens = 256, MaxItemTokens = 64, ReasoningTokens = _guide.ReasoningTokens, Temperature = _temperature > 0 ? _temperature : 0.03,
        });
        if (!told) RecPOExperiments.Forget(model, _recipe);
        return model;
    }

    /// <summary>Trains a model on the later rows.</summary>
    public Measured Train(R2ecModel model, RecPOOptions options, IProgress<R2ecProgress>? progress = null)
    {
        (_, Measured cost) = Measured.Of(() => RecPOTrainer.Train(model, _later, null, options, progress));
        model.EncodeItems();
        return cost;
    }

    public void Dispose()
    {
        _guide?.Dispose();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, true);
    }
}
