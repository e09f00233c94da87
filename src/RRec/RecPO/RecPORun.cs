using RRec.Backbones;
using RRec.Data;
using RRec.Metrics;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>One training from its first step to its last: what it owns lives as long as it. The whole state is the step number, weights, moments, table and evaluations.</summary>
internal sealed class RecPORun : IDisposable
{
    private readonly R2ecModel _model;
    private readonly IReadOnlyList<PurchaseRow> _train, _validation;
    private readonly RecPOOptions _options;
    private readonly IProgress<R2ecProgress>? _progress;
    private readonly IReadOnlyList<(string Name, Tensor Parameter)> _parameters;
    private readonly AdamW _optimizer;
    private readonly TrainingRows _order;
    private readonly Rollout _rollout;
    private readonly PadItem? _pad;
    private readonly List<EvaluationPoint> _evaluations = [];
    private readonly int[] _evaluated;
    private readonly int _totalSteps, _evaluationSteps;
    private readonly CheckpointFolder? _checkpoints;
    private readonly WeightSnapshot _best;
    private int _step, _bestStep;
    private long _updateBudget;   // bytes; part of the state, because the pieces of a mini-batch decide the rounding

    public RecPORun(R2ecModel model, IReadOnlyList<PurchaseRow> train, IReadOnlyList<PurchaseRow> validation, RecPOOptions options, IProgress<R2ecProgress>? progress)
    {
        (_model, _train, _validation, _options, _progress) = (model, train, validation, options, progress);
        Tune(model.Backbone, options);
        _parameters = model.Backbone.TrainableParameters();
        _optimizer = new AdamW(_parameters, options.Beta1, options.Beta2, options.AdamEpsilon, options.WeightDecay);
        _order = new TrainingRows(train.Count, options.UsersPerStep, options.Seed);
        _pad = options.Compatibility == Compatibility.Official ? new PadItem(model) : null;
        _rollout = new Rollout(model, options, _pad);
        int perEpoch = (train.Count + _order.PerStep - 1) / _order.PerStep;
        _totalSteps = Math.Max(1, (int)Math.Ceiling(options.Epochs * perEpoch));
        if (options.MaxSteps > 0) _totalSteps = Math.Min(_totalSteps, options.MaxSteps);
        _evaluationSteps = options.EvaluationSteps > 0 ? options.EvaluationSteps : Math.Max(1, perEpoch / 8);
        _evaluated = Spread(validation.Count, options.EvaluationRows);
        _best = new WeightSnapshot(_parameters);
        _updateBudget = options.UpdateMemory > 0 ? (long)options.UpdateMemory << 20 : UpdateMemory.Free(model.Backbone.Device);
        if (options.CheckpointDirectory is { } folder) _checkpoints = new CheckpointFolder(folder, options.KeepCheckpoints);
    }

    public RecPOResult Run(CancellationToken cancel)
    {
        Fingerprint fingerprint = Fingerprint.Of(_model, _train, _validation, _options);
        bool resumed = _checkpoints?.TryRestore(fingerprint, this) ?? false;
        if (!_model.HasItems || (_pad is not null && !resumed)) EncodeItems(_progress, cancel);
        MetricsLog log = new(_options.CheckpointDirectory, _step, Say);
        if (!resumed && _options.EvaluateAtStart) Evaluate(log, cancel);
        else if (resumed && EvaluationDue() && _evaluations.All(e => e.Step != _step)) Evaluate(log, cancel); // it was interrupted

        TrainingEnd reason = TrainingEnd.Finished;
        while (_step < _totalSteps)
        {
            if (OutOfPatience())
            {
                reason = TrainingEnd.Patience;
                break;
            }

            try
            {
                cancel.ThrowIfCancellationRequested();
                Step(_step + 1, log, cancel);
            }
            catch (OperationCanceledException)
            {
                Save(fingerprint);
                throw;
            }

            bool evaluate = EvaluationDue();
            if (evaluate) EvaluateOrSave(log, fingerprint, cancel);
            else if (_options.TableRefreshSteps > 0 && _step % _options.TableRefreshSteps == 0) EncodeItems(null, CancellationToken.None);
            if (_checkpoints is not null && (evaluate || (_options.CheckpointSteps > 0 && _step % _options.CheckpointSteps == 0)))
                Save(fingerprint);
        }

        if (_options.RestoreBest && _best.Taken && _bestStep != _step) _best.PutBack();
        _model.EncodeItems(_progress, cancel);
        return new RecPOResult(_step, reason, _evaluations.Count > 0 ? _bestStep : _step, _evaluations) { EvaluatedRows = _evaluated };
    }

