using RRec.Backbones;
using RRec.Data;
using RRec.Generation;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>What one rollout brought: trajectories with their rewards, ready for updates.</summary>
internal sealed class RolloutResult
{
    public required UpdateBatch Batch { get; init; }
    public required RewardParts[] Rewards { get; init; }
    public required double[] ReasoningLengths { get; init; }
    public required double ConstantShare { get; init; }
    public required double GroupDeviation { get; init; }
    public required long GeneratedTokens { get; init; }
}

/// <summary>
/// Samples G reasonings for each user of a step, all users in one generation, and scores them against the item table. The user vector comes out of the
/// generation pass itself; nothing is tokenised again (O10).
/// </summary>
internal sealed class Rollout(R2ecModel model, RecPOOptions options, PadItem? pad = null)
{
    private LaterTargets? _later;

    /// <summary>Plays one step.</summary>
    /// <param name="rows">The training rows.</param>
    /// <param name="indexes">Which of them this step uses.</param>
    /// <param name="step">The step's number; with seed, row and trajectory it decides the noise.</param>
    /// <param name="cancel">Stops generation.</param>
    public RolloutResult Play(IReadOnlyList<PurchaseRow> rows, int[] indexes, int step, CancellationToken cancel)
    {
        int[][] prompts = [.. indexes.Select(i => model.PromptOf(rows[i].History))];
        int[] targets = [.. indexes.Select(i => rows[i].Target)];
        return options.Reasoning ? Sample(rows, indexes, prompts, targets, step, cancel) : Answer(indexes, prompts, targets);
    }

    private RolloutResult Sample(IReadOnlyList<PurchaseRow> rows, int[] indexes, int[][] prompts, int[] targets, int step, CancellationToken cancel)
    {
        int group = options.TrajectoriesPerUser;
        GenerationOptions generation = new()
        {
            Temperature = options.SamplingTemperature, TopK = options.TopK, TopP = options.TopP, MaxNewTokens = model.Settings.MaxNewTokens, SamplesPerPrompt = group, Tokens = model.Settings.ReasoningTokens,
            MemoryBudget = GenerationOptions.BudgetOn(model.Backbone.Device),
        };
        Generation.Generator generator = new(model.Backbone, model.Tokenizer, model.Writer);
        Trajectory[] trajectories;
        using (no_grad())
        {
            trajectories = [.. generator.Generate(prompts, generation, (p, s) => NoiseKey.Of(options.Seed, step, indexes[p], s), cancel, EmbeddingDeltas.For(options.EmbeddingDelta, indexes))];
        }

        RewardParts[] rewards = Score(rows, indexes, targets, trajectories, group);
        double[] values = [.. rewards.Select(r => r.Value)];
        double[] advantages = Advantages.Compute(values, group, options);
        int[] answer = model.Writer.AnswerIds;
        UpdateBatch batch = new()
        {
            Prompts = prompts, RowIndexes = indexes, Targets = targets, UserOf = [.. trajectories.Select(t => t.Prompt)],
            Completions = [.. trajectories.Select(t => t.CompletionIds)],
            PolicyMask = [.. trajectories.Select(t => options.Compatibility == Compatibility.Official ? AllOf(t.CompletionIds.Length) : t.PolicyMask)],
            Advantages = advantages, Chosen = Advantages.Relabel(advantages, group, options),
            OldTokenLogProbs = new float[]?[trajectories.Length], OldItemLogProbs = NotYet(trajectories.Length),
        };
        return new RolloutResult
        {
            Batch = batch, Rewards = rewards, ReasoningLengths = [.. trajectories.Select(t => (double)t.Ids.Length)],
            ConstantShare = Advantages.ConstantShare(values, group, options.ConstantGroupSpread), GroupDeviation = Advantages.MeanGroupDeviation(values, group),
            GeneratedTokens = trajectories.Sum(t => (long)t.CompletionIds.Length),
        };
    }

    // The ablation without reasoning: the completion is the answer marker, nothing is sampled, no reward is needed.
    private RolloutResult Answer(int[] indexes, int[][] prompts, int[] targets)
    {
        int n = indexes.Length;
        UpdateBatch batch = new()
        {
            Prompts = prompts, RowIndexes = indexes, Targets = targets, UserOf = [.. Enumerable.Range(0, n)],
            Completions = [.. prompts.Select(_ => model.Writer.AnswerIds)], PolicyMask = [.. prompts.Select(_ => new bool[model.Writer.AnswerIds.Length])],
            Advantages = [.. Enumerable.Repeat(1.0, n)], Chosen = AllOf(n), OldTokenLogProbs = new float[]?[n], OldItemLogProbs = NotYet(n),
        };
        return new RolloutResult { Batch = batch, Rewards = new RewardParts[n], ReasoningLengths = new double[n], ConstantShare = 0, GroupDeviation = 0, GeneratedTokens = 0 };
    }

    private RewardParts[] Score(IReadOnlyList<PurchaseRow> rows, int[] indexes, int[] targets, Trajectory[] trajectories, int group)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int hidden = model.Backbone.Config.HiddenSize, items = model.Items.Count;
        float[] vectors = new float[trajectories.Length * hidden];
        for (int i = 0; i < trajectories.Length; i++) trajectories[i].Embedding.CopyTo(vectors, i * hidden);
        Tensor users = ItemTable.Normalize(HostTensors.Float(vectors, model.Backbone.Device, trajectories.Length, hidden)); // [m, hidden]
        float[] scores = HostTensors.Read<float>(model.Items.Scores(users, model.Settings.Temperature));                 // [m, items]
        RewardParts[] rewards = new RewardParts[trajectories.Length];
        bool official = options.Compatibility == Compatibility.Official;
        int[][] wanted = [.. indexes.Select((row, u) => options.RewardTargets == 1 ? (int[])[targets[u]] : (_later ??= new LaterTargets(rows, options.RewardTargets)).Of(row))];
        float?[] padScores = pad?.Scores(users, model.Settings.Temperature, [.. Enumerable.Range(0, rewards.Length).Select(i => rows[indexes[i / group]].History.Items.Length)]) ?? new float?[rewards.Length];
        Parallel.For(0, rewards.Length, i =>
        {
            int user = i / group;
            ReadOnlySpan<int> masked = model.Settings.MaskHistory ? rows[indexes[user]].History.Items.Span : default;
            rewards[i] = Reward.Of(scores.AsSpan(i * items, items), wanted[user], masked, options.RewardNdcgK, options.SoftmaxWeight, maskTarget: official, padScores[i]);
        });
        return rewards;
    }

    private static bool[] AllOf(int n) => [.. Enumerable.Repeat(true, n)];

    private static float[] NotYet(int n) => [.. Enumerable.Repeat(float.NaN, n)];
}
