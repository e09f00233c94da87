using System.Diagnostics;
using System.Text;
using RRec.Backbones;

namespace RRec.Tests.Backbones;

/// <summary>Whatever a config.json says, it is a config or a clear refusal, at once.</summary>
public class HostileConfigTests
{
    private static readonly string[] Good =
    [
        """{"model_type":"llama","vocab_size":320,"hidden_size":64,"intermediate_size":96,"num_hidden_layers":3,"num_attention_heads":4,"num_key_value_heads":2,"rope_theta":500000.0,"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192},"rms_norm_eps":1e-05,"eos_token_id":[1,2]}""",
        """{"model_type":"gemma2","vocab_size":320,"hidden_size":64,"intermediate_size":96,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":16,"layer_types":["sliding_attention","full_attention"],"sliding_window":8,"attn_logit_softcapping":50.0,"query_pre_attn_scalar":16,"hidden_activation":"gelu_pytorch_tanh"}""",
        """{"model_type":"qwen2","vocab_size":320,"hidden_size":64,"intermediate_size":96,"num_hidden_layers":4,"num_attention_heads":4,"use_sliding_window":true,"max_window_layers":1,"sliding_window":4,"rope_parameters":{"rope_type":"default","rope_theta":10000.0},"tie_word_embeddings":true}""",
    ];

    // What people and fuzzers put where a number was.
    private static readonly string[] Odd = ["null", "-1", "0", "1e308", "1e999", "2147483648", "99999999999999999999", "0.5", "\"x\"", "[]", "{}", "[[1]]", "true", "NaN", "\"\\ud800\""];

    [Fact]
    public void Damaged_configs_are_read_or_refused_in_words_and_quickly()
    {
        var random = new Random(17);
        var clock = Stopwatch.StartNew();
        int read = 0, refused = 0;
        for (int i = 0; i < 6000; i++)
        {
            string text = Good[i % Good.Length];
            string damaged = (i % 4) switch
            {
                0 => text[..random.Next(text.Length)],
                1 => Replace(text, random),
                _ => Flip(text, random),
            };
            try
            {
                BackboneConfig config = BackboneConfig.Parse(damaged, "some/config.json");
                // What was accepted can be computed with: shapes are listed, frequencies are numbers.
                Assert.All(Backbone.ExpectedWeights(config).Take(50), e => Assert.All(e.Shape, n => Assert.True(n > 0)));
                Assert.All(config.Rope.InverseFrequencies(config.HeadSize), f => Assert.True(float.IsFinite(f), damaged));
                read++;
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith("some/config.json", e.Message);
                refused++;
            }
        }
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"took {clock.Elapsed}");
        Assert.True(read > 100 && refused > 1000, $"{read} read, {refused} refused");
    }

    [Theory]
    [InlineData("num_hidden_layers", "2147483647")]
    [InlineData("vocab_size", "2147483647")]
    [InlineData("hidden_size", "2147483647")]
    [InlineData("num_attention_heads", "2147483647")]
    [InlineData("num_key_value_heads", "2147483647")]
    [InlineData("intermediate_size", "2147483647")]
    public void Sizes_that_no_model_has_are_refused_before_anything_is_set_aside(string key, string value)
    {
        string json = System.Text.RegularExpressions.Regex.Replace(Good[0], $"\"{key}\":\\d+", $"\"{key}\":{value}");
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => BackboneConfig.Parse(json, "config.json"));
        Assert.Contains(key, e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static string Replace(string text, Random random)
    {
        int[] colons = [.. Enumerable.Range(0, text.Length).Where(i => text[i] == ':')];
        int from = colons[random.Next(colons.Length)] + 1, to = text.IndexOfAny([',', '}'], from);
        return text[..from] + Odd[random.Next(Odd.Length)] + text[to..];
    }

    private static string Flip(string text, Random random)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int n = random.Next(1, 4); n > 0; n--)
            bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)"0123456789[]{},:\"-.eE"[random.Next(21)];
        return Encoding.UTF8.GetString(bytes);
    }
}
