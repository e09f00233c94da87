using RRec.Backbones;
using RRec.Ranking;
using RRec.RecPO;
using RRec.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>However an update is cut to save memory, its gradients are those of the whole: pieces of users, layers computed again, logits in pieces, bf16 weights.</summary>
public sealed class UpdateCutTests
{
    private const string Model = "goldens/recpo/tiny-qwen2";

    // Five users with prompts of different lengths, three completions each.
    private static UpdateBatch Batch(int vocabulary)
    {
        Random random = new(3);
        int[] Ids(int n) => [.. Enumerable.Range(0, n).Select(_ => random.Next(10, vocabulary))];
        int[][] completions = [.. Enumerable.Range(0, 15).Select(i => Ids(2 + i % 5))];
        double[] advantages = [.. Enumerable.Range(0, 15).Select(i => i % 3 - 1.0 + 0.1 * i)];
        return new UpdateBatch
        {
            Prompts = [.. new[] { 9, 30, 5, 17, 21 }.Select(Ids)], RowIndexes = [0, 1, 2, 3, 4], Targets = [0, 1, 2, 0, 3], UserOf = [.. Enumerable.Range(0, 15).Select(i => i / 3)],
            Completions = completions, PolicyMask = [.. completions.Select(c => c.Select((_, t) => t < c.Length - 1).ToArray())], Advantages = advantages,
            Chosen = [.. advantages.Select(a => a > 0.5)], OldTokenLogProbs = new float[]?[15], OldItemLogProbs = [.. Enumerable.Repeat(float.NaN, 15)],
        };
    }

    private static Dictionary<string, float[]> Gradients(RecPOOptions options, long budget = long.MaxValue, bool full = false, ScalarType type = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        using Backbone backbone = Backbone.Load(Goldens.PathOf(Model), CPU, type);
        if (full) backbone.UseFullFineTuning();
        else backbone.LoadAdapter(Goldens.PathOf(Model + "/lora"));
        backbone.LeastToShare = 0;
        int hidden = backbone.Config.HiddenSize;
        manual_seed(4);
        using ItemTable items = new(backbone, new ItemPrompts(i => [20 + i, 30, 40 + 2 * i, 50], 40), ItemTable.Normalize(randn([40, hidden])));
        PolicyUpdate update = new(backbone, items, 0.1, options with { TableNegatives = 5 });
        UpdateBatch batch = Batch(backbone.Config.VocabularySize);
        using PolicyUpdate.Candidates candidates = update.Encode(batch, 1);
        UpdateStatistics statistics = new();
        foreach ((int start, int end) in UpdateMemory.Pieces(batch, 0, 15, 3, backbone, options, budget))
            update.Backward(batch, start, end, candidates, batch.PolicyTokens(0, 15), 15, statistics);
        candidates.Backward();
        Assert.Equal(batch.PolicyTokens(0, 15), statistics.PolicyTokens);
        return GoldenModel.Gradients(backbone);
    }

    private static void Close(Dictionary<string, float[]> expected, Dictionary<string, float[]> own, double share)
    {
        Assert.Equal(expected.Keys.Order(), own.Keys.Order());
        double largest = expected.Values.Max(v => v.Max(Math.Abs));
        Assert.True(largest > 1e-4);
        foreach ((string name, float[] values) in expected)
            for (int i = 0; i < values.Length; i++) Assert.True(Math.Abs(values[i] - own[name][i]) <= share * largest, $"{name}[{i}]: {own[name][i]} against {values[i]}, largest {largest}");
    }

    [GoldenTheory(Model)]
    [InlineData(false)]
    [InlineData(true)]
    public void Layers_computed_again_and_pieces_of_users_give_the_gradients_of_the_whole(bool full)
    {
        Dictionary<string, float[]> whole = Gradients(new RecPOOptions(), full: full);
        Close(whole, Gradients(new RecPOOptions { GradientCheckpointing = true }, full: full), 1e-5);
        Close(whole, Gradients(new RecPOOptions { UsersPerForward = 2 }, full: full), 1e-5);
        Close(whole, Gradients(new RecPOOptions { GradientCheckpointing = true, EntropyBonus = 0 }, budget: 1, full: full), 1e-5);
    }

