using RRec.Backbones;
using RRec.Generation;
using RRec.Tests.Backbones;
using TorchSharp;
using static TorchSharp.torch;
using TextGenerator = RRec.Generation.Generator;

namespace RRec.Tests.Generation;

/// <summary>The way of a GPU, on the CPU: tokens are chosen by operators of the device, and the host looks once a block. The reference is the loop in which it looks at each.</summary>
public sealed class RunningAheadTests : IDisposable
{
    private const int End = 1;
    private static readonly int[] Answer = [20, 36];
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Many spell the answer, so that a net of random weights begins one now and then.
    private static string Text(int id) => id switch { < 20 => ((char)('a' + id)).ToString(), < 27 => "<", < 30 => ".<", < 36 => "?", < 44 => "answer>", _ => "-" };

    private static TextGenerator Make(Backbone backbone) => new(backbone, Answer, "<answer>", () => Text, ids => string.Concat(ids.Select(Text)));

    private static Backbone Net(ScalarType type = ScalarType.Float32)
    {
        BackboneConfig config = BackboneConfig.Qwen2(50, 16, 24, 2, 4, 2, endOfSequenceId: End, padId: 0);
        manual_seed(2);
        Backbone net = Backbone.Create(config, Backbone.ExpectedWeights(config).ToDictionary(w => w.Name, w => randn(w.Shape) * 0.5), dtype: type);
        net.UsePacked = false;
        return net;
    }