    /// <summary>The tensors of a checkpoint, owned by the run.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Tensors()
    {
        foreach ((string name, Tensor p) in _parameters) yield return new("weight/" + name, p);
        foreach ((string name, Tensor t) in _optimizer.State()) yield return new(name, t);
        yield return new("table", _model.Items.Vectors);
        if (_pad is not null) yield return new("pad", _pad.Vector);
        foreach ((string name, Tensor t) in _best.Tensors()) yield return new("best/" + name, t);
    }

    /// <summary>The scalars of a checkpoint.</summary>
    public RunState State() => new(_step, _optimizer.Steps, _bestStep, _best.Taken, [.. _evaluations.Select(e => new RunState.Ranked(e.Step, [.. e.Metrics.Ranks], e.Metrics.Coverage))], _updateBudget);

    /// <summary>Puts a checkpoint back.</summary>
    public void Restore(RunState state, Func<string, Tensor> read)
    {
        using var _ = no_grad();
        using (NewDisposeScope())
        {
            foreach ((string name, Tensor p) in _parameters) p.copy_(read("weight/" + name));
            if (!_model.HasItems) _model.AdoptItems(read("table"));
            else _model.Items.Vectors.copy_(read("table"));
            _pad?.Vector.copy_(read("pad"));
            if (state.HasBest) _best.Take(name => read("best/" + name));
        }

        _optimizer.Restore(read, state.OptimizerSteps);
        (_step, _bestStep, _updateBudget) = (state.Step, state.BestStep, state.UpdateBudget);
        _evaluations.AddRange(state.Evaluations.Select(e => new EvaluationPoint(e.Step, new RankingMetrics(e.Ranks, e.Coverage))));
    }

    public void Dispose()
    {
        _optimizer.ZeroGradients();
        _optimizer.Dispose();
        _best.Dispose();
        _pad?.Dispose();
    }

    private void EncodeItems(IProgress<R2ecProgress>? progress, CancellationToken cancel)
    {
        _model.EncodeItems(progress, cancel);
        _pad?.Encode();
    }

    private void Step(int step, MetricsLog log, CancellationToken cancel)
    {
        long began = _options.Clock.GetTimestamp();
        int[] rows = _order.Of(step);
        RolloutResult rollout = _rollout.Play(_train, rows, step, cancel);
        double rolloutSeconds = _options.Clock.GetElapsedTime(began).TotalSeconds;
        double rate = LearningRateSchedule.At(step - 1, _totalSteps, _options);
        Exception Diverged(string what) => new RecPODivergedException(step, rows, what, _checkpoints?.Latest);
        UpdateStatistics statistics = new UpdatePlan(_model.Backbone, _model.Items, _model.Settings.Temperature, _train, _optimizer, _options, _updateBudget, _model.Settings.ReasoningTokens).Run(rollout.Batch, step, rate, Diverged, cancel);
        if (!Finite()) throw Diverged("the weights are not finite after the update"); // they must never be measured, nor become the last good checkpoint
        _step = step;

        double seconds = _options.Clock.GetElapsedTime(began).TotalSeconds;
        StepMetrics metrics = Measure(rollout, statistics, step, rate) with { Seconds = seconds, RolloutSeconds = rolloutSeconds, UpdateSeconds = seconds - rolloutSeconds, TokensPerSecond = rollout.GeneratedTokens / Math.Max(seconds, 1e-9) };
        log.Write(metrics);
        _progress?.Report(new R2ecProgress(TrainingPhase.RecPO, step, _totalSteps) { StepMetrics = metrics, Loss = metrics.Loss });
    }