    [GoldenTheory(Model)]
    [InlineData(false, 2)]
    [InlineData(true, 2)]
    [InlineData(false, 3)]
    public void Users_shared_out_among_threads_give_the_gradients_of_the_whole_and_the_same_bits_each_time(bool full, int threads)
    {
        RecPOOptions[] ways = [new(), new() { EntropyBonus = 0.1 }, new() { GradientCheckpointing = true }, new() { UsersPerForward = 4, ItemLossWeight = 0.3 }];
        using ThreadsKept kept = new();
        foreach (RecPOOptions options in ways)
        {
            set_num_threads(1);
            Dictionary<string, float[]> whole = Gradients(options, full: full);
            set_num_threads(threads);
            Dictionary<string, float[]> shared = Gradients(options, full: full);
            Close(whole, shared, 1e-5);
            for (int again = 0; again < 3; again++)
                foreach ((string name, float[] values) in Gradients(options, full: full)) Assert.Equal(shared[name], values);
            Assert.Equal(threads, get_num_threads());
        }
    }

    [GoldenFact(Model)]
    public void Shares_are_neighbours_as_even_as_they_can_be_or_one_where_that_is_too_uneven()
    {
        using Backbone backbone = Backbone.Load(Goldens.PathOf(Model));
        backbone.AttachLora(new LoraOptions(), 1);
        backbone.LeastToShare = backbone.OperationsBothWays(10);
        using ThreadsKept kept = new();
        (int, int)[] Of(int threads, params int[] tokens)
        {
            set_num_threads(threads);
            return Twins.Shares(backbone, tokens);
        }
        Assert.Equal([(0, 1), (1, 2)], Of(2, 100, 110));
        Assert.Equal([(0, 3), (3, 5)], Of(2, 10, 10, 10, 10, 10));
        Assert.Equal([(0, 1), (1, 4)], Of(2, 30, 10, 10, 10));
        Assert.Equal([(0, 2), (2, 4), (4, 6)], Of(3, 7, 7, 7, 7, 7, 7));
        Assert.Equal([(0, 3)], Of(2, 10, 10, 10));
        Assert.Equal([(0, 2)], Of(2, 10, 100));
        Assert.Equal([(0, 1)], Of(2, 10));
        Assert.Equal([(0, 2)], Of(2, 4, 5));
        Assert.Equal([(0, 1), (1, 2)], Of(2, 5, 5));
        Assert.Equal([(0, 4)], Of(1, 10, 10, 10, 10));
    }

    [GoldenFact(Model)]
    public void What_goes_wrong_on_another_thread_arrives_and_leaves_the_threads_as_they_were()
    {
        using Backbone backbone = Backbone.Load(Goldens.PathOf(Model));
        backbone.AttachLora(new LoraOptions(), 1);
        using ThreadsKept kept = new();
        set_num_threads(2);
        using Twins twins = new(backbone, 2, 8);
        int done = 0;
        Assert.Throws<InvalidDataException>(() => twins.Run((i, own) =>
        {
            Assert.Equal(1, get_num_threads());
            Interlocked.Increment(ref done);
            if (i == 1) throw new InvalidDataException("the second");
        }));
        Assert.Equal(2, done);
        Assert.Equal(2, get_num_threads());
    }

    [GoldenFact(Model)]
    public void Bf16_weights_with_an_adapter_give_nearly_the_direction_of_single_precision()
    {
        float[] exact = [.. Gradients(new RecPOOptions()).OrderBy(g => g.Key).SelectMany(g => g.Value)], rough = [.. Gradients(new RecPOOptions(), type: ScalarType.BFloat16).OrderBy(g => g.Key).SelectMany(g => g.Value)];
        double dot = exact.Zip(rough, (a, b) => (double)a * b).Sum(), norms = Math.Sqrt(exact.Sum(a => (double)a * a) * rough.Sum(b => (double)b * b));
        Assert.True(dot > 0.98 * norms, $"cosine {dot / norms}");
    }

