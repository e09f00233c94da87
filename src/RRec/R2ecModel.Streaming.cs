using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using RRec.Data;
using RRec.Generation;
using RRec.Text;
using TorchSharp;

namespace RRec;

/// <summary>A piece of an answer that is being written.</summary>
/// <param name="Text">What was written since the last piece; the pieces add up to the reasoning.</param>
/// <param name="Answer">The whole answer, with the last piece; null before.</param>
public readonly record struct RecommendationChunk(string Text, Recommendation? Answer);

public sealed partial class R2ecModel
{
    /// <summary>Answers one row and hands the reasoning out as it is written; the last piece brings the items.</summary>
    /// <param name="row">The history.</param>
    /// <param name="request">What is wanted, for one row; null: ten items.</param>
    /// <param name="cancel">Stops before the next token.</param>
    /// <exception cref="ArgumentException">As <see cref="Recommend"/>, or more than one sample is asked for.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async IAsyncEnumerable<RecommendationChunk> RecommendAsync(UserHistory row, RecommendRequest? request = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        request ??= new RecommendRequest();
        if (request.Samples > 1) throw new ArgumentException($"Samples is {request.Samples}: a streamed answer has one reasoning.", nameof(request));
        Channel<string> pieces = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        ReasoningText text = new(Tokenizer.CreateDecoder().Append, Tokenizer.DecodeIds(Writer.AnswerIds, false).Trim());
        ITokenSampler sampler = new Listener(request.Sampler ?? new TokenSampler(new GenerationOptions { Temperature = 0 }), id =>
        {
            if (text.Append(id) is { Length: > 0 } piece) pieces.Writer.TryWrite(piece);
        });
        RecommendRequest listened = request with { Sampler = sampler };
        Task<Recommendation> work = Task.Run(() =>
        {
            try
            {
                return Recommend([row], listened, stop.Token)[0];
            }
            finally
            {
                pieces.Writer.Complete();
            }
        }, CancellationToken.None);

        try
        {
            StringBuilder told = new();
            await foreach (string piece in pieces.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                cancel.ThrowIfCancellationRequested(); // what was written ahead is not handed out any more
                told.Append(piece);
                yield return new RecommendationChunk(piece, null);
            }

            cancel.ThrowIfCancellationRequested();
            Recommendation answer = await work.ConfigureAwait(false);
            string rest = answer.Reasoning.StartsWith(told.ToString(), StringComparison.Ordinal) ? answer.Reasoning[told.Length..] : "";
            yield return new RecommendationChunk(rest, answer);
        }
        finally
        {
            // Whoever stops listening stops the model too, and the model is free for the next call when this returns.
            if (!work.IsCompleted) await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed class Listener(ITokenSampler inner, Action<int> told) : ITokenSampler
    {
        public void Sample(torch.Tensor logits, ReadOnlySpan<double> noise, Span<int> ids)
        {
            inner.Sample(logits, noise, ids);
            told(ids[0]);
        }
    }
}

/// <summary>Text of a reasoning token by token, up to the token in which the answer marker begins: what might be its beginning is held back.</summary>
internal sealed class ReasoningText(Func<int, string> append, string stopText)
{
    private readonly List<string> _held = [];
    private bool _ended;

    /// <summary>Adds a token; returns what is sure to belong to the reasoning.</summary>
    public string Append(int id)
    {
        if (_ended) return "";
        _held.Add(append(id));
        string text = string.Concat(_held);
        int stop = text.IndexOf(stopText, StringComparison.Ordinal);
        _ended = stop >= 0;
        int sure = _ended ? stop : text.Length - LongestBeginning(text);

        // Whole tokens only: the token in which the marker begins is not part of the reasoning.
        int length = 0, tokens = 0;
        while (tokens < _held.Count && length + _held[tokens].Length <= sure) length += _held[tokens++].Length;
        _held.RemoveRange(0, tokens);
        return text[..length];
    }

    // How many of the last characters could be the beginning of the marker.
    private int LongestBeginning(string text)
    {
        for (int n = Math.Min(stopText.Length - 1, text.Length); n > 0; n--)
            if (stopText.AsSpan(0, n).SequenceEqual(text.AsSpan(text.Length - n))) return n;
        return 0;
    }
}
