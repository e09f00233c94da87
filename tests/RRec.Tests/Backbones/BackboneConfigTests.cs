using RRec.Backbones;

namespace RRec.Tests.Backbones;

public class BackboneConfigTests
{
    private static string Config(string extra = "", string type = "llama") =>
        $$"""{"model_type":"{{type}}","vocab_size":512,"hidden_size":64,"intermediate_size":176,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2{{extra}}}""";

    [Theory]
    [InlineData("gpt2", "")]
    [InlineData("qwen3_moe", "")]
    [InlineData("gemma3", "")]
    public void An_unknown_model_type_is_refused_by_name(string type, string extra)
    {
        var e = Assert.Throws<InvalidDataException>(() => BackboneConfig.Parse(Config(extra, type), "some/config.json"));
        Assert.Contains($"'{type}'", e.Message);
        Assert.Contains("some/config.json", e.Message);
    }

    [Theory]
    [InlineData(",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}", "yarn")]
    [InlineData(",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":4}", "dynamic")]
    [InlineData(",\"rope_parameters\":{\"rope_type\":\"longrope\"}", "longrope")]
    [InlineData(",\"rope_parameters\":{\"partial_rotary_factor\":0.5}", "partial_rotary_factor")]
    [InlineData(",\"layer_types\":[\"full_attention\",\"full_attention\",\"linear_attention\",\"full_attention\"]", "linear_attention")]
    [InlineData(",\"quantization_config\":{\"bits\":4}", "quantization_config")]
    [InlineData(",\"hidden_act\":\"relu\"", "relu")]
    [InlineData(",\"attention_bias\":true", "attention_bias")]
    [InlineData(",\"mlp_bias\":true", "mlp_bias")]
    [InlineData(",\"num_local_experts\":8", "num_local_experts")]
    [InlineData(",\"residual_multiplier\":0.22", "residual_multiplier")]
    [InlineData(",\"num_key_value_heads\":3", "num_key_value_heads")]
    [InlineData(",\"head_dim\":15", "head size")]
    [InlineData(",\"rms_norm_eps\":-1", "rms_norm_eps")]
    [InlineData(",\"num_hidden_layers\":100000", "num_hidden_layers")]
    [InlineData(",\"vocab_size\":\"512\"", "vocab_size")]
    public void A_feature_that_is_not_computed_is_refused_by_name(string extra, string named)
    {
        var e = Assert.Throws<InvalidDataException>(() => BackboneConfig.Parse(Config(extra), "config.json"));
        Assert.Contains(named, e.Message);
    }

    [Theory]
    [InlineData(",\"residual_multiplier\":1.0,\"rope_interleaved\":false,\"clip_qkv\":null,\"_name_or_path\":\"x\",\"unsloth_fixed\":true")]
    public void Keys_that_change_nothing_are_accepted(string extra) => BackboneConfig.Parse(Config(extra), "config.json");

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"model_type\":\"llama\"}")]
    public void Damaged_json_is_refused(string json) => Assert.Throws<InvalidDataException>(() => BackboneConfig.Parse(json, "config.json"));

    [Fact]
    public void Deep_json_is_refused() =>
        Assert.Throws<InvalidDataException>(() => BackboneConfig.Parse(Config(",\"x\":" + new string('[', 100_000) + new string(']', 100_000)), "config.json"));

    [Fact]
    public void Qwen2_slides_only_where_it_is_switched_on()
    {
        const string Window = ",\"sliding_window\":16,\"max_window_layers\":2";
        Assert.Null(BackboneConfig.Parse(Config(Window + ",\"use_sliding_window\":false", "qwen2"), "c").SlidingWindow);
        BackboneConfig on = BackboneConfig.Parse(Config(Window + ",\"use_sliding_window\":true", "qwen2"), "c");
        Assert.Equal(16, on.SlidingWindow);
        Assert.Equal([false, false, true, true], on.LayerSlides);
    }

    [Fact]
    public void Mistral_slides_in_all_layers_where_a_window_is_given()
    {
        Assert.Equal([true, true, true, true], BackboneConfig.Parse(Config(",\"sliding_window\":4096", "mistral"), "c").LayerSlides);
        Assert.Null(BackboneConfig.Parse(Config(",\"sliding_window\":null", "mistral"), "c").SlidingWindow);
    }

    [Fact]
    public void A_made_Qwen2_config_reads_back_as_itself()
    {
        BackboneConfig made = BackboneConfig.Qwen2(5000, 256, 512, 2, 8, 8, endOfSequenceId: 1, padId: 0);
        BackboneConfig read = BackboneConfig.Parse(made.ToJson(), "c");
        Assert.Equal((made.VocabularySize, made.HeadSize, made.TiedHead, made.PadId, made.NormEpsilon), (read.VocabularySize, read.HeadSize, read.TiedHead, read.PadId, read.NormEpsilon));
        Assert.Equal([1], read.EndOfSequenceIds);
    }
}
