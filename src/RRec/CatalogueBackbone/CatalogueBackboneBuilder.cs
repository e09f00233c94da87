using RRec.Backbones;
using RRec.Data;
using RRec.Text;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Makes a small decoder from a catalogue and its training histories and writes it as an ordinary Hugging Face folder (Qwen2 layout).
/// It ranks like a linear recommender before any gradient step: docs/catalogue-backbone.md.
/// </summary>
public static class CatalogueBackboneBuilder
{
    private const int Stages = 6;

    /// <summary>Builds the backbone.</summary>
    /// <param name="catalogue">All items.</param>
    /// <param name="train">Training rows; rows of one user share <see cref="PurchaseRow.User"/> or the array of their histories.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="outputFolder">Created where missing; receives config.json, model.safetensors, tokenizer.json, tokenizer_config.json, rrec_prompts.json, rrec_chat.json.</param>
    /// <param name="progress">Told about the stages; may be null.</param>
    /// <param name="cancel">Stops between steps; nothing is written then.</param>
    /// <returns>What training on top needs besides the folder: teachers, target reasonings, fold tables. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">Options out of range, no training row, or rows that do not fit the catalogue.</exception>
    public static CatalogueBackboneGuide Build(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions? options, string outputFolder,
        IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputFolder);
        options ??= new CatalogueBackboneOptions();
        options.Validate();
        if (train.Count == 0) throw new ArgumentException("There are no training rows: a catalogue backbone is made from purchase histories.", nameof(train));
        void Report(int done, string message) => progress?.Report(new R2ecProgress(TrainingPhase.Backbone, done, Stages, message));
        using var noGradient = no_grad();

        PurchaseSequences sequences = PurchaseSequences.From(train, catalogue.Count);
        Report(0, "teacher");
        TextVectors? text = options.TextWeight > 0 ? TextSimilarity.Vectors(catalogue) : null;
        ItemItemModel teacher = LinearTeacher.Fit(sequences, text, options);
        cancel.ThrowIfCancellationRequested();
        (int[] foldOfUser, ItemItemModel[] foldTeachers) = LinearTeacher.FitFolds(sequences, text, options, (k, folds) => Report(1, $"teacher without fold {k} of {folds}"), cancel);

        Report(2, "factors");
        WiringLayout layout = new(options.HiddenSize);
        double temperature = TeacherGuide.TemperatureOf(teacher, sequences, options);
        TeacherFactors factors = TeacherFactors.Fit(teacher, sequences, layout.Rank, options, temperature);
        Report(3, "distillation of the factors");
        FactorDistillation.Run(factors, teacher, sequences, options, temperature, (step, divergence) => Report(3, $"distillation step {step} of {options.DistillationSteps}, divergence {divergence:0.000}"), cancel);
        float[][] foldUsers = [.. foldTeachers.Select(k => factors.UsersOf(k, teacher, temperature))];

        Report(4, "attributes and tokenizer");
        SpokenAttributes attributes = SpokenAttributes.From(catalogue, sequences.Purchases);
        IReadOnlyList<LeftOutRows> leftOut = LeftOutRows.ByTime(train, catalogue.Count, text, options, k => Report(4, $"teacher of earlier purchases, {k} of {options.TimeTeachers}"), cancel);
        if (leftOut.Count == 0) leftOut = LeftOutRows.ByUser(sequences, foldOfUser, foldTeachers.Length > 0 ? foldTeachers : [teacher], options.Seed);
        AttributePredictor predictor = AttributePredictor.Fit(attributes, leftOut, layout.AttributeMeans, options, temperature);
        double strength = StatementStrength.Choose(leftOut, attributes, predictor, options, temperature);
        CatalogueTokenizer tokenizer = CatalogueTokenizer.Train(catalogue, sequences, [.. attributes.Words.Select(CatalogueText.PhraseCell)], options);
        cancel.ThrowIfCancellationRequested();

        Report(5, "wiring");
        TokenWiring tokens = new(layout, factors, attributes);
        double ages = Enumerable.Range(0, options.Window).Sum(age => Math.Pow(options.Decay, age));
        double said = Math.Max(1, options.NamedAttributes) * strength / temperature * tokens.LogitScale / ages / tokens.AttributeSize;
        BackboneConfig config = BackboneConfig.Qwen2(tokenizer.VocabularySize, options.HiddenSize, options.HiddenSize, options.Layers, options.HiddenSize / WiringLayout.Head,
            options.HiddenSize / WiringLayout.Head, tokenizer.EndToken, tokenizer.EndToken);
        DecoderArrays weights = CatalogueWiring.Build(config, layout, tokens, tokenizer, sequences, predictor, attributes.Bands, said, options);
        cancel.ThrowIfCancellationRequested();
        Write(outputFolder, config, weights, tokenizer);
        FoldTables? tables = foldTeachers.Length == 0 ? null : FoldTables.Create(train, sequences, foldOfUser, tokens, layout, tokenizer, factors, foldUsers);
        Report(Stages, "written");
        return new CatalogueBackboneGuide(teacher, foldTeachers, tables, new Statements(attributes, predictor, options, strength), tokenizer, temperature);
    }

    private static void Write(string folder, BackboneConfig config, DecoderArrays weights, CatalogueTokenizer tokenizer)
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using (Backbone backbone = Backbone.Create(config, weights.ToTensors(), CPU, ScalarType.Float32)) backbone.SaveFolder(folder);
        WholeFile.Write(Path.Combine(folder, "tokenizer.json"), stream => stream.Write(tokenizer.TokenizerJson()));
        WholeFile.WriteText(Path.Combine(folder, "tokenizer_config.json"), CatalogueTokenizer.ConfigJson);
        WholeFile.WriteText(Path.Combine(folder, PromptFormat.FileName), PromptFormat.Catalogue.ToJson());
        WholeFile.WriteText(Path.Combine(folder, ChatFormat.FileName), ChatFormat.Plain.ToJson());
    }
}
