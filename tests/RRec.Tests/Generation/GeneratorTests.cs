using RRec.Backbones;
using RRec.Generation;
using RRec.Tests.Backbones;
using TorchSharp;
using static TorchSharp.torch;
using TextGenerator = RRec.Generation.Generator;

namespace RRec.Tests.Generation;

/// <summary>On this processor's vectors.</summary>
public sealed class PackedGeneratorTests() : GeneratorTests(packed: true);

/// <summary>By the library's operators, as on a GPU.</summary>
public sealed class TensorGeneratorTests() : GeneratorTests(packed: false);

public abstract class GeneratorTests : IDisposable
{
    // A made-up vocabulary: ids below 20 are single letters, then pieces of the answer text, merged and not.
    private const int Open = 20, Word = 21, Close = 22, Merged = 23, Head = 24, Tail = 25, End = 1;
    private static readonly int[] Answer = [Open, Word, Close];
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Backbone _backbone;

    protected GeneratorTests(bool packed)
    {
        BackboneConfig config = BackboneConfig.Qwen2(50, 16, 24, 2, 4, 2, endOfSequenceId: End, padId: 0);
        manual_seed(2);
        _backbone = Backbone.Create(config, Backbone.ExpectedWeights(config).ToDictionary(w => w.Name, w => randn(w.Shape) * 0.5));
        _backbone.UsePacked = packed;
    }

    public void Dispose()
    {
        _backbone.Dispose();
        _scope.Dispose();
    }

    private static string Text(int id) => id switch
    {
        Open => "<", Word => "answer", Close => ">", Merged => ".<", Head => "<ans", Tail => "wer> and more", < 20 => ((char)('a' + id)).ToString(), _ => "?",
    };

    private TextGenerator Make(ITokenSampler? sampler = null) =>
        new(_backbone, Answer, "<answer>", () => Text, ids => string.Concat(ids.Select(Text))) { Sampler = sampler };

    /// <summary>Writes what the test says, row by row.</summary>
    private sealed class Script(params int[][] rows) : ITokenSampler
    {
        private readonly int[] _at = new int[rows.Length];

        // Rows are told apart by their noise: the tests give row r noise whose first digit is r.
        public void Sample(Tensor logits, ReadOnlySpan<double> noise, Span<int> ids)
        {
            Assert.Equal(noise.Length, logits.shape[0]);
            for (int i = 0; i < ids.Length; i++)
            {
                int row = Row(noise[i]);
                ids[i] = rows[row][_at[row]++];
            }
        }

        public Func<double, int> Row { get; init; } = _ => 0;
    }

    private Trajectory One(int[] prompt, int limit, params int[] script) =>
        Assert.Single(Make(new Script([script])).Generate([prompt], new GenerationOptions { MaxNewTokens = limit }));

