using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using RRec.WarmUp;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec;

/// <summary>Makes an <see cref="R2ecModel"/> from a catalogue and purchases: a backbone (opened, or made from the data), a warm-up, RecPO.</summary>
public static class R2ecTraining
{
    /// <summary>Trains a model.</summary>
    /// <param name="catalogue">All items that can be recommended.</param>
    /// <param name="train">Histories and what was bought next.</param>
    /// <param name="validation">Rows that choose the best weights; null or empty: the last are kept.</param>
    /// <param name="options">All settings; null: defaults. Checked together before anything happens.</param>
    /// <param name="progress">Told what happens; may be null.</param>
    /// <param name="cancel">Stops within a step.</param>
    /// <returns>The trained model with its item table; the caller disposes it. <see cref="R2ecModel.Training"/> says how it went.</returns>
    /// <exception cref="ArgumentException">Options that are out of range or exclude each other, no rows, rows that do not fit the catalogue: all reasons are named.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static R2ecModel Fit(
        Catalogue catalogue, IReadOnlyList<PurchaseRow> train, IReadOnlyList<PurchaseRow>? validation = null, R2ecTrainingOptions? options = null,
        IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(train);
        options ??= new R2ecTrainingOptions();
        options.Validate();
        // Not among the violations: an ML.NET trainer's options are looked at before its device is known.
        if (options is { InitialModel: null, WeightType: "float16" } && !WeightTypes.Multiplies(ScalarType.Float16, new Device(options.Device)))
            throw new ArgumentException($"WeightType is 'float16': this libtorch ({__version__}) has no products of that type on the device '{options.Device}'. Use float32, bfloat16 or auto.", nameof(options));
        RecPOTrainer.CheckRows(train, "Training", catalogue);
        RecPOTrainer.CheckRows(validation ?? [], "Validation", catalogue);
        if (train.Count == 0) throw new ArgumentException("There are no training rows: at least one history with a target is needed.", nameof(train));