    private static int[][] Prompts(int count)
    {
        var random = new Random(4);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(26)).ToArray())];
    }

    private static ulong Key(int prompt, int sample) => Noise.Key(9, (ulong)prompt, (ulong)sample);

    private static void Same(IReadOnlyList<Trajectory> expected, IReadOnlyList<Trajectory> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].CompletionIds, actual[i].CompletionIds);
            Assert.Equal(expected[i].PolicyMask, actual[i].PolicyMask);
            Assert.Equal((expected[i].Prompt, expected[i].Sample, expected[i].Stop, expected[i].Reasoning), (actual[i].Prompt, actual[i].Sample, actual[i].Stop, actual[i].Reasoning));
            for (int j = 0; j < expected[i].Embedding.Length; j++) Assert.Equal(expected[i].Embedding[j], actual[i].Embedding[j], 1e-4f);
            if (expected[i].LogProbs is not { } logProbs) continue;
            for (int j = 0; j < logProbs.Length; j++) Assert.Equal(logProbs[j], actual[i].LogProbs![j], 1e-4);
        }
    }

    [Theory]
    [InlineData(0.0, 0, 1.0)]
    [InlineData(1.3, 0, 1.0)]
    [InlineData(1.3, 20, 1.0)]
    [InlineData(1.3, 20, 0.95)]
    [InlineData(1.3, 0, 0.95)]
    public void Whatever_the_block_rows_write_what_they_would_if_the_host_looked_at_every_token(double temperature, int topK, double topP)
    {
        using Backbone net = Net();
        int[][] prompts = Prompts(19);
        var options = new GenerationOptions { Temperature = temperature, TopK = topK, TopP = topP, MaxNewTokens = 70, SamplesPerPrompt = 3, LogProbabilities = true, StepsAhead = 0 };
        IReadOnlyList<Trajectory> expected = Make(net).Generate(prompts, options, Key);
        if (temperature > 0)
        {
            Assert.True(expected.Select(t => t.Ids.Length).Distinct().Count() > 5, "rows should end at different times, or this test says little");
            Assert.Contains(expected, t => t.Stop == StopReason.EndOfSequence);
        }
        foreach (int block in new[] { 1, 4, 16 })
        {
            Same(expected, Make(net).Generate(prompts, options with { StepsAhead = block }, Key));
            Same(expected, Make(net).Generate(prompts, options with { StepsAhead = block, MaxRows = 9 }, Key));   // others enter when rows have ended
        }
    }

    [Fact]
    public void Every_way_to_end_a_reasoning_is_met_inside_a_block()
    {
        using Backbone net = Net();
        int[][] prompts = Prompts(300);
        var options = new GenerationOptions { Temperature = 2, MaxNewTokens = 21, StepsAhead = 0 };
        IReadOnlyList<Trajectory> expected = Make(net).Generate(prompts, options, Key);
        Assert.Equal(3, expected.Select(t => t.Stop).Distinct().Count());
        Assert.Contains(expected, t => t.Stop == StopReason.Answer && t.PolicyMask.Contains(false));   // spelt otherwise, or with a character before it
        Same(expected, Make(net).Generate(prompts, options with { StepsAhead = 16 }, Key));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void A_short_limit_needs_no_more_steps_than_tokens(int limit)
    {
        using Backbone net = Net();
        var options = new GenerationOptions { Temperature = 1, MaxNewTokens = limit, SamplesPerPrompt = 2, LogProbabilities = true, StepsAhead = 0 };
        IReadOnlyList<Trajectory> expected = Make(net).Generate(Prompts(7), options, Key);
        Same(expected, Make(net).Generate(Prompts(7), options with { StepsAhead = 16 }, Key));
        Same(expected, Make(net).Generate(Prompts(7), options with { StepsAhead = 16, MaxRows = 4 }, Key));
    }

    [Fact]
    public void In_bfloat16_blocks_change_nothing()
    {
        using Backbone net = Net(ScalarType.BFloat16);
        // An answer of one token nobody draws, so that all rows run to the limit: then both ways multiply the same numbers.
        var generator = new TextGenerator(net, [49, 48], "", () => _ => "", _ => "");
        var options = new GenerationOptions { Temperature = 1, TopK = 10, MaxNewTokens = 40, SamplesPerPrompt = 2, IgnoreEndOfSequence = true, StepsAhead = 0 };
        IReadOnlyList<Trajectory> expected = generator.Generate(Prompts(5), options, Key);
        Assert.All(expected, t => Assert.Equal(40, t.Ids.Length));
        foreach (int block in new[] { 1, 4, 16 })
            Assert.Equal(expected.Select(t => t.Ids), generator.Generate(Prompts(5), options with { StepsAhead = block }, Key).Select(t => t.Ids));
    }

    [Fact]
    public void Where_only_some_tokens_are_allowed_the_device_chooses_among_them()
    {
        using Backbone net = Net();
        int[] allowed = [4, 9, 36, 20, End, 12, 17, 40];
        var options = new GenerationOptions { Temperature = 1.5, MaxNewTokens = 30, SamplesPerPrompt = 2, Tokens = allowed, LogProbabilities = true, StepsAhead = 0 };
        IReadOnlyList<Trajectory> expected = Make(net).Generate(Prompts(9), options, Key);
        Assert.Subset(allowed.ToHashSet(), expected.SelectMany(t => t.Ids).ToHashSet());
        Same(expected, Make(net).Generate(Prompts(9), options with { StepsAhead = 16 }, Key));
    }

    [Fact]
    public void A_delta_reaches_the_tokens_of_a_block()
    {
        using Backbone net = Net();
        int[][] prompts = Prompts(9);
        Tensor tables = randn([prompts.Length, 50, 16]) * 0.3;
        Tensor Delta(Tensor ids, IReadOnlyList<int> rows) => stack(rows.Select((p, i) => tables[p].index_select(0, ids[i])));
        var options = new GenerationOptions { Temperature = 1, MaxNewTokens = 30, SamplesPerPrompt = 2, StepsAhead = 0 };
        IReadOnlyList<Trajectory> expected = Make(net).Generate(prompts, options, Key, delta: Delta);
        Same(expected, Make(net).Generate(prompts, options with { StepsAhead = 16 }, Key, delta: Delta));
        Same(expected, Make(net).Generate(prompts, options with { StepsAhead = 16, MaxRows = 6 }, Key, delta: Delta));
    }

    [Fact]
    public void The_host_and_the_device_cross_a_few_times_a_block_and_never_a_token()
    {
        using Backbone net = Net();
        int[][] prompts = Prompts(12);
        var options = new GenerationOptions { Temperature = 1.3, TopK = 20, TopP = 0.95, MaxNewTokens = 64, SamplesPerPrompt = 2, LogProbabilities = true, StepsAhead = 0 };
        (long _, long everyToken) = Crossings(options);
        Assert.True(everyToken >= 64, "the other loop is expected to look at every token");
        foreach (int rows in new[] { 24, 8 })
        {
            (long uploads, long reads) = Crossings(options with { StepsAhead = 16, MaxRows = rows });
            // Behind 64 tokens come 2 of the answer: 5 blocks for all rows together. Blocks are counted by their one read.
            Assert.True(reads <= (rows == 24 ? 5 : 5 * 3 + 2), $"{reads} reads");
            // A block sends what is planned and, once rows have ended, what is masked; where rows leave or enter: their places and the prompts' tokens and lengths.
            Assert.True(uploads <= 8 * reads, $"{uploads} uploads for {reads} blocks");
        }

        (long Uploads, long Reads) Crossings(GenerationOptions o)
        {
            (long uploads, long reads) = HostTensors.Crossings;
            Make(net).Generate(prompts, o, Key);
            return (HostTensors.Crossings.Uploads - uploads, HostTensors.Crossings.Reads - reads);
        }
    }

    [Fact]
    public void Generation_in_blocks_leaves_no_tensors_behind()
    {
        using Backbone net = Net();
        using DisposeScope scope = NewDisposeScope();
        Make(net).Generate(Prompts(9), new GenerationOptions { Temperature = 1.3, MaxNewTokens = 40, SamplesPerPrompt = 2, MaxRows = 6, StepsAhead = 16 }, Key);
        Assert.Equal(0, scope.DisposablesCount);
    }
}
