using RRec.Backbones;
using RRec.Kernels;
using RRec.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

/// <summary>The decoder on this processor's vectors against the one made of the library's operators.</summary>
public class PackedDecoderTests
{
    public static TheoryData<string> Families => ["qwen2", "llama", "llama3", "qwen3", "gemma2", "gemma3_text", "gemma3_text-linear"];

    // Lengths around a page of 16 tokens and beyond the sliding windows (12 and 16); the first four share an instruction of 20 tokens.
    private static readonly int[][] Prompts =
        [.. new[] { 30, 1, 12, 13 }.Select((n, i) => (int[])[.. Enumerable.Range(60, 20), .. Enumerable.Range(30 * i, n)]), [77], [.. Enumerable.Range(100, 17)]];

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Rows_that_come_and_go_have_the_same_states_as_by_the_librarys_operators(string family)
    {
        using var golden = new ModelGolden(family);
        foreach (bool adapted in new[] { false, true })
        {
            if (adapted && !Directory.Exists(Path.Combine(golden.Folder, "lora"))) continue;
            if (adapted) golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
            float[][] packed = Script(golden.Backbone, true), plain = Script(golden.Backbone, false);
            Assert.Equal(plain.Length, packed.Length);
            for (int i = 0; i < plain.Length; i++)
                for (int j = 0; j < plain[i].Length; j++) Assert.Equal(plain[i][j], packed[i][j], 2e-4f);
        }
    }

    // Four prompts with two rows each; rows leave, others enter, one is taken back; the hidden states and logits of every step.
    private static float[][] Script(Backbone backbone, bool packed)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        backbone.UsePacked = packed;
        using Decoding decoding = backbone.BeginDecoding(null);
        var seen = new List<float[]>();
        var rows = new List<(int Prompt, int Written)>();
        decoding.Enter(Prompts[..4], [0, 1, 2, 3], 2);
        for (int p = 0; p < 4; p++) rows.AddRange([(p, 0), (p, 0)]);
        for (int step = 0; step < 24; step++)
        {
            if (step == 7) Keep(1, 2, 5, 6, 7);
            if (step == 9)
            {
                decoding.Enter(Prompts[4..], [4, 5], 3);
                for (int p = 4; p < 6; p++) rows.AddRange([(p, 0), (p, 0), (p, 0)]);
            }
            if (step == 12)
            {
                decoding.Truncate(3, 5);
                rows[3] = (rows[3].Prompt, 5);
            }
            if (step == 17) Keep(3, 8);
            long[] tokens = [.. rows.Select((r, i) => r.Written == 0 ? (long)Prompts[r.Prompt][^1] : 5 + (r.Prompt * 31 + r.Written * 7 + i) % 90)];
            Tensor hidden = decoding.Step(tokens, [.. rows.Select(r => Prompts[r.Prompt].Length - 1 + r.Written)]);
            seen.Add(hidden.data<float>().ToArray());
            seen.Add(decoding.Logits(hidden).data<float>().ToArray());
            for (int i = 0; i < rows.Count; i++) rows[i] = (rows[i].Prompt, rows[i].Written + 1);
        }
        return [.. seen];

