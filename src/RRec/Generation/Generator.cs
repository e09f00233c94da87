using RRec.Backbones;
using RRec.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Generation;

/// <summary>
/// Writes reasonings. Each prompt is prefilled once and fanned out to its samples; prompts of similar length run together; rows that have
/// ended leave, and waiting prompts take their places. When a row begins its answer, ends its text or reaches the limit, it is fed the canonical answer ids in the same running
/// batch, so that the embedding of the last answer token needs no further pass.
/// </summary>
public sealed class Generator
{
    private readonly Backbone _backbone;
    private readonly int[] _answerIds;
    private readonly string _stopText;
    private readonly Func<Func<int, string>> _newDecoder;
    private readonly Func<int[], string> _toText;

    /// <summary>A generator whose trajectories end with the writer's answer ids.</summary>
    public Generator(Backbone backbone, HuggingFaceTokenizer tokenizer, PromptWriter writer) : this(backbone, tokenizer, writer.AnswerIds) { }

    /// <summary>A generator whose trajectories end with the given answer ids; the text they decode to is what stops a reasoning.</summary>
    /// <param name="backbone">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="answerIds">At least one id.</param>
    public Generator(Backbone backbone, HuggingFaceTokenizer tokenizer, int[] answerIds)
        : this(backbone, answerIds, tokenizer.DecodeIds(answerIds, false).Trim(), () => tokenizer.CreateDecoder().Append, ids => tokenizer.DecodeIds(ids, true)) { }

    internal Generator(Backbone backbone, int[] answerIds, string stopText, Func<Func<int, string>> newDecoder, Func<int[], string> toText)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        if (answerIds.Length == 0) throw new ArgumentException("At least one answer id is needed: the embedding is read at the last of them.", nameof(answerIds));
        (_backbone, _answerIds, _stopText, _newDecoder, _toText) = (backbone, answerIds, stopText, newDecoder, toText);
    }

    /// <summary>Replaces the sampler that the options describe; null: that one.</summary>
    public ITokenSampler? Sampler { get; init; }

    /// <summary>Writes <see cref="GenerationOptions.SamplesPerPrompt"/> reasonings for each prompt.</summary>
    /// <param name="prompts">Token ids, none empty.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="noiseKey">From (prompt, sample) to the key of its random numbers; see <see cref="Noise.Key"/>. Not called when greedy. Null: keys made of the two indexes.</param>
    /// <param name="cancellation">Checked before every token.</param>
    /// <param name="delta">Added to the input embeddings (of prompts and of what is written); its row indexes are indexes into <paramref name="prompts"/>.</param>
    /// <returns>Prompt by prompt, sample by sample.</returns>
    public IReadOnlyList<Trajectory> Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, Func<int, int, ulong>? noiseKey = null,
        CancellationToken cancellation = default, EmbeddingDelta? delta = null)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options.Validate();
        for (int i = 0; i < prompts.Count; i++)
            if (prompts[i].Length == 0) throw new ArgumentException($"Prompt {i} is empty.", nameof(prompts));
        noiseKey ??= (prompt, sample) => Noise.Key((ulong)prompt, (ulong)sample);
        using IDisposable noGrad = no_grad();
        var result = new Trajectory[prompts.Count * options.SamplesPerPrompt];
        ITokenSampler sampler = Sampler ?? new TokenSampler(options);
        using DisposeScope scope = NewDisposeScope();
        using var run = new GenerationRun(_backbone, prompts, options, sampler, delta, NewRow, prompt => Bytes(prompts[prompt].Length, options));
        run.Run(row => result[row.Prompt * options.SamplesPerPrompt + row.Sample] = row.ToTrajectory(_toText), cancellation);
        return result;

        GenerationRow NewRow(int prompt, int sample) => new(prompt, sample, options.Temperature == 0 ? 0 : noiseKey(prompt, sample), prompts[prompt], _answerIds,
            new StopDetector(_newDecoder(), _stopText, _answerIds), options.LogProbabilities);
    }

    // Keys and values of prompt and samples, and the prefill's activations.
    private long Bytes(int promptLength, GenerationOptions options)
    {
        BackboneConfig c = _backbone.Config;
        long size = _backbone.Type is ScalarType.Float32 ? 4 : _backbone.Type is ScalarType.Float64 ? 8 : 2;
        long perToken = 2L * c.Layers * c.KeyValueHeads * c.HeadSize * size;
        long keys = perToken * (promptLength + (long)options.SamplesPerPrompt * (options.MaxNewTokens + _answerIds.Length + 1));
        long prefill = promptLength * size * (3L * c.IntermediateSize + 6L * c.HiddenSize) + (long)c.Heads * promptLength * promptLength * size * 2;
        long logits = 2L * sizeof(float) * c.VocabularySize * options.SamplesPerPrompt;
        return Math.Max(1, keys + Math.Max(prefill, logits));
    }
}
