using RRec.Backbones;
using RRec.Ranking;
using RRec.RecPO;
using RRec.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>How often an update asks the device: on a GPU each question waits for everything that was given to it before.</summary>
public class CrossingTests
{
    [Theory, InlineData(1, 1, 6), InlineData(2, 1, 6), InlineData(1, 3, 6), InlineData(1, 1, 1)]
    public void An_update_reads_once_an_optimiser_step_however_many_passes_it_has(int innerUpdates, int miniBatches, int usersPerForward)
    {
        using ThreadsKept kept = new();
        set_num_threads(1);   // as on a GPU: users are not shared out among threads, each of which would send its own
        Update(innerUpdates, miniBatches, usersPerForward);
    }

    private static void Update(int innerUpdates, int miniBatches, int usersPerForward)
    {
        using DisposeScope scope = NewDisposeScope();
        BackboneConfig config = BackboneConfig.Qwen2(60, 16, 24, 2, 4, 2, endOfSequenceId: 1);
        manual_seed(3);
        using Backbone backbone = Backbone.Create(config, Backbone.ExpectedWeights(config).ToDictionary(w => w.Name, w => randn(w.Shape) * 0.2));
        backbone.AttachLora(new LoraOptions(), 1);
        using ItemTable items = new(backbone, new ItemPrompts(i => [i, 9, 4], 8), ItemTable.Normalize(randn([8, 16])));
        using AdamW optimizer = new(backbone.TrainableParameters());
        RecPOOptions options = new() { InnerUpdates = innerUpdates, MiniBatches = miniBatches, UsersPerForward = usersPerForward, TrajectoriesPerUser = 2, UsersPerStep = 6, EntropyBonus = 0.01, TableNegatives = 2 };
        UpdateBatch batch = new()
        {
            Prompts = [.. Enumerable.Range(0, 6).Select(i => new[] { 1 + i, 2, 3 })], RowIndexes = [.. Enumerable.Range(0, 6)], Targets = [.. Enumerable.Range(0, 6)],
            UserOf = [.. Enumerable.Range(0, 12).Select(i => i / 2)], Completions = [.. Enumerable.Range(0, 12).Select(i => new[] { i, 30, 31 })],
            PolicyMask = [.. Enumerable.Range(0, 12).Select(_ => new[] { true, true, false })], Advantages = [.. Enumerable.Range(0, 12).Select(i => i - 4.0)],
            Chosen = [.. Enumerable.Range(0, 12).Select(i => i % 2 == 0)], OldTokenLogProbs = new float[]?[12], OldItemLogProbs = [.. Enumerable.Repeat(float.NaN, 12)],
        };
        (long uploads, long reads) = HostTensors.Crossings;
        UpdateStatistics statistics = new UpdatePlan(backbone, items, 0.1, [], optimizer, options).Run(batch, 1, 1e-3, what => new InvalidOperationException(what));
        int steps = innerUpdates * miniBatches, passes = steps * (int)Math.Ceiling(6.0 / miniBatches / usersPerForward);
        Assert.Equal(steps, statistics.Updates);
        Assert.Equal(24 * innerUpdates, statistics.PolicyTokens);
        Assert.True(statistics.EntropySum > 0 && statistics.GradientNorm > 0 && statistics.PolicyLoss != 0 && statistics.ItemLoss != 0);
        // Several mini-batches ask once more beforehand, for the old probabilities of all.
        Assert.Equal(steps + (miniBatches > 1 ? 1 : 0), HostTensors.Crossings.Reads - reads);
        Assert.True(HostTensors.Crossings.Uploads - uploads <= 16 * (passes + steps) + (miniBatches > 1 ? 16 * miniBatches : 0), $"{HostTensors.Crossings.Uploads - uploads} uploads for {passes} passes");
        Assert.All(batch.OldTokenLogProbs, old => Assert.Equal(2, old!.Length));
        Assert.All(batch.OldItemLogProbs, old => Assert.True(float.IsFinite(old)));
    }
}
