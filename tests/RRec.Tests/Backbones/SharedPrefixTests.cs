using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

/// <summary>The fast path (a prompt once, its completions attend to it) against the plain one (every prompt + completion a row of its own).</summary>
public class SharedPrefixTests
{
    public static TheoryData<string> Families => ["qwen2", "llama", "qwen3", "gemma2", "gemma3_text"];

    // Uneven groups, an empty completion, a prompt of one token, lengths beyond the sliding windows (12 and 16).
    private static readonly int[][] Prompts = [[.. Enumerable.Range(20, 30)], [77], [.. Enumerable.Range(100, 17)]];
    private static readonly int[][] Completions = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41], [], [11, 12], [13, 14, 15, 16], [200]];
    private static readonly int[] PromptOf = [0, 2, 0, 1, 0, 2];

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Hidden_states_equal_those_of_whole_rows(string family)
    {
        using var golden = new ModelGolden(family);
        using IDisposable noGrad = no_grad();
        (Tensor shared, Tensor whole) = Both(golden.Backbone, null);
        Assert.True(ModelGolden.Difference(shared, whole) < 1e-4);
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Lora_gradients_equal_those_of_whole_rows(string family)
    {
        using var golden = new ModelGolden(family);
        golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
        CompareGradients(golden.Backbone);
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Layers_computed_again_give_the_same_gradients(string family)
    {
        foreach (bool full in new[] { false, true })
        {
            using var golden = new ModelGolden(family);
            if (full) golden.Backbone.UseFullFineTuning();
            else golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
            using PaddedBatch prompts = PaddedBatch.FromRows(Prompts), completions = PaddedBatch.FromRows(Completions);
            Tensor kept = golden.Backbone.HiddenShared(prompts, completions, PromptOf);
            using Backbone.CheckpointedPass again = golden.Backbone.HiddenSharedCheckpointed(prompts, completions, PromptOf);
            Assert.True(ModelGolden.Difference(kept.detach(), again.Hidden.detach()) < 1e-4);   // states of 10: one pass for prompts and completions, or two
            manual_seed(5);
            Tensor direction = randn(kept.shape);
            (kept * direction).sum().backward();
            Dictionary<string, Tensor> expected = golden.Backbone.TrainableParameters().Where(p => p.Parameter.grad is not null).ToDictionary(p => p.Name, p => p.Parameter.grad!.clone());
            foreach ((string _, Tensor parameter) in golden.Backbone.TrainableParameters()) parameter.grad = null;
            (again.Hidden * direction).sum().backward();
            again.Backward();
            Assert.NotEmpty(expected);
            foreach ((string name, Tensor parameter) in golden.Backbone.TrainableParameters())
            {
                if (!expected.TryGetValue(name, out Tensor? wanted)) continue;
                float error = (parameter.grad! - wanted).norm().item<float>(), norm = wanted.norm().item<float>();
                Assert.True(error < 1e-4 * norm + 1e-5, $"{name}: error {error} of {norm}");
            }
        }
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void The_fused_kernel_gives_the_same_states_and_gradients(string family)
    {
        using var golden = new ModelGolden(family);
        golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
        int[][] prompts = [[.. Enumerable.Range(0, 150)], .. Prompts], completions = [[1, 2, 3, 4], .. Completions];   // the first prompt needs two blocks of queries
        int[] promptOf = [0, .. PromptOf.Select(p => p + 1)];
        using PaddedBatch starts = PaddedBatch.FromRows(prompts), ends = PaddedBatch.FromRows(completions);
        Tensor States(bool fused)
        {
            golden.Backbone.FusedAttention = fused;
            Tensor hidden = golden.Backbone.HiddenShared(starts, ends, promptOf);
            return cat([.. completions.Select((c, i) => hidden[i].narrow(0, 0, 1 + c.Length)), golden.Backbone.LastHidden(starts)], 0);
        }
        Compare(golden.Backbone, States(true), States(false));
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Gradients_of_all_weights_equal_those_of_whole_rows(string family)
    {
        using var golden = new ModelGolden(family);
        golden.Backbone.UseFullFineTuning();
        CompareGradients(golden.Backbone);
    }

    [GoldenFact(ModelGolden.Root)]
    public void Equal_groups_in_order_give_the_same_as_any_order()
    {
        using var golden = new ModelGolden("qwen2");
        using IDisposable noGrad = no_grad();
        using PaddedBatch prompts = PaddedBatch.FromRows(Prompts);
        int[][] six = [[1, 2], [3], [4, 5], [6, 7], [8], [9, 10]];
        int[] order = [5, 0, 3, 2, 4, 1];
        using PaddedBatch inOrder = PaddedBatch.FromRows(six), shuffled = PaddedBatch.FromRows([.. order.Select(i => six[i])]);
        Tensor a = golden.Backbone.HiddenShared(prompts, inOrder, [0, 0, 1, 1, 2, 2]);
        Tensor b = golden.Backbone.HiddenShared(prompts, shuffled, [.. order.Select(i => i / 2)]);
        Assert.True(ModelGolden.Difference(a.index_select(0, tensor(order.Select(i => (long)i).ToArray())), b) < 1e-4);
    }

    [GoldenFact(ModelGolden.Root)]
    public void A_delta_is_added_to_prompt_and_completion_embeddings()
    {
        using var golden = new ModelGolden("qwen2");
        using IDisposable noGrad = no_grad();
        manual_seed(3);
        Tensor tables = randn([Prompts.Length, golden.Backbone.Config.VocabularySize, golden.Backbone.Config.HiddenSize]) * 0.1;
        Tensor Delta(Tensor ids, IReadOnlyList<int> rows) => stack(rows.Select((p, i) => tables[p].index_select(0, ids[i])));
        (Tensor shared, Tensor whole) = Both(golden.Backbone, Delta);
        (Tensor without, Tensor _) = Both(golden.Backbone, null);
        Assert.True(ModelGolden.Difference(shared, whole) < 1e-4);
        Assert.True(ModelGolden.Difference(shared, without) > 1e-2);
    }

    [GoldenFact(ModelGolden.Root)]
    public void Wrong_indexes_and_empty_prompts_are_refused()
    {
        using var golden = new ModelGolden("qwen2");
        using PaddedBatch prompts = PaddedBatch.FromRows([[1, 2], [3]]), empty = PaddedBatch.FromRows([[1, 2], []]), completions = PaddedBatch.FromRows([[4], [5]]);
        Assert.Throws<ArgumentOutOfRangeException>(() => golden.Backbone.HiddenShared(prompts, completions, [0, 2]));
        Assert.Throws<ArgumentException>(() => golden.Backbone.HiddenShared(prompts, completions, [0]));
        Assert.Throws<ArgumentException>(() => golden.Backbone.HiddenShared(empty, completions, [0, 1]));
    }

    // A common instruction of 20 tokens, then rows that end anywhere, one of them right behind it.
    private static readonly int[][] Instructed = [.. new[] { 9, 1, 4, 25 }.Select((n, i) => (int[])[.. Enumerable.Range(60, 20), .. Enumerable.Range(30 * i, n)])];

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Last_states_equal_those_among_all_states_with_and_without_a_common_start(string family)
    {
        using var golden = new ModelGolden(family);
        golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
        foreach ((int[][] rows, int leastSaved) in new[] { Instructed, Prompts, [[5]], [[5, 6], [7, 8]] }.SelectMany(r => new[] { (r, 1), (r, 1000) }))
        {
            golden.Backbone.LeastSaved = leastSaved;
            using PaddedBatch batch = PaddedBatch.FromRows(rows);
            Tensor hidden = golden.Backbone.Hidden(batch);
            Compare(golden.Backbone, golden.Backbone.LastHidden(batch), stack(rows.Select((r, i) => hidden[i][r.Length - 1])));
        }
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Prompts_with_a_common_start_give_the_same_as_whole_rows(string family)
    {
        using var golden = new ModelGolden(family);
        golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
        int[][] completions = [[5, 6, 7], [9], [3, 4], []];
        using PaddedBatch prompts = PaddedBatch.FromRows(Instructed), ends = PaddedBatch.FromRows(completions);
        using PaddedBatch rows = PaddedBatch.FromRows([.. completions.Select((c, i) => (int[])[.. Instructed[i], .. c])]);
        foreach (int leastSaved in new[] { 1, 1000 })   // the start has a pass of its own, or all prompts one together with their completions
        {
            golden.Backbone.LeastSaved = leastSaved;
            Tensor shared = golden.Backbone.HiddenShared(prompts, ends, [0, 1, 2, 3]), whole = golden.Backbone.Hidden(rows);
            Compare(golden.Backbone, cat(completions.Select((c, i) => shared[i].narrow(0, 0, 1 + c.Length)).ToArray(), 0),
                cat(completions.Select((c, i) => whole[i].narrow(0, Instructed[i].Length - 1, 1 + c.Length)).ToArray(), 0));
        }
    }

    private static void CompareGradients(Backbone backbone)
    {
        (Tensor shared, Tensor whole) = Both(backbone, null);
        Compare(backbone, shared, whole);
    }

    private static void Compare(Backbone backbone, Tensor shared, Tensor whole)
    {
        Assert.True(ModelGolden.Difference(shared.detach(), whole.detach()) < 1e-4);
        foreach ((string _, Tensor parameter) in backbone.TrainableParameters()) parameter.grad = null;
        manual_seed(5);
        Tensor direction = randn(shared.shape);
        (shared * direction).sum().backward();
        var first = backbone.TrainableParameters().Where(p => p.Name != "lm_head.weight").Select(p => (p.Name, p.Parameter, Gradient: p.Parameter.grad!.clone())).ToList();
        foreach ((string _, Tensor parameter) in backbone.TrainableParameters()) parameter.grad = null;
        (whole * direction).sum().backward();
        Assert.NotEmpty(first);
        double largest = first.Max(p => p.Parameter.grad!.norm().item<float>());
        foreach ((string name, Tensor parameter, Tensor fast) in first)
        {
            // The last term is for gradients that are zero but for rounding: a row of one token has nothing to choose between.
            float error = (fast - parameter.grad!).norm().item<float>(), norm = parameter.grad!.norm().item<float>();
            Assert.True(error < 1e-4 * norm + 1e-5 * largest, $"{name}: error {error} of {norm}, the largest {largest}");
        }
    }

    // The states at the prompts' last tokens and at all completion tokens, completion after completion: [n, hidden].
    private static (Tensor Shared, Tensor Whole) Both(Backbone backbone, EmbeddingDelta? delta)
    {
        using PaddedBatch prompts = PaddedBatch.FromRows(Prompts), completions = PaddedBatch.FromRows(Completions);
        using PaddedBatch rows = PaddedBatch.FromRows([.. Completions.Select((c, i) => (int[])[.. Prompts[PromptOf[i]], .. c])]);
        Tensor shared = backbone.HiddenShared(prompts, completions, PromptOf, delta), whole = backbone.Hidden(rows, delta?.Invoke(rows.Ids, PromptOf));
        Assert.Equal([Completions.Length, 1L + completions.Tokens, backbone.Config.HiddenSize], shared.shape);
        return (cat(Completions.Select((c, i) => shared[i].narrow(0, 0, 1 + c.Length)).ToArray(), 0),
                cat(Completions.Select((c, i) => whole[i].narrow(0, Prompts[PromptOf[i]].Length - 1, 1 + c.Length)).ToArray(), 0));
    }
}
