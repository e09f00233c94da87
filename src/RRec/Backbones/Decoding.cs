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

    public abstract void Dispose();
}
