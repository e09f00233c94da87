using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Rows that are being written, one token per row and step. Prompts enter at any time, each prefilled once for all of its rows; rows leave when they are done. The
/// first token a row is fed is its prompt's last. Rows are numbered in the order in which they came, those that have left not counted.
/// </summary>
internal abstract class Decoding : IDisposable
{
    /// <summary>How many rows there are.</summary>
    public abstract int Rows { get; }

    /// <summary>Prefills prompts, none empty, and appends rows for each.</summary>
    /// <param name="prompts">Token ids.</param>
    /// <param name="indexes">What each prompt is called where an <see cref="EmbeddingDelta"/> asks for it.</param>
    /// <param name="each">Rows per prompt.</param>
    public abstract void Enter(IReadOnlyList<int[]> prompts, IReadOnlyList<int> indexes, int each);

    /// <summary>Feeds one token per row and returns their hidden states [rows, hidden], single precision.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="positions">Where they stand.</param>
    public abstract Tensor Step(ReadOnlySpan<long> tokens, ReadOnlySpan<int> positions);

    /// <summary>Next-token logits of hidden states [n, hidden]: [n, vocabulary] in single precision. Valid until the next call.</summary>
    public abstract Tensor Logits(Tensor hidden);

    /// <summary>Takes back what a row was fed, up to its first <paramref name="kept"/> tokens (the prompt's last counted).</summary>
    public abstract void Truncate(int row, int kept);

    /// <summary>Keeps some rows, listed in ascending order; the others leave.</summary>
    public abstract void Keep(int[] rows);

    /// <summary>Whether <see cref="Ahead"/> works here.</summary>
    public virtual bool RunsAhead => false;

    /// <summary>Feeds each row several tokens, the unknown ones sampled from the step before, and says nothing to the host until all are done.</summary>
    public virtual StepsTaken Ahead(StepsAhead plan) => throw new NotSupportedException();

    public abstract void Dispose();
}

/// <summary>Some steps of all rows, as far as the host can know them beforehand. Indexes are [step, row], row by row within a step.</summary>
/// <param name="Steps">How many; 1 or more.</param>
/// <param name="Tokens">Token ids; <see cref="Sampled"/> where it is what the row samples in the step before.</param>
/// <param name="Positions">Where they stand.</param>
/// <param name="Noise">What is drawn with in each step; not read where <paramref name="Sample"/> is null.</param>
/// <param name="Wanted">Whose hidden states the host wants, in ascending order of the steps.</param>
/// <param name="Sample">From logits [rows, vocabulary] and noise [rows], double precision, to tokens [rows], by operators of the device. Null: nobody samples.</param>
/// <param name="Allowed">The only tokens that logits are made for, where the weights are; what <paramref name="Sample"/> gives are then columns among them. Null: all.</param>
/// <param name="LogProbabilities">Whether those of the sampled tokens are wanted.</param>
internal sealed record StepsAhead(int Steps, long[] Tokens, int[] Positions, double[] Noise, IReadOnlyList<(int Step, int Row)> Wanted, Func<Tensor, Tensor, Tensor>? Sample, Tensor? Allowed, bool LogProbabilities)
{
    public const long Sampled = -1;
}

/// <summary>What came of them.</summary>
/// <param name="Ids">The tokens sampled behind each step, [step, row]; empty where nobody samples.</param>
/// <param name="LogProbs">Their log-probabilities at temperature 1; empty where they were not wanted.</param>
/// <param name="Hidden">The hidden states that were wanted, single precision.</param>
internal sealed record StepsTaken(int[] Ids, double[] LogProbs, float[][] Hidden);
