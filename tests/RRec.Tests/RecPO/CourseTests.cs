using System.Text.Json;
using RRec.Backbones;
using RRec.Data;
using RRec.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>The course of a training: how long, when it is measured, what it logs, why it stops.</summary>
public sealed class CourseTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "rrec-course-" + Guid.NewGuid().ToString("n"));

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Epochs_and_steps_bound_a_training_and_evaluations_come_as_often_as_asked()
    {
        // 20 rows, 4 a step: 5 steps an epoch.
        Assert.Equal(5, Train(TinyWorld.Options with { MaxSteps = 0, Epochs = 1 }).Steps);
        Assert.Equal(3, Train(TinyWorld.Options with { MaxSteps = 0, Epochs = 0.5 }).Steps);
        RecPOResult result = Train(TinyWorld.Options with { MaxSteps = 5, EvaluationSteps = 2, EvaluationRows = 3, EvaluateAtStart = false });
        Assert.Equal([2, 4, 5], result.Evaluations.Select(e => e.Step)); // and at the end
        Assert.Equal([0, 2, 5], result.EvaluatedRows);
        Assert.All(result.Evaluations, e => Assert.Equal(3, e.Metrics.Rows));
        Assert.Null(result.Start);
        Assert.Equal([0, 1, 2, 3, 4, 5], Train(TinyWorld.Options with { MaxSteps = 0, Epochs = 1, EvaluationSteps = 0 }).Evaluations.Select(e => e.Step)); // 8 times an epoch of 5
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Patience_ends_a_training_that_does_not_get_better_and_the_best_weights_come_back()
    {
        // Without use for what it learns (a tiny rate in a world of random vectors changes ranks a little, rarely for the better).
        RecPOOptions bad = TinyWorld.Options with { MaxSteps = 50, Epochs = 100, EvaluationSteps = 1, Patience = 2, LearningRate = 0.01 };
        using R2ecModel model = TinyWorld.Model();
        float[] start = Weights(model);
        RecPOResult result = RecPOTrainer.Train(model, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), bad);
        Assert.Equal(TrainingEnd.Patience, result.Reason);
        Assert.Equal(result.BestStep + 2, result.Steps);
        Assert.Equal(result.BestStep == 0, start.SequenceEqual(Weights(model)));
        Assert.Equal(result.Best!.Ranks, Ranks(model));

        using R2ecModel kept = TinyWorld.Model();
        RecPOResult last = RecPOTrainer.Train(kept, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), bad with { RestoreBest = false });
        Assert.Equal(last.Evaluations[^1].Metrics.Ranks, Ranks(kept));
        Assert.Equal((result.Steps, result.BestStep), (last.Steps, last.BestStep));
        Assert.NotEqual(Weights(model), Weights(kept));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_metrics_file_has_every_figure_of_every_step_and_evaluation()
    {
        Train(TinyWorld.Options with { CheckpointDirectory = _folder, TrajectoriesPerUser = 4, InnerUpdates = 2 });
        JsonElement[] lines = [.. File.ReadAllLines(Path.Combine(_folder, "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)];
        JsonElement[] steps = [.. lines.Where(l => l.GetProperty("kind").GetString() == "step")], evaluations = [.. lines.Where(l => l.GetProperty("kind").GetString() == "evaluation")];
        Assert.Equal([1, 2, 3, 4, 5, 6], steps.Select(s => s.GetProperty("Step").GetInt32()));
        Assert.Equal([0, 3, 6], evaluations.Select(s => s.GetProperty("Step").GetInt32()));
        string[] figures = ["Loss", "PolicyLoss", "ItemLoss", "AuxiliaryLoss", "RewardMean", "RewardStd", "ZeroAdvantageShare", "ReasoningLength", "Entropy", "Ratio", "ClipShare", "GradientNorm", "LearningRate", "TokensPerSecond", "Seconds", "MemoryMiB"];
        foreach (JsonElement step in steps)
        {
            foreach (string name in figures) Assert.True(double.IsFinite(step.GetProperty(name).GetDouble()), name);
            foreach (string name in new[] { "RewardMean", "RewardStd", "ReasoningLength", "Entropy", "Ratio", "GradientNorm", "LearningRate", "TokensPerSecond", "Seconds", "MemoryMiB" }) Assert.True(step.GetProperty(name).GetDouble() > 0, name);
        }

        foreach (JsonElement evaluation in evaluations)
            foreach (string name in new[] { "Hit@5", "Hit@10", "Hit@20", "Ndcg@5", "Ndcg@10", "Ndcg@20" }) Assert.InRange(evaluation.GetProperty(name).GetDouble(), 0, 1);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void An_exploded_loss_a_NaN_and_weights_that_are_not_finite_stop_with_step_rows_and_last_good_checkpoint()
    {
        int[] fourth = new TrainingRows(20, 4, TinyWorld.Options.Seed).Of(4);
        foreach (double value in new[] { 1e6, double.NaN, double.NegativeInfinity })
        {
            RecPODivergedException e = Assert.Throws<RecPODivergedException>(() => Train(TinyWorld.Options with { CheckpointDirectory = Path.Combine(_folder, $"{value}"), CheckpointSteps = 1, AuxiliaryLoss = new From(4, value) }));
            Assert.Equal(4, e.Step);
            Assert.Equal(fourth, e.Rows);
            Assert.EndsWith("step-00000003.safetensors", e.Checkpoint, StringComparison.Ordinal);
            Assert.True(File.Exists(e.Checkpoint) && File.Exists(Path.ChangeExtension(e.Checkpoint, ".sha256")));
            Assert.Contains(string.Join(", ", fourth), e.Message);
            Assert.Contains("step 4", e.Message);
        }

        // The loss was fine, the weights are not any more: they must not become a checkpoint.
        RecPODivergedException wild = Assert.Throws<RecPODivergedException>(() => Train(TinyWorld.Options with { CheckpointDirectory = Path.Combine(_folder, "wild"), CheckpointSteps = 1, AuxiliaryLoss = new From(3, 0) { Breaks = true } }));
        Assert.Equal(3, wild.Step);
        Assert.EndsWith("step-00000002.safetensors", wild.Checkpoint, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_folder, "wild"), "step-*.safetensors").Length);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Presets_have_their_numbers_and_run()
    {
        Assert.Equal((6, 1, AdvantageType.Gaussian, AdvantageScale.Group), (RecPOOptions.Paper.TrajectoriesPerUser, RecPOOptions.Paper.RelabelTopK, RecPOOptions.Paper.Advantage, RecPOOptions.Paper.AdvantageScale));
        RecPOOptions launcher = RecPOOptions.OfficialLauncher;
        Assert.Equal((4, 4, 2, 2.0, 50, 1e-5), (launcher.UsersPerStep, launcher.TrajectoriesPerUser, launcher.RelabelTopK, launcher.SamplingTemperature, launcher.TopK, launcher.LearningRate));
        Assert.Equal((1000, 0.05, 0.2, 0.28, 1.0, 8), (launcher.RewardNdcgK, launcher.SoftmaxWeight, launcher.EpsilonLow, launcher.EpsilonHigh, launcher.ClipNorm, launcher.Patience));
        foreach (RecPOOptions preset in new[] { RecPOOptions.Paper, launcher, launcher with { Compatibility = Compatibility.Official }, RecPOOptions.Cpu })
        {
            RecPOResult result = Train(preset with { MaxSteps = 2 });
            Assert.Equal(2, result.Steps);
            Assert.NotEmpty(result.Evaluations);
        }
    }

    private static RecPOResult Train(RecPOOptions options)
    {
        using R2ecModel model = TinyWorld.Model();
        return RecPOTrainer.Train(model, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), options);
    }

    private static float[] Weights(R2ecModel model) => [.. model.Backbone.HuggingFaceWeights().OrderBy(w => w.Key, StringComparer.Ordinal).SelectMany(w => w.Value.reshape(-1).data<float>().ToArray())];

    private static int[] Ranks(R2ecModel model) =>
        [.. model.Recommend([.. TinyWorld.Rows(8, seed: 2).Select(r => r.History)], new RecommendRequest { Labels = [.. TinyWorld.Rows(8, seed: 2).Select(r => r.Target)] }).Select(a => a.LabelRank!.Value)];

    /// <summary>A loss of this value from a step on; or one that breaks a weight then.</summary>
    private sealed class From(int first, double value) : IAuxiliaryLoss
    {
        public bool Breaks { get; init; }

        public Tensor Evaluate(Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step)
        {
            Tensor weight = backbone.TrainableParameters()[0].Parameter;
            if (Breaks && step == first)
            {
                using var _ = no_grad();
                weight.mul_(float.PositiveInfinity);
            }

            return Breaks ? backbone.TrainableParameters()[^1].Parameter.sum() * 0 : weight.sum() * 0 + (step >= first ? value : 0);
        }

        public override string ToString() => $"from {first}";
    }
}