        void Keep(params int[] kept)
        {
            decoding.Keep(kept);
            (int, int)[] staying = [.. kept.Select(i => rows[i])];
            rows.Clear();
            rows.AddRange(staying);
        }
    }

    // Weights rounded to bfloat16 are what differs; the activations of few rows stay in single precision, those of many may be rounded too.
    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Weights_in_bfloat16_give_the_references_states_to_its_rounding(string family)
    {
        using var golden = new ModelGolden(family, ScalarType.BFloat16);
        using var full = new ModelGolden(family);
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows([.. Enumerable.Range(0, 4).SelectMany(_ => golden.Sequences)]);
        Tensor exact = full.Backbone.LastHidden(batch), rounded = golden.Backbone.LastHidden(batch);
        Assert.True(nn.functional.cosine_similarity(exact, rounded, 1).min().item<float>() > 0.995f);
        float[][] packed = Script(golden.Backbone, true), plain = Script(full.Backbone, true);
        for (int i = 0; i < plain.Length; i++)
        {
            double error = Math.Sqrt(plain[i].Zip(packed[i]).Sum(p => Math.Pow(p.First - p.Second, 2))), norm = Math.Sqrt(plain[i].Sum(x => (double)x * x));
            Assert.True(error < 0.03 * norm, $"step {i / 2}: {error} of {norm}");
        }
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Last_states_equal_those_by_the_librarys_operators(string family)
    {
        using var golden = new ModelGolden(family);
        using IDisposable noGrad = no_grad();
        int[][] many = [.. Enumerable.Range(0, 60).Select(i => (int[])[.. Prompts[0][..20], .. Enumerable.Range(i, 5 + i)])];   // several passes
        foreach (int[][] rows in new[] { Prompts[..4], Prompts[4..], Prompts, many, [[5]] })
        {
            using PaddedBatch batch = PaddedBatch.FromRows(rows);
            Tensor delta = randn([batch.Rows, batch.Tokens, golden.Backbone.Config.HiddenSize]) * 0.1;
            foreach (Tensor? added in new[] { null, delta })
            {
                golden.Backbone.UsePacked = true;
                Tensor packed = golden.Backbone.LastHidden(batch, added);
                golden.Backbone.UsePacked = false;
                Assert.True(ModelGolden.Difference(packed, golden.Backbone.LastHidden(batch, added)) < 2e-4);
            }
        }
    }

    [GoldenFact(ModelGolden.Root)]
    public void A_row_is_the_same_to_the_bit_alone_among_others_and_with_any_number_of_threads()
    {
        using var golden = new ModelGolden("gemma3_text");
        using IDisposable noGrad = no_grad();
        using ThreadsKept kept = new();
        float[]? expected = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            set_num_threads(threads);
            foreach (int[] company in new int[][] { [0], [3, 0, 5], [1, 2, 3, 0, 4, 5] })
            {
                using DisposeScope scope = NewDisposeScope();
                using Decoding decoding = golden.Backbone.BeginDecoding(null);
                decoding.Enter([.. company.Select(p => Prompts[p])], company, 1);
                int row = Array.IndexOf(company, 0);
                Tensor hidden = empty(0);
                for (int step = 0; step < 20; step++)
                    hidden = decoding.Step([.. company.Select(p => step == 0 ? (long)Prompts[p][^1] : 40 + step)], [.. company.Select(p => Prompts[p].Length - 1 + step)]);
                float[] actual = hidden[row].data<float>().ToArray();
                expected ??= actual;
                Assert.Equal(expected, actual);
            }
        }
    }

    [GoldenFact(ModelGolden.Root)]
    public void Last_states_are_the_same_to_the_bit_whoever_shares_a_pass_and_with_any_number_of_threads()
    {
        using var golden = new ModelGolden("qwen3");
        using IDisposable noGrad = no_grad();
        int[][] rows = [.. Enumerable.Range(0, 150).Select(i => (int[])[.. Prompts[0][..20], .. Enumerable.Range(i, 1 + i % 37)])];   // many slices of a pass
        using ThreadsKept kept = new();
        float[]? expected = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            set_num_threads(threads);
            using PaddedBatch all = PaddedBatch.FromRows(rows), few = PaddedBatch.FromRows(rows[70..73]);
            float[] states = golden.Backbone.LastHidden(all).data<float>().ToArray(), some = golden.Backbone.LastHidden(few).data<float>().ToArray();
            expected ??= states;
            Assert.Equal(expected, states);
            int width = some.Length / 3;
            Assert.Equal(states[(70 * width)..(73 * width)], some);
        }
    }

    [GoldenFact(ModelGolden.Root)]
    public void Weights_that_training_changes_in_place_are_seen_at_once()
    {
        using var golden = new ModelGolden("qwen2");
        float[] before = Script(golden.Backbone, true)[0];
        golden.Backbone.UseFullFineTuning();
        using (no_grad())
            foreach ((string _, Tensor t) in golden.Backbone.TrainableParameters()) t.add_(0.01f * t);
        float[] after = Script(golden.Backbone, true)[0], plain = Script(golden.Backbone, false)[0];
        Assert.NotEqual(before, after);
        for (int j = 0; j < plain.Length; j++) Assert.Equal(plain[j], after[j], 2e-4f);
    }

    [Fact]
    public void Pages_are_given_back_and_used_again()
    {
        using var pages = new KvPages(2, 2, 8);
        var start = new KvSequence(pages);
        start.Extend(33);
        var rows = new[] { new KvSequence(pages, start), new KvSequence(pages, start) };
        start.Dispose();
        foreach (KvSequence row in rows) row.Extend(17);
        Assert.Equal(3 + 4, pages.Used);
        Assert.Equal((33, 50), (rows[0].Start, rows[0].End));
        rows[0].Dispose();
        Assert.Equal(3 + 2, pages.Used);
        rows[1].Dispose();
        Assert.Equal(0, pages.Used);
    }
}
