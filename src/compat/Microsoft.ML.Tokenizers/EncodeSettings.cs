namespace Microsoft.ML.Tokenizers;

/// <summary>How to encode: which steps to take, and how many tokens at most.</summary>
public struct EncodeSettings
{
    public EncodeSettings() { }

    public bool ConsiderPreTokenization { get; set; }

    public bool ConsiderNormalization { get; set; }

    public int MaxTokenCount { get; set; } = int.MaxValue;
}
