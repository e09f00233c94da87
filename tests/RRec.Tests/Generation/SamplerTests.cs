using RRec.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Generation;

public class SamplerTests
{
    [Theory, InlineData(0, 1.0), InlineData(5, 1.0), InlineData(5, 0.7), InlineData(0, 0.7)]
    public void Tokens_are_drawn_as_often_as_their_probability_says(int topK, double topP)
    {
        using DisposeScope scope = NewDisposeScope();
        var options = new GenerationOptions { Temperature = 1.5, TopK = topK, TopP = topP };
        var sampler = new TokenSampler(options);
        float[] row = [1, 3, -2, 0.5f, 2, 2.5f, -1, 0, 1.5f, 0.25f, -0.5f, 1.25f];
        const int Draws = 20_000;
        Tensor logits = tensor(row).unsqueeze(0).expand(Draws, row.Length);
        double[] noise = [.. Enumerable.Range(0, Draws).Select(i => Noise.Uniform(Noise.Key(5), i))];
        var ids = new int[Draws];
        sampler.Sample(logits, noise, ids);
        double[] expected = sampler.Probabilities(row);
        Assert.Equal(1, expected.Sum(), 1e-9);
        for (int i = 0; i < row.Length; i++)
        {
            double share = ids.Count(x => x == i) / (double)Draws;
            if (expected[i] == 0) Assert.Equal(0, share);
            else Assert.True(Math.Abs(share - expected[i]) < 4 * Math.Sqrt(expected[i] * (1 - expected[i]) / Draws), $"token {i}: {share} for {expected[i]}");
        }
    }

    // A tensor whose rows lie apart goes through the library's operators, one whose rows are contiguous does not.
    [Theory, InlineData(0.0, 0, 1.0), InlineData(1.0, 0, 1.0), InlineData(2.0, 0, 1.0), InlineData(1.0, 50, 1.0), InlineData(1.0, 3, 0.8), InlineData(0.7, 0, 0.9)]
    public void Logits_in_host_memory_are_sampled_as_everywhere(double temperature, int topK, double topP)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(6);
        var sampler = new TokenSampler(new GenerationOptions { Temperature = temperature, TopK = topK, TopP = topP });
        foreach (int vocabulary in new[] { 60, 1000, 4099 })
        {
            Tensor wide = randn([300, vocabulary + 1]) * 3, view = wide.narrow(1, 0, vocabulary);
            view[0].fill_(float.NegativeInfinity);
            view[0, vocabulary / 2].fill_(1);
            double[] noise = [.. Enumerable.Range(0, 300).Select(i => Noise.Uniform(Noise.Key(8), i))];
            int[] plain = new int[300], here = new int[300];
            sampler.Sample(view, noise, plain);
            sampler.Sample(view.contiguous(), noise, here);
            Assert.Equal(vocabulary / 2, here[0]);
            Assert.Equal(plain, here);
        }
    }

    [Theory]
    [InlineData(0.0, 0, 1.0)]
    [InlineData(1.0, 0, 1.0)]
    [InlineData(2.0, 50, 1.0)]
    [InlineData(2.0, 50, 0.9)]
    [InlineData(1.0, 3, 0.3)]
    [InlineData(0.7, 0, 0.9)]
    [InlineData(1.0, 1, 1.0)]
    public void Operators_of_the_device_choose_what_the_host_chooses(double temperature, int topK, double topP)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(7);
        var sampler = new TokenSampler(new GenerationOptions { Temperature = temperature, TopK = topK, TopP = topP });
        foreach (int vocabulary in new[] { 40, 60, 1000, 4099 })
        {
            foreach (bool coarse in new[] { false, true })   // logits of bfloat16 tie by the dozen
            {
                Tensor logits = randn([300, vocabulary]) * (coarse ? 1 : 3);
                if (coarse) logits = logits.to(ScalarType.BFloat16).to(ScalarType.Float32);
                logits[0].fill_(float.NegativeInfinity);
                logits[0, vocabulary / 2].fill_(1);
                logits[1].fill_(2);   // all the same
                double[] noise = [.. Enumerable.Range(0, 300).Select(i => i == 2 ? 0 : i == 3 ? 1 - Math.Pow(2, -53) : Noise.Uniform(Noise.Key(8), i))];
                var host = new int[300];
                sampler.Sample(logits, noise, host);
                Tensor chosen = sampler.Sample(logits, tensor(noise));
                Assert.Equal(host.Select(i => (long)i), chosen.data<long>().ToArray());
                Assert.Equal(vocabulary / 2, host[0]);
            }
        }
    }

    [Fact]
    public void Many_tokens_tied_with_the_last_of_top_k_are_all_candidates()
    {
        using DisposeScope scope = NewDisposeScope();
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 1, TopK = 2 });
        float[] row = [.. Enumerable.Range(0, 40).Select(i => i == 7 ? 1f : i < 20 ? 0f : -1f)];
        double[] noise = [.. Enumerable.Range(0, 400).Select(i => i / 400.0)];
        var ids = new int[400];
        sampler.Sample(tensor(row).unsqueeze(0).expand(400, 40), noise, ids);
        Assert.Equal(Enumerable.Range(0, 20), ids.Distinct().Order());
    }

    [Fact]
    public void Temperature_zero_takes_the_best()
    {
        using DisposeScope scope = NewDisposeScope();
        var ids = new int[2];
        new TokenSampler(new GenerationOptions()).Sample(tensor(new float[,] { { 0, 3, 1 }, { 5, 3, 1 } }), [0.99, 0.99], ids);
        Assert.Equal([1, 0], ids);
    }

    [Fact]
    public void Noise_is_uniform_and_differs_by_every_part_of_its_key()
    {
        double[] x = [.. Enumerable.Range(0, 100_000).Select(i => Noise.Uniform(Noise.Key(1, 2, (ulong)(i / 100)), i % 100))];
        Assert.Equal(0.5, x.Average(), 0.005);
        Assert.Equal(1 / 12.0, x.Select(v => (v - 0.5) * (v - 0.5)).Average(), 0.001);
        Assert.Equal(x.Length, x.Distinct().Count());
        Assert.All(x, v => Assert.InRange(v, 0, 0.9999999999999999));
        Assert.NotEqual(Noise.Key(1, 2), Noise.Key(2, 1));
        Assert.NotEqual(Noise.Key(0), Noise.Key(0, 0));
    }
}
