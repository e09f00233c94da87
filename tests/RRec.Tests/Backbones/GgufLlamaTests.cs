using RRec.Backbones;
using RRec.Tests.Generation;
using RRec.Tests.Text;
using RRec.Tests.Weights;
using RRec.Text;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

/// <summary>A Llama from a GGUF file is the one from its Hugging Face folder: config, weights, tokenizer, chat format.</summary>
public class GgufLlamaTests : IDisposable
{
    private const string Model = "models/SmolLM2-135M-Instruct.Q4_1.gguf", Folder = "models/SmolLM2-135M-Instruct";

    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("rrec").FullName, "x.gguf");
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(Path.GetDirectoryName(_path)!, true);
    }

    [GoldenFact(Model)]
    public void SmolLM2_has_the_weights_of_the_expanded_folder_bit_for_bit_in_bf16()
    {
        using IDisposable noGrad = no_grad();
        using Backbone gguf = Backbone.Load(Goldens.PathOf(Model), dtype: ScalarType.BFloat16);
        using SafetensorsFile folder = SafetensorsFile.Open(Path.Combine(SmolLM2Tests.Folder(), "model.safetensors"));
        IReadOnlyDictionary<string, Tensor> weights = gguf.HuggingFaceWeights();
        Assert.Equal(folder.Names.Order(StringComparer.Ordinal), weights.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, Tensor here) in weights)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor there = folder.Read(name);
            // Norm factors are held in single precision, as the file has them.
            Assert.True(here.to(ScalarType.BFloat16).contiguous().bytes.SequenceEqual(there.bytes), name);
        }
    }

    [GoldenFact(Model)]
    public void SmolLM2_has_the_config_of_its_folder()
    {
        using GgufLlama gguf = GgufLlama.Open(Goldens.PathOf(Model));
        BackboneConfig here = gguf.Config, there = BackboneConfig.Load(Goldens.PathOf(Folder));
        Assert.Equal((there.VocabularySize, there.HiddenSize, there.IntermediateSize, there.Layers, there.Heads, there.KeyValueHeads, there.HeadSize),
            (here.VocabularySize, here.HiddenSize, here.IntermediateSize, here.Layers, here.Heads, here.KeyValueHeads, here.HeadSize));
        Assert.Equal((there.NormEpsilon, there.TiedHead, there.QueryScale, there.Rope, there.MaxPositions, there.PadId),
            (here.NormEpsilon, here.TiedHead, here.QueryScale, here.Rope, here.MaxPositions, here.PadId));
        Assert.Equal(there.EndOfSequenceIds, here.EndOfSequenceIds);
    }

    [GoldenFact(Model)]
    public void SmolLM2_has_the_tokenizer_and_the_chat_format_of_its_folder()
    {
        HuggingFaceTokenizer here = HuggingFaceTokenizer.Load(Goldens.PathOf(Model)), there = HuggingFaceTokenizer.Load(Goldens.PathOf(Folder));
        Assert.Equal(there.VocabularySize, here.VocabularySize);
        for (int id = 0; id < there.IdLimit; id++)
            Assert.Equal((there.IdToToken(id), there.IsSpecial(id), there.IsControl(id)), (here.IdToToken(id), here.IsSpecial(id), here.IsControl(id)));
        foreach (System.Text.Json.JsonElement c in TokenizerFixtures.Golden("smollm2").GetProperty("cases").EnumerateArray())
        {
            string text = c.GetProperty("text").GetString()!;
            int[] ids = there.Encode(text, addSpecialTokens: true);
            Assert.Equal(ids, here.Encode(text, addSpecialTokens: true));
            Assert.Equal(there.DecodeIds(ids, skipSpecialTokens: true), here.DecodeIds(ids, skipSpecialTokens: true));
        }
        Assert.Equal(ChatFormat.Detect(Goldens.PathOf(Folder)), ChatFormat.Detect(Goldens.PathOf(Model)));
    }

    [GoldenFact(Model)]
    public void A_recommender_opens_on_the_file_alone()
    {
        string path = Goldens.PathOf(Model);
        Assert.Empty(new R2ecTrainingOptions { Backbone = path }.Violations());
        Assert.NotEmpty(new R2ecTrainingOptions { Backbone = path + "x" }.Violations());
        using R2ecModel model = R2ecModel.Open(path, RecPO.TinyWorld.Catalogue, new R2ecSettings { Window = 3, MaxNewTokens = 4 }, weightType: ScalarType.BFloat16);
        Assert.Equal((576, "smollm2"), (model.Backbone.Config.HiddenSize, model.Chat.Name));
        int[] prompt = model.Tokenizer.EncodePrompt(PromptText.FromControl("<|im_start|>user\nHello<|im_end|>\n"));
        Assert.Equal([1, 2], [prompt[0], prompt[^2]]);
        using PaddedBatch batch = PaddedBatch.FromRows([prompt]);
        Assert.True(model.Backbone.LastHidden(batch).isfinite().all().item<bool>());
        Assert.Null(model.Backbone.SourceFolder);   // saved models hold such a backbone themselves
    }

    private static readonly BackboneConfig Tiny = BackboneConfig.Parse("""
        {"model_type":"llama","vocab_size":32,"hidden_size":32,"intermediate_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"rms_norm_eps":1e-5,
        "rope_theta":500000,"tie_word_embeddings":false,"rope_scaling":{"rope_type":"llama3","factor":32,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192}}
        """, "tiny");

    private static Dictionary<string, Tensor> RandomWeights()
    {
        manual_seed(5);
        return Backbone.ExpectedWeights(Tiny).ToDictionary(e => e.Name, e => randn(e.Shape));
    }

    // As a converter of Hugging Face folders writes it: other names, and query and key rows interleaved.
    private static GgufBuilder Builder(Dictionary<string, Tensor> weights, Action<GgufBuilder>? more = null)
    {
        GgufBuilder b = new GgufBuilder().With("general.architecture", "llama").With("llama.block_count", 2u).With("llama.embedding_length", 32u).With("llama.feed_forward_length", 64u)
            .With("llama.attention.head_count", 4u).With("llama.attention.head_count_kv", 2u).With("llama.attention.layer_norm_rms_epsilon", 1e-5f).With("llama.rope.freq_base", 500000f)
            .With("llama.context_length", 4096u);
        more?.Invoke(b);
        (string From, string To)[] names =
        [
            ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"), ("model.layers", "blk"), ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
            ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
        ];
        foreach ((string name, Tensor tensor) in weights)
        {
            long heads = name.Contains("q_proj.weight") ? 4 : name.Contains("k_proj.weight") ? 2 : 0;
            // [heads, 2 halves, pairs, columns] -> [heads, pairs, 2 halves, columns]
            Tensor there = heads == 0 ? tensor : tensor.view(heads, 2, 4, 32).transpose(1, 2).contiguous().view(tensor.shape);
            b.Tensor(names.Aggregate(name, (n, r) => n.Replace(r.From, r.To)), there.shape, there.data<float>().ToArray());
        }
        float[] plain = new RopeSettings { Theta = 500000 }.InverseFrequencies(8), stretched = Tiny.Rope.InverseFrequencies(8);
        return b.Tensor("rope_freqs.weight", [4], [.. plain.Zip(stretched, (p, s) => p / s)]);
    }

    private string Write(GgufBuilder builder)
    {
        File.WriteAllBytes(_path, builder.ToBytes());
        return _path;
    }

    [Fact]
    public void A_made_file_gives_back_its_weights_and_the_states_of_the_same_backbone()
    {
        Dictionary<string, Tensor> weights = RandomWeights();
        using Backbone plain = Backbone.Create(Tiny, weights), gguf = Backbone.Load(Write(Builder(weights)));
        IReadOnlyDictionary<string, Tensor> read = gguf.HuggingFaceWeights();
        foreach ((string name, Tensor wanted) in weights) Assert.True(read[name].contiguous().bytes.SequenceEqual(wanted.bytes), name);
        Assert.Equal(Tiny.Rope with { Factor = 0 }, gguf.Config.Rope with { Factor = 0 });
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows([[1, 5, 9, 31], [4, 4]]);
        Assert.True((plain.LastHidden(batch) - gguf.LastHidden(batch)).abs().max().item<float>() < 1e-4f);
    }

    [Fact]
    public void What_a_file_lacks_or_has_too_much_is_listed_by_name()
    {
        Dictionary<string, Tensor> weights = RandomWeights();
        weights.Remove("model.layers.1.mlp.up_proj.weight");
        weights.Add("model.layers.1.self_attn.q_proj.bias", zeros(32, 1));
        string message = Assert.Throws<InvalidDataException>(() => Backbone.Load(Write(Builder(weights)))).Message;
        Assert.Contains("model.layers.1.mlp.up_proj.weight", message);
        Assert.Contains("blk.1.attn_q.bias", message);
    }

    public static TheoryData<string, uint, string> Unsupported => new()
    {
        { "llama.expert_count", 8, "mixtures" }, { "llama.attention.sliding_window", 512, "llama.attention.sliding_window" }, { "split.count", 3, "in parts" }, { "llama.rope.dimension_count", 4, "rotated whole" },
    };

    [Theory, MemberData(nameof(Unsupported))]
    public void Metadata_that_would_change_a_number_are_refused_by_name(string key, uint value, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => Backbone.Load(Write(Builder(RandomWeights(), b => b.With(key, value))))).Message);

    [Fact]
    public void Another_architecture_or_stretch_is_refused_by_name()
    {
        Assert.Contains("'qwen2'", Assert.Throws<InvalidDataException>(() => Backbone.Load(Write(new GgufBuilder().With("general.architecture", "qwen2")))).Message);
        Assert.Contains("'yarn'", Assert.Throws<InvalidDataException>(() => Backbone.Load(Write(Builder(RandomWeights(), b => b.With("llama.rope.scaling.type", "yarn"))))).Message);
        GgufBuilder other = new GgufBuilder().With("tokenizer.ggml.model", "llama");
        Assert.Contains("'llama'", Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.Load(Write(other))).Message);
        Assert.Contains("chat template", Assert.Throws<InvalidDataException>(() => ChatFormat.Detect(_path)).Message);
        Assert.Throws<FileNotFoundException>(() => Backbone.Load(_path + ".gguf"));
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(float.NegativeInfinity)]
    public void Weights_that_are_not_numbers_are_refused_by_name_in_both_formats(float value)
    {
        Dictionary<string, Tensor> weights = RandomWeights();
        using (IDisposable noGrad = no_grad()) weights["model.layers.1.mlp.down_proj.weight"].view(-1).narrow(0, 77, 1).fill_(value);
        string folder = Path.Combine(Path.GetDirectoryName(_path)!, "folder");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), Tiny.ToJson());
        SafetensorsWriter.Save(Path.Combine(folder, "model.safetensors"), weights);
        foreach (string path in new[] { folder, Write(Builder(weights)) })
        {
            InvalidDataException e = Assert.Throws<InvalidDataException>(() => Backbone.Load(path));
            Assert.StartsWith(path, e.Message);
            Assert.Contains("'model.layers.1.mlp.down_proj.weight' holds values that are not finite", e.Message);
        }
    }

    [Fact]
    public void A_sum_that_overflows_is_not_a_weight_that_does() =>
        Assert.Equal(4, FiniteWeights.Check(full([4], 60000f, dtype: ScalarType.Float16), "here", "big").NumberOfElements);
}
