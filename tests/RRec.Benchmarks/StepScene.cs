using RRec.Backbones;
using RRec.Data;
using RRec.Generation;
using RRec.Ranking;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>Everything that one RecPO step needs, made of noise: a backbone with an adapter, prompts, items, an optimiser.</summary>
internal sealed class StepScene : IDisposable
{
    private readonly Random _random = new(1);
    private static readonly int[] Answer = [5, 6, 7];

    public StepScene(Backbone backbone, int users, int group, int prompt, int completion, int items, int itemTokens, RecPOOptions options)
    {
        (Backbone, Users, Group, Prompt, Completion) = (backbone, users, group, prompt, completion);
        Options = options with { TrajectoriesPerUser = group, UsersPerStep = users };
        if (backbone.Adapter is null) backbone.AttachLora(new LoraOptions { Rank = options.LoraRank, Alpha = options.LoraAlpha }, 1);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor p) in backbone.TrainableParameters())
            if (name.EndsWith("lora_B.weight", StringComparison.Ordinal)) p.copy_(randn_like(p).mul_(1e-4));
        int[] start = Ids(Math.Min(16, itemTokens / 2));   // an instruction
        Items = new ItemTable(backbone, new ItemPrompts(_ => [.. start, .. Ids(itemTokens - start.Length)], items),
            ItemTable.Normalize(randn([items, backbone.Config.HiddenSize], device: backbone.Device)));
        Optimizer = new AdamW(backbone.TrainableParameters());
        Prompts = [.. Enumerable.Range(0, users).Select(_ => Ids(prompt))];
    }

    public Backbone Backbone { get; }
    public int Users { get; }
    public int Group { get; }
    public int Prompt { get; }
    public int Completion { get; }
    public RecPOOptions Options { get; }
    public ItemTable Items { get; }
    public AdamW Optimizer { get; }
    public int[][] Prompts { get; }

    public int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(10, Backbone.Config.VocabularySize))];

    /// <summary>Samples the group's reasonings; all have the full length.</summary>
    public IReadOnlyList<Trajectory> Generate()
    {
        Generation.Generator generator = new(Backbone, Answer, "\u0001", () => _ => "", _ => "");
        return generator.Generate(Prompts, new GenerationOptions { Temperature = 1, MaxNewTokens = Completion, SamplesPerPrompt = Group, IgnoreEndOfSequence = true, MemoryBudget = GenerationOptions.BudgetOn(Backbone.Device) });
    }

    /// <summary>Made-up reasonings, for measuring what follows a generation.</summary>
    public IReadOnlyList<Trajectory> Written() =>
        [.. Enumerable.Range(0, Users * Group).Select(i => new Trajectory
        {
            Prompt = i / Group, Sample = i % Group, Ids = Ids(Completion), CompletionIds = Ids(Completion), PolicyMask = [.. Enumerable.Repeat(true, Completion)], Reasoning = "",
            Embedding = [.. Enumerable.Range(0, Backbone.Config.HiddenSize).Select(_ => (float)_random.NextDouble() - 0.5f)], Stop = StopReason.Length,
        })];

    /// <summary>Rewards against the item table, as a rollout computes them.</summary>
    public UpdateBatch Reward(IReadOnlyList<Trajectory> trajectories)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        float[] vectors = [.. trajectories.SelectMany(t => t.Embedding)];
        Tensor users = ItemTable.Normalize(tensor(vectors, [trajectories.Count, Backbone.Config.HiddenSize], device: Backbone.Device));
        float[] scores = Items.Scores(users, 0.05).cpu().data<float>().ToArray();
        double[] rewards = [.. trajectories.Select((t, i) => RecPO.Reward.Of(scores.AsSpan(i * Items.Count, Items.Count), t.Prompt, default, 1000, 0.05).Value)];
        return Batch(trajectories.Select(t => t.CompletionIds), [.. trajectories.Select(t => t.PolicyMask)], Advantages.Compute(rewards, Group, Options));
    }

    /// <summary>A batch of random completions, for measuring the update alone.</summary>
    public UpdateBatch Batch()
    {
        int n = Users * Group;
        return Batch(Enumerable.Range(0, n).Select(_ => Ids(Completion)), [.. Enumerable.Range(0, n).Select(_ => Enumerable.Repeat(true, Completion).ToArray())], [.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? 1.0 : -1.0)]);
    }

    private UpdateBatch Batch(IEnumerable<int[]> completions, bool[][] mask, double[] advantages) => new()
    {
        Prompts = Prompts, RowIndexes = [.. Enumerable.Range(0, Users)], Targets = [.. Enumerable.Range(0, Users)], UserOf = [.. Enumerable.Range(0, Users * Group).Select(i => i / Group)],
        Completions = [.. completions], PolicyMask = mask, Advantages = advantages, Chosen = Advantages.Relabel(advantages, Group, Options),
        OldTokenLogProbs = new float[]?[Users * Group], OldItemLogProbs = [.. Enumerable.Repeat(float.NaN, Users * Group)],
    };

    /// <summary>The update of a batch: items, forward, backward, optimiser.</summary>
    public UpdateStatistics Update(UpdateBatch batch) =>
        new UpdatePlan(Backbone, Items, 0.05, Rows(), Optimizer, Options).Run(batch, 1, 1e-6, what => new InvalidOperationException(what));

    /// <summary>Forward and backward alone, shared prompts.</summary>
    public void ForwardBackward(UpdateBatch batch)
    {
        PolicyUpdate update = new(Backbone, Items, 0.05, Options with { ItemLossWeight = 0 });
        using DisposeScope scope = NewDisposeScope();
        using PolicyUpdate.Candidates candidates = new(empty(0), rand([Users, Backbone.Config.HiddenSize], device: Backbone.Device), [.. Enumerable.Range(0, Users)], []);
        update.Backward(batch, 0, batch.Count, candidates, batch.PolicyTokens(0, batch.Count), batch.Count, new UpdateStatistics());
        Optimizer.ZeroGradients();
    }

    /// <summary>The same with every prompt and completion a row of its own.</summary>
    public void ForwardBackwardUnshared(UpdateBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        int width = Prompt + Completion;
        using PaddedBatch rows = PaddedBatch.FromRows([.. batch.Completions.Select((c, i) => (int[])[.. batch.Prompts[batch.UserOf[i]], .. c])], device: Backbone.Device);
        Tensor hidden = Backbone.Hidden(rows);
        long[] at = [.. Enumerable.Range(0, rows.Rows).SelectMany(r => Enumerable.Range(Prompt - 1, Completion).Select(t => (long)r * width + t))];
        Tensor states = hidden.reshape(-1, Backbone.Config.HiddenSize).index_select(0, tensor(at, device: Backbone.Device));
        Tensor targets = tensor(batch.Completions.SelectMany(c => c).Select(id => (long)id).ToArray(), device: Backbone.Device);
        // The head in pieces, down to the states, as an update does it.
        Tensor leaf = states.detach().requires_grad_();
        for (int from = 0; from < at.Length; from += Backbone.TokensPerLogits)
        {
            using DisposeScope piece = NewDisposeScope();
            int count = Math.Min(Backbone.TokensPerLogits, at.Length - from);
            (Backbone.TokenLogProbabilities(leaf.narrow(0, from, count), targets.narrow(0, from, count)).sum() / at.Length).backward();
        }
        (states * leaf.grad!).sum().backward();
        Optimizer.ZeroGradients();
    }

    private PurchaseRow[] Rows() => [.. Enumerable.Range(0, Users).Select(u => new PurchaseRow(new UserHistory(new int[] { 0 }), u, "u"))];

    public void Dispose()
    {
        Items.Dispose();
        Optimizer.Dispose();
    }
}
