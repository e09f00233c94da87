using System.Text.Json;
using RRec.Backbones;
using RRec.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

public class ModelGoldenTests
{
    // The recording's own tolerances (goldens/models/README.md).
    private const float Logits = 2e-4f, LogProbability = 1e-4f, RelativeGradient = 1e-4f, Loss = 1e-5f;

    public static TheoryData<string> Families => ["qwen2", "qwen2-sharded", "llama", "llama3", "qwen3", "gemma2", "gemma3_text", "gemma3_text-linear"];

    private static readonly string[] AdapterFamilies = ["qwen2", "llama", "llama3", "qwen3", "gemma2", "gemma3_text", "gemma3_text-linear"];

    public static TheoryData<string> FamiliesWithAdapter => [.. AdapterFamilies];

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Hidden_states_and_logits_of_a_padded_batch_are_the_references(string family)
    {
        using var golden = new ModelGolden(family);
        using IDisposable noGrad = no_grad();
        int[][] rows = golden.Sequences;
        using PaddedBatch batch = PaddedBatch.FromRows(rows);
        Tensor hidden = golden.Backbone.Hidden(batch);
        Assert.True(ModelGolden.Worst(hidden, golden.Expected("right.hidden"), batch.Lengths) < Logits);
        Assert.True(ModelGolden.Worst(golden.Backbone.Logits(hidden), golden.Expected("right.logits"), batch.Lengths) < Logits);
        Tensor left = golden.Expected("left.hidden"), right = golden.Expected("right.hidden");
        for (int i = 0; i < rows.Length; i++)   // the same rows padded on the left, and alone
        {
            long n = rows[i].Length;
            Assert.True(ModelGolden.Difference(hidden[i].narrow(0, 0, n), left[i].narrow(0, left.shape[1] - n, n)) < Logits);
            Assert.True(ModelGolden.Difference(hidden[i].narrow(0, 0, n), golden.Expected($"single.{i}.hidden")) < Logits);
        }
        Assert.True(ModelGolden.Difference(golden.Backbone.LastHidden(batch), stack(rows.Select((r, i) => right[i][r.Length - 1]))) < Logits);
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void The_transformers_5_layout_of_the_config_means_the_same_as_the_classic_one(string family)
    {
        string folder = Goldens.PathOf($"{ModelGolden.Root}/{family}");
        if (!File.Exists(Path.Combine(folder, "config.v5.json"))) return;
        BackboneConfig classic = BackboneConfig.Load(folder);
        BackboneConfig v5 = BackboneConfig.Parse(File.ReadAllText(Path.Combine(folder, "config.v5.json")), "config.v5.json");
        Assert.Equal(classic.LayerSlides, v5.LayerSlides);
        Assert.Subset(classic.EndOfSequenceIds.ToHashSet(), v5.EndOfSequenceIds.ToHashSet());   // Load also asks generation_config.json
        Assert.Equal(Comparable(classic), Comparable(v5));

        static BackboneConfig Comparable(BackboneConfig c) => c with { LayerSlides = [], EndOfSequenceIds = [], Json = "" };
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Rotation_frequencies_are_the_references(string family)
    {
        using var golden = new ModelGolden(family);
        BackboneConfig c = golden.Backbone.Config;
        bool perKind = c.Rope != c.SlidingRope;
        Compare(perKind ? "rope.full_attention_inv_freq" : "rope.inv_freq", c.Rope);
        if (perKind) Compare("rope.sliding_attention_inv_freq", c.SlidingRope);

        void Compare(string name, RopeSettings rope)
        {
            float[] expected = golden.Expected(name).data<float>().ToArray(), actual = rope.InverseFrequencies(c.HeadSize);
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < actual.Length; i++) Assert.Equal(1, actual[i] / expected[i], 1e-6);
        }
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Greedy_generation_and_its_log_probabilities_are_the_references(string family)
    {
        using var golden = new ModelGolden(family);
        Tensor ids = golden.Expected("gen.ids"), logProbs = golden.Expected("gen.logprobs_t1");
        IReadOnlyList<Trajectory> all = Greedy(golden.Backbone, golden.Sequences, (int)ids.shape[1]);
        for (int i = 0; i < all.Count; i++)
        {
            Assert.Equal(ids[i].data<long>().ToArray().Select(x => (int)x), all[i].Ids);
            float[] expected = logProbs[i].data<float>().ToArray();
            for (int j = 0; j < expected.Length; j++) Assert.Equal(expected[j], all[i].LogProbs![j], LogProbability);
        }
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(Families))]
    public void Generation_in_blocks_as_on_a_GPU_is_the_references_too(string family)
    {
        using var golden = new ModelGolden(family);
        golden.Backbone.UsePacked = false;
        Tensor ids = golden.Expected("gen.ids"), logProbs = golden.Expected("gen.logprobs_t1");
        foreach (int block in new[] { 1, 4, 16 })
        {
            IReadOnlyList<Trajectory> all = Greedy(golden.Backbone, golden.Sequences, (int)ids.shape[1], block);
            for (int i = 0; i < all.Count; i++)
            {
                Assert.Equal(ids[i].data<long>().ToArray().Select(x => (int)x), all[i].Ids);
                float[] expected = logProbs[i].data<float>().ToArray();
                for (int j = 0; j < expected.Length; j++) Assert.Equal(expected[j], all[i].LogProbs![j], LogProbability);
            }
        }
        if (!AdapterFamilies.Contains(family)) return;
        golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
        Tensor adapted = golden.Expected("lora.gen.ids");
        IReadOnlyList<Trajectory> withAdapter = Greedy(golden.Backbone, golden.Sequences, (int)adapted.shape[1], 16);
        for (int i = 0; i < withAdapter.Count; i++) Assert.Equal(adapted[i].data<long>().ToArray().Select(x => (int)x), withAdapter[i].Ids);
    }

    [GoldenTheory(ModelGolden.Root), MemberData(nameof(FamiliesWithAdapter))]
    public void With_a_peft_adapter_logits_generation_loss_and_gradients_are_the_references(string family)
    {
        using var golden = new ModelGolden(family);
        using PaddedBatch batch = PaddedBatch.FromRows(golden.Sequences);
        golden.Backbone.LoadAdapter(Path.Combine(golden.Folder, "lora"));
        Assert.Equal(golden.Json.GetProperty("lora").GetProperty("scaling").GetDouble(), golden.Backbone.Adapter!.Options.Scale);

        Tensor loss = MeanNextTokenLoss(golden.Backbone, batch);
        Assert.Equal(golden.Json.GetProperty("lora").GetProperty("loss").GetDouble(), loss.item<float>(), 2 * Loss);
        loss.backward();
        using (var expected = RRec.Weights.SafetensorsFile.Open(Path.Combine(golden.Folder, "lora/golden_grads.safetensors")))
        {
            Assert.Equal(expected.Names.Order(), golden.Backbone.TrainableParameters().Select(p => p.Name).Order());
            foreach ((string name, Tensor parameter) in golden.Backbone.TrainableParameters())
            {
                Tensor wanted = expected.Read(name);
                double error = (parameter.grad! - wanted).norm().item<float>() / wanted.norm().item<float>();
                Assert.True(error < RelativeGradient, $"{name}: relative error {error}");
            }
        }
        using IDisposable noGrad = no_grad();
        Tensor right = golden.Backbone.Logits(golden.Backbone.Hidden(batch));
        Assert.True(ModelGolden.Worst(right, golden.Expected("lora.right.logits"), batch.Lengths) < Logits);
        Tensor generated = golden.Expected("lora.gen.ids");
        IReadOnlyList<Trajectory> all = Greedy(golden.Backbone, golden.Sequences, (int)generated.shape[1]);
        for (int i = 0; i < all.Count; i++) Assert.Equal(generated[i].data<long>().ToArray().Select(x => (int)x), all[i].Ids);

        golden.Backbone.MergeAdapter();
        Assert.Null(golden.Backbone.Adapter);
        Tensor merged = golden.Backbone.Logits(golden.Backbone.Hidden(batch));
        Assert.True(ModelGolden.Worst(merged, golden.Expected("lora.merged.right.logits"), batch.Lengths) < Logits);
    }

    [GoldenFact($"{ModelGolden.Root}/qwen2-bf16")]
    public void Bfloat16_weights_widened_to_single_precision_give_the_references_numbers()
    {
        using var golden = new ModelGolden("qwen2-bf16");
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows(golden.Sequences);
        Tensor hidden = golden.Backbone.Hidden(batch);
        Assert.True(ModelGolden.Worst(hidden, golden.Expected("right.hidden_f32_compute"), batch.Lengths) < Logits);
        Assert.True(ModelGolden.Worst(golden.Backbone.Logits(hidden), golden.Expected("right.logits_f32_compute"), batch.Lengths) < Logits);
        Tensor ids = golden.Expected("gen.ids_f32_compute");
        IReadOnlyList<Trajectory> all = Greedy(golden.Backbone, golden.Sequences, (int)ids.shape[1]);
        for (int i = 0; i < all.Count; i++) Assert.Equal(ids[i].data<long>().ToArray().Select(x => (int)x), all[i].Ids);
    }

    [GoldenFact($"{ModelGolden.Root}/qwen2-bf16")]
    public void Computing_in_bfloat16_stays_near_the_reference()
    {
        using var golden = new ModelGolden("qwen2-bf16", ScalarType.BFloat16);
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows(golden.Sequences);
        Tensor logits = golden.Backbone.Logits(golden.Backbone.Hidden(batch)), expected = golden.Expected("right.logits_bf16_compute");
        // Two bfloat16 computations of a random network: the mean says that nothing is wrong, single entries say little.
        double mean = 0;
        for (int i = 0; i < batch.Rows; i++) mean += (logits[i].narrow(0, 0, batch.Lengths[i]) - expected[i].narrow(0, 0, batch.Lengths[i]).to(ScalarType.Float32)).abs().mean().item<float>() / batch.Rows;
        Assert.True(mean < 0.1, $"mean difference {mean}");
    }

    [GoldenTheory(ModelGolden.Root), InlineData("sample", ""), InlineData("sample_ties", "ties_")]
    public void Sampling_filters_give_the_references_probabilities(string name, string countPrefix)
    {
        foreach (string family in AdapterFamilies)
        {
            using var golden = new ModelGolden(family);
            JsonElement sampling = golden.Json.GetProperty("sampling");
            float[] logits = golden.Expected($"{name}.logits").data<float>().ToArray();
            var options = new GenerationOptions { Temperature = 2 };
            Check(options, "probs_temperature", null);
            Check(options with { TopK = 50 }, "probs_top_k", $"{countPrefix}kept_after_top_k");
            Check(options with { TopK = 50, TopP = 0.9 }, "probs_top_p", $"{countPrefix}kept_after_top_p");
            Check(options with { TopP = 0.9 }, "probs_top_p_without_top_k", null);

            void Check(GenerationOptions o, string expectedName, string? kept)
            {
                double[] actual = new TokenSampler(o).Probabilities(logits);
                float[] expected = golden.Expected($"{name}.{expectedName}").data<float>().ToArray();
                if (kept is not null) Assert.Equal(sampling.GetProperty(kept).GetInt32(), actual.Count(p => p > 0));
                if (name == "sample_ties")   // which of several tied tokens top-p keeps is arbitrary, there and here
                {
                    Array.Sort(actual);
                    Array.Sort(expected);
                }
                for (int i = 0; i < actual.Length; i++) Assert.True(Math.Abs(actual[i] - expected[i]) < 1e-5, $"{family} {expectedName} token {i}: {actual[i]} for {expected[i]}");
            }
        }
    }

    private static IReadOnlyList<Trajectory> Greedy(Backbone backbone, int[][] prompts, int tokens, int? ahead = null)
    {
        var generator = new RRec.Generation.Generator(backbone, [511, 0, 511, 0], "", () => _ => "", _ => "");
        return generator.Generate(prompts, new GenerationOptions { MaxNewTokens = tokens, LogProbabilities = true, IgnoreEndOfSequence = true, StepsAhead = ahead });
    }

    internal static Tensor MeanNextTokenLoss(Backbone backbone, PaddedBatch batch)
    {
        var at = new List<long>();
        var next = new List<long>();
        long[] ids = batch.Ids.data<long>().ToArray();
        for (int i = 0; i < batch.Rows; i++)
        {
            for (int j = 0; j + 1 < batch.Lengths[i]; j++)
            {
                at.Add((long)i * batch.Tokens + j);
                next.Add(ids[i * batch.Tokens + j + 1]);
            }
        }
        Tensor hidden = backbone.Hidden(batch).view(-1, backbone.Config.HiddenSize).index_select(0, tensor(at.ToArray()));
        return -backbone.TokenLogProbabilities(hidden, tensor(next.ToArray())).mean();
    }
}
