using RRec.Backbones;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

public class BackboneTests
{
    private static readonly BackboneConfig Tiny = BackboneConfig.Qwen2(50, 16, 24, 2, 4, 2, endOfSequenceId: 1, padId: 0);

    private static Dictionary<string, Tensor> RandomWeights(BackboneConfig c, long seed = 1)
    {
        manual_seed(seed);
        return Backbone.ExpectedWeights(c).ToDictionary(w => w.Name, w => randn(w.Shape) * 0.3);
    }

    [Fact]
    public void Missing_unexpected_and_misshaped_weights_are_listed_together_by_name()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> weights = RandomWeights(Tiny);
        weights.Remove("model.layers.1.self_attn.k_proj.bias");
        weights["model.layers.0.mlp.up_proj.weight"] = zeros(24, 15);
        weights["model.layers.2.mlp.up_proj.weight"] = zeros(24, 16);
        var e = Assert.Throws<InvalidDataException>(() => Backbone.Create(Tiny, weights));
        Assert.Contains("Missing (1): model.layers.1.self_attn.k_proj.bias", e.Message);
        Assert.Contains("Unexpected (1): model.layers.2.mlp.up_proj.weight", e.Message);
        Assert.Contains("model.layers.0.mlp.up_proj.weight is [24, 15], expected [24, 16]", e.Message);
    }

    [GoldenTheory(ModelGolden.Root), InlineData("qwen2"), InlineData("gemma3_text"), InlineData("llama3")]
    public void A_saved_folder_holds_the_same_tensors_and_loads_again(string family)
    {
        using var golden = new ModelGolden(family);
        string folder = Directory.CreateTempSubdirectory("rrec").FullName;
        try
        {
            golden.Backbone.SaveFolder(folder);
            Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order());
            using (SafetensorsFile before = SafetensorsFile.Open(Path.Combine(golden.Folder, "model.safetensors")), after = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors")))
            {
                Assert.Equal(before.Names.Order(), after.Names.Order());
                foreach (string name in before.Names) Assert.True(ModelGolden.Difference(before.Read(name), after.Read(name)) < 1e-6, name);
            }
            using Backbone again = Backbone.Load(folder);
            using IDisposable noGrad = no_grad();
            using PaddedBatch batch = PaddedBatch.FromRows(golden.Sequences);
            Assert.True(ModelGolden.Worst(again.Hidden(batch), golden.Expected("right.hidden"), batch.Lengths) < 2e-4);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [GoldenFact(ModelGolden.Root)]
    public void An_adapter_is_written_as_it_was_read()
    {
        using var golden = new ModelGolden("gemma2");
        string folder = Directory.CreateTempSubdirectory("rrec").FullName, source = Path.Combine(golden.Folder, "lora");
        try
        {
            golden.Backbone.LoadAdapter(source);
            golden.Backbone.SaveAdapter(folder, "some/base");
            using (SafetensorsFile before = SafetensorsFile.Open(Path.Combine(source, "adapter_model.safetensors")), after = SafetensorsFile.Open(Path.Combine(folder, "adapter_model.safetensors")))
            {
                Assert.Equal(before.Names, after.Names);
                foreach (string name in before.Names) Assert.Equal(0, ModelGolden.Difference(before.Read(name), after.Read(name)));
            }
            golden.Backbone.DetachAdapter();
            golden.Backbone.LoadAdapter(folder);
            Assert.Equal((4, 128.0, 7), (golden.Backbone.Adapter!.Options.Rank, golden.Backbone.Adapter.Options.Alpha, golden.Backbone.Adapter.Options.Targets.Count));
            Assert.Contains("some/base", File.ReadAllText(Path.Combine(folder, "adapter_config.json")));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [GoldenTheory(ModelGolden.Root)]
    [InlineData("\"use_dora\":true", "use_dora")]
    [InlineData("\"bias\":\"all\"", "bias")]
    [InlineData("\"peft_type\":\"IA3\"", "IA3")]
    [InlineData("\"rank_pattern\":{\"q_proj\":8}", "rank_pattern")]
    [InlineData("\"modules_to_save\":[\"lm_head\"]", "modules_to_save")]
    [InlineData("\"r\":8", "lora_A.weight is [4, 64], expected [8, 64]")]
    [InlineData("\"r\":0", "'r'")]
    public void An_adapter_that_this_library_cannot_compute_is_refused_by_name(string json, string named)
    {
        using var golden = new ModelGolden("qwen2");
        string folder = Directory.CreateTempSubdirectory("rrec").FullName;
        try
        {
            File.Copy(Path.Combine(golden.Folder, "lora/adapter_model.safetensors"), Path.Combine(folder, "adapter_model.safetensors"));
            File.WriteAllText(Path.Combine(folder, "adapter_config.json"), "{" + (json.Contains("\"r\"") ? "" : "\"r\":4,") + "\"lora_alpha\":8," + json + "}");
            Assert.Contains(named, Assert.Throws<InvalidDataException>(() => golden.Backbone.LoadAdapter(folder)).Message);
            Assert.Null(golden.Backbone.Adapter);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void A_fresh_adapter_changes_nothing_and_is_the_same_for_the_same_seed()
    {
        using DisposeScope scope = NewDisposeScope();
        using Backbone backbone = Backbone.Create(Tiny, RandomWeights(Tiny));
        using PaddedBatch batch = PaddedBatch.FromRows([[3, 4, 5], [6]]);
        Tensor before = backbone.Hidden(batch);
        backbone.AttachLora(new LoraOptions { Targets = ["v_proj", "up_proj", "o_proj"] }, 7);
        Assert.Equal(0, ModelGolden.Difference(backbone.Hidden(batch).detach(), before));
        Assert.Equal(2 * 3 * 2, backbone.TrainableParameters().Count);
        float[] first = backbone.TrainableParameters()[0].Parameter.detach().data<float>().ToArray();
        backbone.DetachAdapter();
        backbone.AttachLora(new LoraOptions { Targets = ["v_proj", "up_proj", "o_proj"] }, 7);
        Assert.Equal(first, backbone.TrainableParameters()[0].Parameter.detach().data<float>().ToArray());
        Assert.All(first, x => Assert.InRange(Math.Abs(x), 0, 0.25));   // 1 / sqrt(16)
    }

    [Fact]
    public void Lora_options_report_all_violations_together()
    {
        using DisposeScope scope = NewDisposeScope();
        using Backbone backbone = Backbone.Create(Tiny, RandomWeights(Tiny));
        var e = Assert.Throws<ArgumentException>(() => backbone.AttachLora(new LoraOptions { Rank = 0, Alpha = double.NaN, Targets = ["lm_head"] }, 1));
        foreach (string name in new[] { "Rank", "Alpha", "lm_head" }) Assert.Contains(name, e.Message);
    }

    [Fact]
    public void Log_probabilities_of_tokens_are_those_of_all_logits()
    {
        using DisposeScope scope = NewDisposeScope();
        using Backbone backbone = Backbone.Create(Tiny, RandomWeights(Tiny));
        using PaddedBatch batch = PaddedBatch.FromRows([[3, 4, 5, 6, 7], [6, 7, 8, 9, 10]]);
        Tensor targets = tensor(new long[] { 4, 5, 6, 7, 8, 7, 8, 9, 10, 11 }), hidden = backbone.Hidden(batch);
        Tensor exact = backbone.Logits(hidden).view(10, -1).log_softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1);
        Assert.True(ModelGolden.Difference(backbone.TokenLogProbabilities(hidden.view(10, -1), targets).detach(), exact.detach()) < 1e-5);
    }

    [Fact]
    public void Some_weights_alone_can_be_trained_and_names_that_fit_nothing_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using Backbone backbone = Backbone.Create(Tiny, RandomWeights(Tiny));
        backbone.UseFullFineTuning();
        int all = backbone.TrainableParameters().Count;
        backbone.UseFullFineTuning(name => name.Contains("layers.1.self_attn.o_proj", StringComparison.Ordinal));
        (string name, Tensor only) = Assert.Single(backbone.TrainableParameters());
        Assert.Equal("model.layers.1.self_attn.o_proj.weight", name);
        using PaddedBatch batch = PaddedBatch.FromRows([[3, 4, 5]]);
        backbone.Hidden(batch).square().sum().backward();
        Assert.True(only.grad!.abs().sum().item<float>() > 0);
        Assert.Contains("model.embed_tokens.weight", Assert.Throws<ArgumentException>(() => backbone.UseFullFineTuning(_ => false)).Message);
        backbone.UseFullFineTuning();
        Assert.Equal(all, backbone.TrainableParameters().Count);
        Assert.True(all > 10);
    }

    [Fact]
    public void A_forward_pass_leaves_nothing_behind()
    {
        using Backbone backbone = Make();
        using PaddedBatch batch = PaddedBatch.FromRows([[3, 4, 5], [6]]);
        for (int i = 0; i < 2; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor hidden = backbone.LastHidden(batch), shared = backbone.HiddenShared(batch, batch, [0, 1]);
            Assert.Equal(2, scope.DisposablesCount);
        }

        static Backbone Make()
        {
            using DisposeScope scope = NewDisposeScope();
            return Backbone.Create(Tiny, RandomWeights(Tiny));
        }
    }

    [Fact]
    public void Weights_given_as_views_of_the_backbone_change_it()
    {
        using DisposeScope scope = NewDisposeScope();
        using Backbone backbone = Backbone.Create(Tiny, RandomWeights(Tiny));
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows([[3, 4, 5]]);
        Tensor before = backbone.Hidden(batch);
        backbone.HuggingFaceWeights()["model.layers.1.self_attn.v_proj.weight"].mul_(0);
        Assert.True(ModelGolden.Difference(backbone.Hidden(batch), before) > 1e-3);
    }
}