        R2ecModel model = Start(catalogue, train, options, progress, cancel);
        try
        {
            bool own = model.Teaching?.Fits(train) ?? false; // a backbone made here from these very rows
            CatalogueBackboneGuide? guide = own ? model.Teaching!.Guide : null;
            WarmUpOptions? warmUp = options.InitialModel is not null ? null : options.WarmUp ?? (guide is null ? null : new WarmUpOptions { Seed = options.Seed });
            using TeacherGuide? teacher = guide is null && warmUp is not null ? Teacher(catalogue, train, warmUp, options, progress, cancel) : null;
            if (warmUp is not null)
            {
                // RecPO goes on with the adapter of the warm-up, so it is made as RecPO's options say.
                if (options.RecPO is { } later && model.Backbone.Adapter is null && !later.TrainsInFull(model.Backbone)) model.Backbone.AttachLora(later.NewAdapter, warmUp.Seed);
                WarmUpTrainer.Train(model, train, warmUp, guide ?? teacher, progress, cancel);
            }

            if (options.RunRecPO)
            {
                // A model made from a catalogue keeps its few tokens when it is saved, not its teacher.
                bool madeOfCatalogue = model.Teaching is not null || model.Settings.ReasoningTokens is not null;
                RecPOOptions settings = options.RecPO ?? ((madeOfCatalogue ? RecPOOptions.Cpu : RecPOOptions.Paper) with { Seed = options.Seed });
                if (guide is not null) settings = settings with { EmbeddingDelta = settings.EmbeddingDelta ?? guide.Folds };
                if ((guide ?? teacher) is { } known) settings = settings with { AuxiliaryLoss = settings.AuxiliaryLoss ?? Anchor(model, known, options) };
                if (madeOfCatalogue && settings.AuxiliaryLoss is null && options.AnchorWeight > 0) progress?.Report(new R2ecProgress(TrainingPhase.RecPO, 0, 0, NoAnchor) { IsWarning = true });
                model.Training = RecPOTrainer.Train(model, train, validation, settings, progress, cancel);
            }
            else
            {
                model.EncodeItems(progress, cancel);
            }

            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private const string NoAnchor = "RecPO goes on from a backbone whose linear teacher is not here (a model file does not hold it, and it fits the rows that it was made from only): nothing holds the "
        + "ranking while rewards are followed. Compare it with the model before, or fit anew.";

    // A given backbone is not wired from the linear teacher, but can follow it: its scores of all candidates say more than one purchase does, and it knows what to say.
    private static TeacherGuide? Teacher(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, WarmUpOptions warmUp, R2ecTrainingOptions options, IProgress<R2ecProgress>? progress, CancellationToken cancel)
    {
        if (warmUp.Steps == 0 || warmUp.TeacherWeight == 0) return null;
        progress?.Report(new R2ecProgress(TrainingPhase.WarmUp, 0, warmUp.Steps, "linear teacher"));
        CatalogueBackboneOptions recipe = options.CatalogueBackbone ?? new CatalogueBackboneOptions { Seed = options.Seed };
        if (warmUp.ReasoningWeight == 0 || options.Settings is { UseReasoning: false }) recipe = recipe with { NamedAttributes = 0 };
        return TeacherGuide.Fit(catalogue, train, recipe, cancel);
    }

    // The warm-up's losses beside RecPO's own. Each candidate costs a pass over its text, and an anchor needs fewer of them than a teacher.
    // A wired backbone can say nothing but statements; an LLM's language must be held as its ranking is.
    private static RankingAnchor? Anchor(R2ecModel model, TeacherGuide guide, R2ecTrainingOptions options)
    {
        if (options.AnchorWeight == 0) return null;
        WarmUpOptions losses = options.WarmUp ?? new WarmUpOptions { Seed = options.Seed };
        losses = losses with { UniformCandidates = Math.Min(losses.UniformCandidates, 150), LabelCandidates = Math.Min(losses.LabelCandidates, 100) };
        return new RankingAnchor(model, guide, losses, options.AnchorWeight, guide is CatalogueBackboneGuide ? 0 : losses.ReasoningWeight);
    }

    // The model before any training: a copy, an opened folder, or a backbone made from the data.
    private static R2ecModel Start(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, R2ecTrainingOptions options, IProgress<R2ecProgress>? progress, CancellationToken cancel)
    {
        if (options.InitialModel is { } initial) return initial.Copy(catalogue, options.Settings);
        Device device = new(options.Device);
        ScalarType type = options.ScalarType;
        if (options.Backbone is { } folder)
        {
            progress?.Report(new R2ecProgress(TrainingPhase.Backbone, 0, 1, $"reading {folder}"));
            R2ecModel opened = R2ecModel.Open(folder, catalogue, DefaultSettings(options), device, type, options.Chat, options.Prompts);
            try
            {
                if (options.Adapter is { } adapter) opened.Backbone.LoadAdapter(adapter);
                return opened;
            }
            catch
            {
                opened.Dispose();
                throw;
            }
        }

        string made = options.BackboneOutput ?? Path.Combine(options.TemporaryFolder, "rrec-backbone-" + Guid.NewGuid().ToString("n"));
        try
        {
            CatalogueBackboneOptions recipe = options.CatalogueBackbone ?? new CatalogueBackboneOptions { Seed = options.Seed };
            CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(catalogue, train, recipe, made, progress, cancel);
            try
            {
                R2ecModel model = R2ecModel.Open(made, catalogue, DefaultSettings(options), device, type);
                model.Settings = model.Settings with { ReasoningTokens = model.Settings.ReasoningTokens ?? guide.ReasoningTokens };
                model.Teaching = new Teaching(guide, train);
                return model;
            }
            catch
            {
                guide.Dispose();
                throw;
            }
        }
        finally
        {
            if (options.BackboneOutput is null && Directory.Exists(made)) Directory.Delete(made, recursive: true);
        }
    }

    /// <summary>How a model of these options reads and answers: as they say, or as suits the backbone (or the initial model) where they say nothing.</summary>
    internal static R2ecSettings DefaultSettings(R2ecTrainingOptions options)
    {
        if ((options.Settings ?? options.InitialModel?.Settings) is { } settings) return settings;
        if (options.Backbone is not null) return new R2ecSettings();

        // A catalogue backbone says a handful of attributes, one token each, in prompts of two tokens a line.
        CatalogueBackboneOptions recipe = options.CatalogueBackbone ?? new CatalogueBackboneOptions();
        return new R2ecSettings { Window = recipe.Window, MaxNewTokens = recipe.NamedAttributes + 4, MaxPromptTokens = 256, MaxItemTokens = 64, Temperature = 0.03 };
    }
}