    [GoldenFact(Model)]
    public void Pieces_are_whole_users_in_order_as_many_as_fit()
    {
        using Backbone backbone = Backbone.Load(Goldens.PathOf(Model));
        UpdateBatch batch = Batch(backbone.Config.VocabularySize);
        (int, int)[] Cut(RecPOOptions options, long budget) => [.. UpdateMemory.Pieces(batch, 0, 15, 3, backbone, options, budget)];
        long Bytes(int users, int prompt, int completion) => UpdateMemory.Bytes(backbone.Config, backbone.Type, backbone.FusedAttention, false, users, 3, prompt, completion);

        Assert.Equal([(0, 15)], Cut(new RecPOOptions(), long.MaxValue));
        Assert.Equal([(0, 3), (3, 6), (6, 9), (9, 12), (12, 15)], Cut(new RecPOOptions(), 1));
        Assert.Equal([(0, 6), (6, 12), (12, 15)], Cut(new RecPOOptions { UsersPerForward = 2 }, 1));
        Assert.Equal([(0, 6), (6, 15)], Cut(new RecPOOptions(), Math.Max(Bytes(2, 30, 6), Bytes(3, 21, 6))));
        Assert.True(Bytes(8, 100, 10) == 2 * Bytes(4, 100, 10));
    }

    [Fact]
    public void Logits_of_a_large_vocabulary_are_never_whole()
    {
        if (!OperatingSystem.IsLinux()) return;
        const int vocabulary = 150_000, tokens = 3_000;   // 1.8 GB of logits, and as much again for each of their derivatives
        using var scope = NewDisposeScope();
        BackboneConfig config = BackboneConfig.Qwen2(vocabulary, 32, 32, 1, 2, 2, endOfSequenceId: 1);
        using Backbone backbone = Backbone.Create(config, Backbone.ExpectedWeights(config).ToDictionary(w => w.Name, w => randn(w.Shape) * 0.05));
        backbone.AttachLora(new LoraOptions(), 1);
        Random random = new(1);
        int[][] completions = [.. Enumerable.Range(0, 10).Select(_ => Enumerable.Range(0, tokens / 10).Select(_ => random.Next(vocabulary)).ToArray())];
        UpdateBatch batch = new()
        {
            Prompts = [[1, 2, 3], [4, 5]], RowIndexes = [0, 1], Targets = [0, 1], UserOf = [.. Enumerable.Range(0, 10).Select(i => i / 5)], Completions = completions,
            PolicyMask = [.. completions.Select(c => c.Select(_ => true).ToArray())], Advantages = [.. Enumerable.Range(0, 10).Select(i => i - 4.5)], Chosen = new bool[10],
            OldTokenLogProbs = new float[]?[10], OldItemLogProbs = [.. Enumerable.Repeat(float.NaN, 10)],
        };
        using ItemTable items = new(backbone, new ItemPrompts(i => [i, 9], 5), ItemTable.Normalize(randn([5, 32])));
        PolicyUpdate update = new(backbone, items, 0.1, new RecPOOptions());
        using PolicyUpdate.Candidates candidates = update.Encode(batch, 1);

        ProcessMemory.ForgetPeak();
        long? before = ProcessMemory.Resident;
        update.Backward(batch, 0, 10, candidates, tokens, 10, new UpdateStatistics());
        long? grown = ProcessMemory.Peak - before;
        Assert.True(grown < 1_000_000_000, $"{grown} bytes more at the peak");   // other tests may run beside this one
        Assert.Contains(backbone.TrainableParameters(), p => p.Parameter.grad is { } g && g.norm().item<float>() > 0);
    }
}
