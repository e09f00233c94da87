using RRec.Data;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

public sealed class TrainerTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "rrec-" + Guid.NewGuid().ToString("n"));

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_training_moves_weights_reports_every_step_and_keeps_the_best()
    {
        using R2ecModel model = TinyWorld.Model();
        List<R2ecProgress> seen = [];
        RecPOResult result = RecPOTrainer.Train(model, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), TinyWorld.Options, new Listener(seen));
        Assert.Equal(6, result.Steps);
        Assert.Equal(TrainingEnd.Finished, result.Reason);
        Assert.Equal([0, 3, 6], result.Evaluations.Select(e => e.Step));
        Assert.Equal(result.Evaluations.Max(e => e.Metrics.Ndcg(10)), result.Best!.Ndcg(10));
        StepMetrics[] steps = [.. seen.Where(p => p.StepMetrics is not null).Select(p => p.StepMetrics!)];
        Assert.Equal([1, 2, 3, 4, 5, 6], steps.Select(s => s.Step));
        Assert.All(steps, s =>
        {
            Assert.InRange(s.RewardMean, 1e-4, 1);
            Assert.True(s.GradientNorm > 0 && s.Entropy > 0 && s.ReasoningLength > 0);
            Assert.Equal(1, s.Ratio, 1e-6); // one update per rollout: on policy
            Assert.Equal(0, s.ClipShare);
        });

        // What was restored is what was measured: ranking again gives the best metrics.
        RecommendRequest request = new() { Labels = [.. TinyWorld.Rows(8, seed: 2).Select(r => r.Target)] };
        int[] ranks = [.. model.Recommend([.. TinyWorld.Rows(8, seed: 2).Select(r => r.History)], request).Select(a => a.LabelRank!.Value)];
        Assert.Equal(result.Best!.Ranks, ranks);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Later_passes_over_a_rollout_leave_ratio_one_and_clip()
    {
        using R2ecModel model = TinyWorld.Model();
        List<R2ecProgress> seen = [];
        RecPOTrainer.Train(model, TinyWorld.Rows(20), null, TinyWorld.Options with { InnerUpdates = 4, LearningRate = 0.02, MaxSteps = 3 }, new Listener(seen));
        Assert.Contains(seen, p => p.StepMetrics is { } s && Math.Abs(s.Ratio - 1) > 1e-3);
        Assert.Contains(seen, p => p.StepMetrics is { ClipShare: > 0 });
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Pieces_of_a_batch_give_the_same_weights_to_rounding()
    {
        float[] whole = TrainOnce(TinyWorld.Options with { MaxSteps = 1 }), pieces = TrainOnce(TinyWorld.Options with { MaxSteps = 1, UsersPerForward = 1 });
        // AdamW's first step has the size of the rate whatever the gradient's, so entries whose gradient is rounding may differ by twice the rate.
        Assert.True(whole.Zip(pieces, (a, b) => Math.Abs(a - b)).Count(d => d > 1e-5) < whole.Length / 100);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_same_seed_repeats_to_the_bit_and_another_does_not()
    {
        float[] first = TrainOnce(TinyWorld.Options), again = TrainOnce(TinyWorld.Options), other = TrainOnce(TinyWorld.Options with { Seed = 6 });
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_cancelled_training_continues_from_its_checkpoint_and_ends_in_the_same_bits()
    {
        RecPOOptions options = TinyWorld.Options with { CheckpointDirectory = _folder, CheckpointSteps = 1 };
        float[] whole = TrainOnce(TinyWorld.Options, validation: true);
        foreach (int stopAt in new[] { 2, 4 })
        {
            using R2ecModel model = TinyWorld.Model();
            using CancellationTokenSource stop = new();
            Listener listener = new([], p => { if (p.StepMetrics?.Step == stopAt) stop.Cancel(); });
            Assert.ThrowsAny<OperationCanceledException>(() => RecPOTrainer.Train(model, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), options, listener, stop.Token));
        }

        using R2ecModel last = TinyWorld.Model();
        RecPOResult result = RecPOTrainer.Train(last, TinyWorld.Rows(20), TinyWorld.Rows(8, seed: 2), options);
        Assert.Equal(whole, TinyWorld.Weights(last));
        Assert.Equal([0, 3, 6], result.Evaluations.Select(e => e.Step));
        string[] log = File.ReadAllLines(Path.Combine(_folder, "metrics.jsonl"));
        Assert.Equal([1, 2, 3, 4, 5, 6], log.Where(l => l.Contains("\"step\"")).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement.GetProperty("Step").GetInt32()));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_checkpoint_of_other_data_or_options_is_refused_by_name()
    {
        RecPOOptions options = TinyWorld.Options with { CheckpointDirectory = _folder, MaxSteps = 2 };
        TrainOnce(options, validation: true);
        string message = Assert.Throws<InvalidDataException>(() => TrainOnce(options with { LearningRate = 5e-4, Seed = 9 }, validation: true)).Message;
        Assert.Contains("LearningRate: 0.001 there, 0.0005 here", message);
        Assert.Contains("Seed: 5 there, 9 here", message);
        using R2ecModel model = TinyWorld.Model();
        message = Assert.Throws<InvalidDataException>(() => RecPOTrainer.Train(model, TinyWorld.Rows(21), TinyWorld.Rows(8, seed: 2), options)).Message;
        Assert.Contains("training rows", message);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_damaged_newest_checkpoint_is_passed_over_for_the_one_before()
    {
        RecPOOptions options = TinyWorld.Options with { CheckpointDirectory = _folder, CheckpointSteps = 1, KeepCheckpoints = 3 };
        float[] whole = TrainOnce(options, validation: true);
        string[] files = [.. Directory.GetFiles(_folder, "step-*.safetensors").Order()];
        Assert.Equal(3, files.Length);
        byte[] bytes = File.ReadAllBytes(files[^1]);
        bytes[^5] ^= 1;
        File.WriteAllBytes(files[^1], bytes);
        File.Delete(Path.ChangeExtension(files[^2], ".sha256"));
        Assert.Equal(whole, TrainOnce(options, validation: true)); // continued from step 4
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_folder_that_cannot_be_written_costs_checkpoints_but_not_the_training()
    {
        Directory.CreateDirectory(_folder);
        string blocked = Path.Combine(_folder, "file");
        File.WriteAllText(blocked, "not a folder");
        List<R2ecProgress> seen = [];
        using R2ecModel model = TinyWorld.Model();
        RecPOResult result = RecPOTrainer.Train(model, TinyWorld.Rows(20), null, TinyWorld.Options with { CheckpointDirectory = Path.Combine(blocked, "run"), CheckpointSteps = 1, MaxSteps = 2 }, new Listener(seen));
        Assert.Equal(2, result.Steps);
        Assert.Contains(seen, p => p.Message?.Contains("could not be written") == true);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Without_reasoning_the_item_head_learns_alone()
    {
        using R2ecModel model = TinyWorld.Model(new R2ecSettings { Window = 3, UseReasoning = false, Temperature = 0.1 });
        List<R2ecProgress> seen = [];
        RecPOOptions options = TinyWorld.Options with { Reasoning = false, UsersPerStep = 16, MaxSteps = 40, Epochs = 100, LearningRate = 2e-3 };
        RecPOTrainer.Train(model, TinyWorld.Rows(64), null, options, new Listener(seen));
        double[] losses = [.. seen.Where(p => p.StepMetrics is not null).Select(p => p.StepMetrics!.ItemLoss)];
        Assert.True(losses[^5..].Average() < 0.8 * losses[..5].Average(), $"{losses[..5].Average()} -> {losses[^5..].Average()}");
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Weights_that_blow_up_stop_the_training_with_step_and_rows()
    {
        using R2ecModel model = TinyWorld.Model();
        RecPODivergedException e = Assert.Throws<RecPODivergedException>(() => RecPOTrainer.Train(model, TinyWorld.Rows(20), null, TinyWorld.Options with { AuxiliaryLoss = new NotANumber() }));
        Assert.Equal(1, e.Step);
        Assert.Equal(4, e.Rows.Count);
        Assert.Contains("NaN", e.Message);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Native_memory_stays_flat_from_step_to_step()
    {
        using R2ecModel model = TinyWorld.Model();
        long tensors = 0;
        List<long> counts = [];
        Listener listener = new([], p =>
        {
            if (p.StepMetrics is { Step: > 20 }) counts.Add(tensors = Tensor.TotalCount);
        });
        RecPOTrainer.Train(model, TinyWorld.Rows(40), null, TinyWorld.Options with { MaxSteps = 80, Epochs = 1000, InnerUpdates = 2, TableNegatives = 5 }, listener);
        Assert.Equal(counts[0], counts[^1]);
        Assert.True(counts.Max() - counts.Min() == 0, string.Join(" ", counts.Take(40)));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Rows_that_do_not_fit_are_refused_before_anything_happens()
    {
        using R2ecModel model = TinyWorld.Model();
        Assert.Contains("no training rows", Assert.Throws<ArgumentException>(() => RecPOTrainer.Train(model, [], null, TinyWorld.Options)).Message);
        Assert.Contains("row 0 has target 30", Assert.Throws<ArgumentException>(() => RecPOTrainer.Train(model, [new PurchaseRow(default, 30)], null, TinyWorld.Options)).Message);
    }

    private static float[] TrainOnce(RecPOOptions options, bool validation = false)
    {
        using R2ecModel model = TinyWorld.Model();
        RecPOTrainer.Train(model, TinyWorld.Rows(20), validation ? TinyWorld.Rows(8, seed: 2) : null, options);
        return TinyWorld.Weights(model);
    }

    private sealed class NotANumber : IAuxiliaryLoss
    {
        public Tensor Evaluate(RRec.Backbones.Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step) =>
            backbone.TrainableParameters()[0].Parameter.sum() * float.NaN;
    }
}