    private StepMetrics Measure(RolloutResult rollout, UpdateStatistics s, int step, double rate)
    {
        int updates = Math.Max(1, s.Updates);
        double policy = s.PolicyLoss / updates, item = s.ItemLoss / updates, auxiliary = s.AuxiliaryLoss / updates, tokens = Math.Max(1, s.PolicyTokens);
        return new StepMetrics
        {
            Step = step, PolicyLoss = policy, ItemLoss = item, AuxiliaryLoss = auxiliary,
            Loss = _options.PolicyLossWeight * policy + _options.ItemLossWeight * item + auxiliary - _options.EntropyBonus * s.EntropySum / tokens,
            RewardMean = rollout.Rewards.Average(r => r.Value), NdcgMean = rollout.Rewards.Average(r => r.Ndcg), SoftmaxMean = rollout.Rewards.Average(r => r.Softmax),
            RewardStd = rollout.GroupDeviation, ZeroAdvantageShare = rollout.ConstantShare, ReasoningLength = rollout.ReasoningLengths.Average(),
            Entropy = s.EntropySum / tokens, Ratio = s.PolicyTokens == 0 ? 1 : s.RatioSum / tokens, ClipShare = s.ClippedTokens / tokens,
            GradientNorm = s.GradientNorm, LearningRate = rate, MemoryMiB = Environment.WorkingSet / 1048576.0,
        };
    }

    private void EvaluateOrSave(MetricsLog log, Fingerprint fingerprint, CancellationToken cancel)
    {
        try
        {
            Evaluate(log, cancel);
        }
        catch (OperationCanceledException)
        {
            // The interrupted evaluation is not part of the state; whoever continues does it first.
            Save(fingerprint);
            throw;
        }
    }

    private void Save(Fingerprint fingerprint) => _checkpoints?.Save(_step, fingerprint, this, Say);

    private bool Finite()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return HostTensors.Read<double>(stack(_parameters.Select(p => p.Parameter.sum().to(ScalarType.Float64)))).All(double.IsFinite);
    }

    private void Say(string message) => _progress?.Report(new R2ecProgress(TrainingPhase.RecPO, _step, _totalSteps, message) { IsWarning = true });

    // The table is encoded anew first: it is part of the model that is measured.
    private void Evaluate(MetricsLog log, CancellationToken cancel)
    {
        if (_evaluated.Length == 0) return;
        EncodeItems(null, cancel);
        RecommendRequest request = new() { K = 10, Labels = [.. _evaluated.Select(i => _validation[i].Target)], UseReasoning = _options.Reasoning && _model.Settings.UseReasoning };
        IReadOnlyList<Recommendation> answers = _model.Recommend([.. _evaluated.Select(i => _validation[i].History)], request, cancel);
        RankingMetrics metrics = new([.. answers.Select(a => a.LabelRank!.Value)], RankingMetrics.CoverageOf(answers.Select(a => a.Items), _model.Catalogue.Count));
        bool better = _evaluations.Count == 0 || metrics.Ndcg(10) > _evaluations.Max(e => e.Metrics.Ndcg(10));
        _evaluations.Add(new EvaluationPoint(_step, metrics));
        if (better)
        {
            _bestStep = _step;
            if (_options.RestoreBest) _best.Take();
        }

        log.Write(_step, metrics);
        _progress?.Report(new R2ecProgress(TrainingPhase.RecPO, _step, _totalSteps) { Evaluation = metrics });
    }

    private bool EvaluationDue() => _evaluated.Length > 0 && _step > 0 && (_step % _evaluationSteps == 0 || _step == _totalSteps);

    private bool OutOfPatience() =>
        _options.Patience > 0 && _evaluations.Count > 0 && _evaluations.Count(e => e.Step > _bestStep) >= _options.Patience;

    private static void Tune(Backbone backbone, RecPOOptions options)
    {
        if (options.TrainsInFull(backbone))
        {
            if (backbone.Adapter is not null) backbone.MergeAdapter(); // what it learned stays, inside the weights
            string[]? parts = options.TrainOnly?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            backbone.UseFullFineTuning(parts is null ? null : name => parts.Any(part => name.Contains(part, StringComparison.Ordinal)));
        }
        else if (backbone.Adapter is null)
        {
            backbone.Freeze(); // a warm-up may have trained all weights
            backbone.AttachLora(options.NewAdapter, options.Seed);
        }
    }

    // Evenly spread positions, the same for every evaluation.
    private static int[] Spread(int count, int wanted)
    {
        if (wanted <= 0 || wanted >= count) return [.. Enumerable.Range(0, count)];
        return [.. Enumerable.Range(0, wanted).Select(i => (int)((long)i * count / wanted))];
    }
}
