using RRec.Backbones;

namespace RRec.Generation;

/// <summary>One row on its way: sampling, then fed the rest of the answer, then finished.</summary>
internal sealed class GenerationRow(int prompt, int sample, ulong noiseKey, int[] promptIds, int[] answerIds, StopDetector detector, bool wantLogProbs)
{
    private readonly List<double>? _logProbs = wantLogProbs ? [] : null;
    private int[] _completion = [];   // set when the row stops
    private int _reasoning;           // how many of them are the reasoning
    private int _own;                 // how many of them the model wrote
    private int _fedOfCompletion;
    private StopReason _stop;
    private int _sampled = promptIds[^1];

    /// <summary>The prompt's index.</summary>
    public int Prompt => prompt;

    public int Sample => sample;

    public bool Stopped { get; private set; }

    public float[]? Embedding { get; set; }

    /// <summary>Where the next token goes.</summary>
    public int Position { get; private set; } = promptIds.Length - 1;

    /// <summary>Whether the token just fed was the completion's last.</summary>
    public bool FedAll => Stopped && _fedOfCompletion == _completion.Length;

    public int Sampled => detector.Ids.Count;

    /// <summary>What its next token is drawn with, or one of those after it.</summary>
    public double NextNoise(int ahead = 0) => Noise.Uniform(noiseKey, Sampled + ahead);

    /// <summary>How many steps the host can plan for it: to the limit, or to the end of its answer.</summary>
    public int StepsLeft(int limit) => Stopped ? _completion.Length - _fedOfCompletion : Math.Max(1, limit - Sampled);

    /// <summary>The token to feed some steps from now; what is fed behind the end of an answer is nobody's business.</summary>
    public long Planned(int ahead)
    {
        if (!Stopped) return ahead == 0 ? _sampled : StepsAhead.Sampled;
        return _completion[Math.Min(_fedOfCompletion + ahead, _completion.Length - 1)];
    }

    /// <summary>The token to feed: the prompt's last, then the newest sampled one, then those of the completion.</summary>
    public long Next => Stopped ? _completion[_fedOfCompletion] : _sampled;

    /// <summary>Called after every step in which the row took part.</summary>
    public void Fed()
    {
        Position++;
        if (Stopped) _fedOfCompletion++;
    }

    /// <summary>Takes a sampled token. Where it ends the reasoning, returns how many of the fed sampled tokens stay visible; else -1.</summary>
    public int Take(int id, double logProb, bool endOfSequence, int limit)
    {
        _logProbs?.Add(logProb);
        _sampled = id;
        if (endOfSequence) return Stop(Sampled, StopReason.EndOfSequence, 0);
        int begins = detector.Append(id);
        if (begins >= 0) return Stop(begins, StopReason.Answer, 1);
        return Sampled >= limit ? Stop(Sampled, StopReason.Length, 1) : -1;
    }

    /// <summary>Ends a reasoning of no tokens: the limit is 0.</summary>
    public void StopAtOnce() => Stop(0, StopReason.Length, 0);

    // unfed: how many of the sampled tokens have not been fed yet (the newest, unless it was an end of sequence, which is never fed).
    private int Stop(int reasoning, StopReason why, int unfed)
    {
        IReadOnlyList<int> ids = detector.Ids;
        _completion = [.. ids.Take(reasoning), .. answerIds];
        _reasoning = reasoning;
        _stop = why;
        Stopped = true;
        // What the model wrote of the answer itself, token for token, need not be fed again, except for the last: its hidden state is wanted.
        _own = 0;
        while (_own < ids.Count && _own < _completion.Length && ids[_own] == _completion[_own]) _own++;
        int keep = Math.Min(Math.Min(_own, ids.Count - unfed), _completion.Length - 1);
        _fedOfCompletion = keep;
        Position = promptIds.Length + keep;
        return keep;
    }

    public Trajectory ToTrajectory(Func<int[], string> toText)
    {
        int[] ids = _completion[.._reasoning];
        double[]? logProbs = null;
        if (_logProbs is not null)
        {
            logProbs = new double[_completion.Length];
            for (int i = 0; i < logProbs.Length; i++) logProbs[i] = i < _own ? _logProbs[i] : double.NaN;
        }
        return new Trajectory
        {
            Prompt = prompt, Sample = sample, Ids = ids, CompletionIds = _completion, PolicyMask = [.. _completion.Select((_, i) => i < _own)],
            Reasoning = ids.Length == 0 ? "" : toText(ids), Embedding = Embedding!, LogProbs = logProbs, Stop = _stop,
        };
    }
}
