using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.WarmUp;

/// <summary>How a warm-up went.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="FirstLoss">Mean loss of the first tenth of the steps; NaN without steps.</param>
/// <param name="LastLoss">Mean loss of the last tenth.</param>
/// <param name="Temperature">The ranking temperature that goes with the weights.</param>
public sealed record WarmUpResult(int Steps, double FirstLoss, double LastLoss, double Temperature);

/// <summary>
/// Supervised training before RecPO: ranking losses after every history line and at the answer, and the language of the reasonings, which say what the teacher suggests
/// (or, without a teacher, what the model said before). Trains what is trainable: all weights of a small backbone, or a LoRA adapter.
/// </summary>
/// <remarks>
/// A label per history line gives some twenty labels a prompt for the price of one. All candidates are encoded afresh in every step:
/// vectors a few steps old made this loss collapse (docs/catalogue-backbone.md).
/// </remarks>
public static class WarmUpTrainer
{
    /// <summary>Trains the model in place, with a guide also the temperature of its settings; an item table that exists is stale afterwards and is encoded anew.</summary>
    /// <param name="model">The model.</param>
    /// <param name="train">Training rows; with a guide the very rows it was made from, in their order.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="guide">What a catalogue backbone's builder returned; for other backbones <see cref="TeacherGuide.Fit"/>, or null: purchases alone teach.</param>
    /// <param name="progress">Told after every step; may be null.</param>
    /// <param name="cancel">Stops between steps; the weights stay as they are then.</param>
    /// <returns>How it went.</returns>
    /// <exception cref="ArgumentException">Options out of range, or no training rows.</exception>
    /// <exception cref="InvalidOperationException">The loss was not finite.</exception>
    public static WarmUpResult Train(R2ecModel model, IReadOnlyList<PurchaseRow> train, WarmUpOptions? options = null, TeacherGuide? guide = null,
        IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(train);
        options ??= new WarmUpOptions();
        options.Validate();
        if (train.Count == 0) throw new ArgumentException("There are no training rows: at least one history with a target is needed.", nameof(train));
        WarmUpObjective objective = new(model, guide, options, guide is null ? new CandidateOdds(model.Catalogue.Count, train) : null);
        using Tensor logTemperature = StartTemperature(model, train, objective, guide, options).DetachFromDisposeScope();
        if (options.Steps == 0) return new WarmUpResult(0, double.NaN, double.NaN, Keep(model, logTemperature, guide));

        bool suggested = guide is CatalogueBackboneGuide || guide?.Statements is not null;
        OwnWords? own = suggested || options is { ReasoningWeight: 0 } or { OwnReasonings: 0 } || !model.Settings.UseReasoning ? null : OwnWords.Write(model, train, options, cancel);
        PrepareTuning(model.Backbone, options.Seed);
        IReadOnlyList<(string Name, Tensor Parameter)> parameters = model.Backbone.TrainableParameters();
        using AdamW optimizer = new(parameters, 0.9, 0.98) { RateFactor = name => name.Contains("embed", StringComparison.Ordinal) ? options.EmbeddingRateFactor : 1 };
        bool learnTemperature = guide is not null && options.LearnTemperature;
        if (learnTemperature) logTemperature.requires_grad_();
        using AdamW temperatureOptimizer = new([("log_temperature", logTemperature)], 0.9, 0.98);
        using RunningMean mean = new(parameters, options.WeightAverage);
        List<double> losses = [];
        for (int step = 0; step < options.Steps; step++)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Random random = new(HashCode(options.Seed, step));
            int[] indexes = [.. Enumerable.Range(0, options.UsersPerStep).Select(_ => random.Next(train.Count))];
            own?.Mix(indexes, random);
            optimizer.ZeroGradients();
            temperatureOptimizer.ZeroGradients();
            Tensor loss = objective.Evaluate([.. indexes.Select(i => train[i])], indexes, random, logTemperature, options.ReasoningWeight, out WarmUpObjective.Parts parts, own?.Of(indexes));
            double value = loss.item<float>();
            if (!double.IsFinite(value)) throw new InvalidOperationException($"Warm-up step {step + 1}: the loss is {value}. A lower WarmUp.LearningRate (now {options.LearningRate}) may help.");
            loss.backward();
            optimizer.ClipGradients(options.ClipNorm);
            double rate = LearningRateSchedule.At(step, options.Steps, options.LearningRate, LearningRateShape.Cosine, options.RateWarmUpSteps, 0.05);
            optimizer.Step(rate);
            if (learnTemperature) temperatureOptimizer.Step(0.01 * rate / options.LearningRate);
            mean.Add();
            losses.Add(value);
            progress?.Report(new R2ecProgress(TrainingPhase.WarmUp, step + 1, options.Steps, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"divergence {parts.Divergence:0.000}, at the answer {parts.AnswerDivergence:0.000}, cross entropy {parts.CrossEntropy:0.000}, at the answer {parts.AnswerCrossEntropy:0.000}, reasoning {parts.Reasoning:0.000}, temperature {Math.Exp(logTemperature.item<float>()):0.0000}")) { Loss = value });
        }
        mean.PutIntoParameters();
        if (model.HasItems) model.EncodeItems(progress, cancel);
        int tenth = Math.Max(1, losses.Count / 10);
        return new WarmUpResult(losses.Count, losses.Take(tenth).Average(), losses.TakeLast(tenth).Average(), Keep(model, logTemperature, guide));
    }

    private static double Keep(R2ecModel model, Tensor logTemperature, TeacherGuide? guide)
    {
        double temperature = Math.Exp(logTemperature.item<float>());
        if (guide is not null) model.Settings = model.Settings with { Temperature = temperature };
        return temperature;
    }

    // Cosines have their own scale: take the temperature of a short list that fits a first batch best. Where that is the warmest one the cosines know nothing yet (an LLM
    // before its training), and any warm start is right; a cold one, as the settings have it, lets them tell items apart without growing first.
    private static readonly double[] Temperatures = [0.005, 0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08, 0.11];

    private static Tensor StartTemperature(R2ecModel model, IReadOnlyList<PurchaseRow> train, WarmUpObjective objective, TeacherGuide? guide, WarmUpOptions options)
    {
        using var noGradient = no_grad();
        double best = model.Settings.Temperature, least = double.PositiveInfinity;
        if (guide is not null)
        {
            using var scope = NewDisposeScope();
            Random random = new(HashCode(options.Seed, -1));
            int[] indexes = [.. Enumerable.Range(0, Math.Min(8, options.UsersPerStep)).Select(_ => random.Next(train.Count))];
            WarmUpObjective.Reading reading = objective.Read([.. indexes.Select(i => train[i])], indexes, random);
            foreach (double temperature in Temperatures)
            {
                float loss = objective.Loss(reading, tensor((float)Math.Log(temperature), device: model.Backbone.Device), 0, out _).item<float>();
                if (loss < least) (best, least) = (temperature, loss);
            }
            if (best == Temperatures[^1]) best = Math.Min(best, model.Settings.Temperature);
        }
        return tensor((float)Math.Log(best), device: model.Backbone.Device);
    }

    // What is attached stays; else all weights of a small backbone, or a new adapter on a large one.
    private static void PrepareTuning(Backbone backbone, int seed)
    {
        if (backbone.TrainableParameters().Count > 0) return;
        if (WeightTypes.TrainsInFull(backbone)) backbone.UseFullFineTuning();
        else backbone.AttachLora(new LoraOptions(), seed);
    }

    private static int HashCode(int seed, int step) => unchecked((seed * 486187739) ^ (step * 16777619 + 97));

    /// <summary>An exponential mean of the weights; a mean of the first few steps is a plain mean.</summary>
    private sealed class RunningMean : IDisposable
    {
        private readonly IReadOnlyList<(string Name, Tensor Parameter)> _parameters;
        private readonly Tensor[] _means;
        private readonly double _decay;
        private int _count;

        public RunningMean(IReadOnlyList<(string Name, Tensor Parameter)> parameters, double decay)
        {
            (_parameters, _decay) = (parameters, decay);
            using var noGradient = no_grad();
            _means = decay == 0 ? [] : [.. parameters.Select(p => p.Parameter.detach().clone().DetachFromDisposeScope())];
        }

        public void Add()
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            double keep = Math.Min(_decay, 1 - 1.0 / (++_count + 1));
            for (int i = 0; i < _means.Length; i++) _means[i].mul_(keep).add_(_parameters[i].Parameter, 1 - keep);
        }

        public void PutIntoParameters()
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            for (int i = 0; i < _means.Length; i++) _parameters[i].Parameter.copy_(_means[i]);
        }

        public void Dispose()
        {
            foreach (Tensor m in _means) m.Dispose();
        }
    }
}