    private void HasTheEmbeddingOfItsWholeRow(int[] prompt, Trajectory t)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using PaddedBatch row = PaddedBatch.FromRows([[.. prompt, .. t.CompletionIds]]);
        float[] expected = _backbone.LastHidden(row).data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], t.Embedding[i], 1e-4f);
    }

    [Theory]
    [InlineData(new[] { 5, 6, Open, Word, Close }, new[] { 5, 6 }, 5)]             // token for token the canonical answer: all of it is the model's own
    [InlineData(new[] { 5, 6, Merged, Word, Close }, new[] { 5, 6 }, 2)]           // ".<" begins the answer: dropped with its dot
    [InlineData(new[] { 5, 6, Head, Tail }, new[] { 5, 6 }, 2)]                    // split elsewhere, and text behind it
    [InlineData(new[] { Open, Word, Close }, new int[0], 3)]                       // no reasoning at all
    [InlineData(new[] { 5, Open, Word, 6, Open, Word, Close }, new[] { 5, Open, Word, 6 }, 7)]   // a false start
    [InlineData(new[] { 5, Open, Open, Word, Close }, new[] { 5, Open }, 5)]
    public void The_answers_text_ends_a_reasoning_however_it_is_spelt(int[] script, int[] reasoning, int own)
    {
        foreach (int[] prompt in new int[][] { [7, 8, 9, 10], [7] })
        {
            Trajectory t = One(prompt, 20, script);
            Assert.Equal(StopReason.Answer, t.Stop);
            Assert.Equal(reasoning, t.Ids);
            Assert.Equal([.. reasoning, .. Answer], t.CompletionIds);
            Assert.Equal(Enumerable.Range(0, t.CompletionIds.Length).Select(i => i < own), t.PolicyMask);
            Assert.Equal(string.Concat(reasoning.Select(Text)), t.Reasoning);
            HasTheEmbeddingOfItsWholeRow(prompt, t);
        }
    }

    [Fact]
    public void An_end_of_sequence_is_replaced_by_the_answer()
    {
        Trajectory t = One([7, 8, 9], 20, 5, 6, End);
        Assert.Equal(StopReason.EndOfSequence, t.Stop);
        Assert.Equal([5, 6], t.Ids);
        Assert.Equal([true, true, false, false, false], t.PolicyMask);
        HasTheEmbeddingOfItsWholeRow([7, 8, 9], t);
    }

    [Theory]
    [InlineData(3, new[] { 5, 6, 7 }, 3)]
    [InlineData(3, new[] { 5, Open, Word }, 3)]   // cut in the middle of an answer: what was written stays text, the answer follows whole
    [InlineData(0, new int[0], 0)]
    public void The_limit_ends_a_reasoning(int limit, int[] script, int own)
    {
        Trajectory t = One([7, 8, 9], limit, script);
        Assert.Equal(StopReason.Length, t.Stop);
        Assert.Equal(script, t.Ids);
        Assert.Equal([.. script, .. Answer], t.CompletionIds);
        Assert.Equal(own, t.PolicyMask.Count(x => x));
        HasTheEmbeddingOfItsWholeRow([7, 8, 9], t);
    }

    [Fact]
    public void An_answer_that_decodes_to_nothing_is_recognised_by_its_ids()
    {
        var generator = new TextGenerator(_backbone, [40, 41], "", () => _ => "", _ => "") { Sampler = new Script([5, 40, 6, 40, 41]) };
        Trajectory t = Assert.Single(generator.Generate([[7, 8]], new GenerationOptions { MaxNewTokens = 20 }));
        Assert.Equal([5, 40, 6], t.Ids);
        Assert.Equal(StopReason.Answer, t.Stop);
        HasTheEmbeddingOfItsWholeRow([7, 8], t);
    }

    [Fact]
    public void Trajectories_do_not_depend_on_the_batch_they_ran_in()
    {
        var random = new Random(4);
        int[][] prompts = [.. Enumerable.Range(0, 23).Select(_ => Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(26)).ToArray())];
        var options = new GenerationOptions { Temperature = 1.3, TopK = 20, TopP = 0.95, MaxNewTokens = 80, SamplesPerPrompt = 3, LogProbabilities = true };
        static ulong Key(int p, int s) => Noise.Key(9, (ulong)p, (ulong)s);
        IReadOnlyList<Trajectory> together = Make().Generate(prompts, options, Key);
        Assert.Equal(prompts.Length * 3, together.Count);
        Assert.True(together.Select(t => t.Ids.Length).Distinct().Count() > 5, "rows should end at different times, or this test says little");
        Assert.Contains(together, t => t.CompletionIds.Length > 64);   // beyond the cache's first allocation
        IReadOnlyList<Trajectory> small = Make().Generate(prompts, options with { MaxRows = 6 }, Key);
        for (int i = 0; i < together.Count; i++)
        {
            Trajectory alone = Make().Generate([prompts[i / 3]], options with { SamplesPerPrompt = 1 }, (_, _) => Key(i / 3, i % 3))[0];
            foreach (Trajectory other in new[] { alone, small[i] })
            {
                Assert.Equal(together[i].CompletionIds, other.CompletionIds);
                Assert.Equal(together[i].PolicyMask, other.PolicyMask);
                for (int j = 0; j < other.Embedding.Length; j++) Assert.Equal(together[i].Embedding[j], other.Embedding[j], 1e-4f);
            }
            Assert.Equal((i / 3, i % 3), (together[i].Prompt, together[i].Sample));
            HasTheEmbeddingOfItsWholeRow(prompts[i / 3], together[i]);
            HasItsLogProbabilities(prompts[i / 3], together[i]);
        }
    }

    private void HasItsLogProbabilities(int[] prompt, Trajectory t)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using PaddedBatch prompts = PaddedBatch.FromRows([prompt]), completions = PaddedBatch.FromRows([t.CompletionIds]);
        Tensor hidden = _backbone.HiddenShared(prompts, completions, [0])[0].narrow(0, 0, t.CompletionIds.Length);
        float[] expected = _backbone.TokenLogProbabilities(hidden, completions.Ids[0]).data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++)
        {
            if (t.PolicyMask[i]) Assert.Equal(expected[i], t.LogProbs![i], 1e-4);
            else Assert.True(double.IsNaN(t.LogProbs![i]));
        }
    }

    // Prompt p writes p % 9 + 2 tokens and ends; which prompt and which token it is, the noise tells.
    private sealed class Lengths(int prompts) : ITokenSampler
    {
        private readonly Dictionary<double, (int Prompt, int Token)> _of =
            (from p in Enumerable.Range(0, prompts) from t in Enumerable.Range(0, 20) select (p, t)).ToDictionary(x => Noise.Uniform((ulong)x.p * 77, x.t));

        public List<int> Rows { get; } = [];

        public void Sample(Tensor logits, ReadOnlySpan<double> noise, Span<int> ids)
        {
            Rows.Add(noise.Length);
            for (int i = 0; i < ids.Length; i++)
            {
                (int prompt, int token) = _of[noise[i]];
                ids[i] = token == prompt % 9 + 2 ? End : 3 + prompt % 15;
            }
        }
    }

    [Fact]
    public void New_prompts_take_the_places_of_rows_that_have_ended()
    {
        const int Prompts = 40, Places = 8;
        var sampler = new Lengths(Prompts);
        int[][] prompts = [.. Enumerable.Range(0, Prompts).Select(p => new[] { 7, 8, p % 20 })];
        IReadOnlyList<Trajectory> all = Make(sampler).Generate(prompts, new GenerationOptions { MaxNewTokens = 30, MaxRows = Places, Temperature = 1 }, (p, _) => (ulong)p * 77);
        for (int p = 0; p < Prompts; p++)
        {
            Assert.Equal(Enumerable.Repeat(3 + p % 15, p % 9 + 2), all[p].Ids);
            HasTheEmbeddingOfItsWholeRow(prompts[p], all[p]);
        }
        Assert.True(sampler.Rows.Max() <= Places);
        // Batch after batch, each as long as its longest row and its answer, would take 70 steps: here places do not wait for the longest.
        int chosen = all.Sum(t => t.Ids.Length + 1);
        Assert.Equal(chosen, sampler.Rows.Sum());
        Assert.True(sampler.Rows.Count < 1.15 * (chosen + Prompts * Answer.Length) / Places, $"{sampler.Rows.Count} steps for {chosen} tokens in {Places} places");
    }

    [Fact]
    public void A_delta_reaches_prompts_and_written_tokens_by_the_prompts_own_index()
    {
        int[][] prompts = [[7, 8], [7, 8, 9, 10, 11], [3]];
        Tensor tables = randn([prompts.Length, 50, 16]) * 0.3;
        Tensor Delta(Tensor ids, IReadOnlyList<int> rows) => stack(rows.Select((p, i) => tables[p].index_select(0, ids[i])));
        IReadOnlyList<Trajectory> all = Make().Generate(prompts, new GenerationOptions { MaxNewTokens = 8, SamplesPerPrompt = 2, Temperature = 1 }, delta: Delta);
        using IDisposable noGrad = no_grad();
        foreach (Trajectory t in all)
        {
            using PaddedBatch row = PaddedBatch.FromRows([[.. prompts[t.Prompt], .. t.CompletionIds]]);
            float[] expected = _backbone.LastHidden(row, Delta(row.Ids, [t.Prompt])).data<float>().ToArray();
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], t.Embedding[i], 1e-4f);
        }
    }

    [Fact]
    public void Only_the_given_tokens_are_written_with_probabilities_among_them()
    {
        int[] some = [9, 4, 17, 30], prompt = [7, 8, 2];
        var options = new GenerationOptions { MaxNewTokens = 6, SamplesPerPrompt = 8, Temperature = 1, LogProbabilities = true };
        IReadOnlyList<Trajectory> few = Make().Generate([prompt], options with { Tokens = some }, (_, s) => (ulong)s);
        Assert.All(few.SelectMany(t => t.Ids), id => Assert.Contains(id, some));
        Assert.True(few.SelectMany(t => t.Ids).Distinct().Count() > 1);
        // The same draws from the whole vocabulary, everything else closed.
        var closing = new Only(some, new TokenSampler(options));
        IReadOnlyList<Trajectory> closed = Make(closing).Generate([prompt], options, (_, s) => (ulong)s);
        using (no_grad())
            for (int s = 0; s < few.Count; s++)
            {
                using PaddedBatch row = PaddedBatch.FromRows([[.. prompt, .. few[s].Ids[..1]]]);
                using PaddedBatch before = PaddedBatch.FromRows([prompt]);
                Tensor logits = _backbone.Logits(_backbone.LastHidden(before)).index_select(1, tensor(some.Select(i => (long)i).ToArray()));
                Assert.Equal(logits.log_softmax(-1)[0, Array.IndexOf(some, few[s].Ids[0])].item<float>(), (float)few[s].LogProbs![0], 1e-4f);
            }
        Assert.All(closed.SelectMany(t => t.Ids), id => Assert.Contains(id, some));
        // A sampler of somebody else's still sees columns of the whole vocabulary.
        var watching = new Only(some, new TokenSampler(options));
        Make(watching).Generate([prompt], options with { Tokens = some }, (_, s) => (ulong)s);
        Assert.Equal(_backbone.Config.VocabularySize, watching.Columns);
    }

    private sealed class Only(int[] allowed, ITokenSampler inner) : ITokenSampler
    {
        public long Columns { get; private set; }

        public void Sample(Tensor logits, ReadOnlySpan<double> noise, Span<int> ids)
        {
            Columns = logits.shape[1];
            Tensor index = tensor(allowed.Select(i => (long)i).ToArray());
            inner.Sample(full_like(logits, float.NegativeInfinity).index_copy_(1, index, logits.index_select(1, index)), noise, ids);
        }
    }

    [Fact]
    public void Generation_can_be_cancelled_and_leaves_no_tensors_behind()
    {
        using var source = new CancellationTokenSource();
        int calls = 0;
        var generator = new TextGenerator(_backbone, Answer, "<answer>", () => id => { if (++calls == 5) source.Cancel(); return Text(id); }, _ => "") { Sampler = new Script([5, 6, 7, 8, 9, 10, 11, 12]) };
        using DisposeScope scope = NewDisposeScope();
        Assert.Throws<OperationCanceledException>(() => generator.Generate([[7, 8]], new GenerationOptions { MaxNewTokens = 50 }, cancellation: source.Token));
        Assert.Equal(5, calls);
        Make().Generate([[7, 8], [3]], new GenerationOptions { MaxNewTokens = 5 });
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void Options_report_all_violations_together()
    {
        var e = Assert.Throws<ArgumentException>(() => Make().Generate([[1]], new GenerationOptions { Temperature = -1, TopK = -1, TopP = 0, MaxNewTokens = -1, SamplesPerPrompt = 0 }));
        foreach (string name in new[] { "Temperature", "TopK", "TopP", "MaxNewTokens", "SamplesPerPrompt" }) Assert.Contains(name, e.Message);
        Assert.Contains("Prompt 1", Assert.Throws<ArgumentException>(() => Make().Generate([[1], []], new GenerationOptions())).Message);
    }
}
