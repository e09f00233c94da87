namespace RRec.Generation;

/// <summary>Why a reasoning ended.</summary>
public enum StopReason
{
    /// <summary>The model began its answer.</summary>
    Answer,

    /// <summary>The model ended the text.</summary>
    EndOfSequence,

    /// <summary>The limit of new tokens was reached.</summary>
    Length,
}

/// <summary>
/// One sampled reasoning, closed by the canonical answer tokens. Everything stays in id space (recpo-reference O10): what the model wrote
/// up to the token in which the answer text begins, then the answer tokens as the prompt writer encodes them. A token that holds
/// characters before the answer text (as in <c>.&lt;</c>) is dropped with them: keeping it would leave a stray <c>&lt;</c>, and splitting it
/// would put ids into the trajectory that the policy never chose.
/// </summary>
public sealed class Trajectory
{
    /// <summary>The index of the prompt it continues.</summary>
    public required int Prompt { get; init; }

    /// <summary>Which of the prompt's samples it is, from 0.</summary>
    public required int Sample { get; init; }

    /// <summary>The sampled ids before the token where the answer begins. An end-of-sequence id is not among them.</summary>
    public required int[] Ids { get; init; }

    /// <summary><see cref="Ids"/> and the answer ids.</summary>
    public required int[] CompletionIds { get; init; }

    /// <summary>Per completion id: did the model write it itself? Answer ids that were appended do not count (O22).</summary>
    public required bool[] PolicyMask { get; init; }

    /// <summary><see cref="Ids"/> as text, special tokens left out.</summary>
    public required string Reasoning { get; init; }

    /// <summary>The hidden state at the last answer token, [hidden], from the generating pass itself.</summary>
    public required float[] Embedding { get; init; }

    /// <summary>Per completion id: its log-probability at temperature 1, NaN where the model did not write it. Null unless asked for.</summary>
    public double[]? LogProbs { get; init; }

    /// <summary>Why it ended.</summary>
    public required StopReason Stop { get; init; }
}
