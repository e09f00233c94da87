using System.Buffers;

namespace Microsoft.ML.Tokenizers;

/// <summary>
/// The published abstract tokenizer: a family of public encoders that all end in one protected method, <c>EncodeToTokens</c>. Whoever
/// derives from it overrides that, the span form of <c>Decode</c>, and whatever it can do faster.
/// </summary>
public abstract class Tokenizer
{
    protected Tokenizer() { }

    public virtual Normalizer? Normalizer => null;

    public virtual PreTokenizer? PreTokenizer => null;

    protected abstract EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings);

    protected virtual EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        EncodeResults<EncodedToken> tokens = EncodeToTokens(text, textSpan, settings);
        var ids = new int[tokens.Tokens.Count];
        for (int i = 0; i < ids.Length; i++) ids[i] = tokens.Tokens[i].Id;
        return new EncodeResults<int> { Tokens = ids, NormalizedText = tokens.NormalizedText, CharsConsumed = tokens.CharsConsumed };
    }

    protected virtual int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToTokens(text, textSpan, settings).Tokens.Count;

    protected virtual int GetIndexByTokenCount(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd,
                                               out string? normalizedText, out int tokenCount)
    {
        int limit = settings.MaxTokenCount;
        if (limit <= 0)
            throw new ArgumentOutOfRangeException(nameof(settings), $"The maximum number of tokens must be greater than 0, not {limit}.");
        settings.MaxTokenCount = int.MaxValue;
        EncodeResults<EncodedToken> all = EncodeToTokens(text, textSpan, settings);
        normalizedText = all.NormalizedText;
        IReadOnlyList<EncodedToken> tokens = all.Tokens;
        tokenCount = Math.Min(limit, tokens.Count);
        if (!fromEnd) return tokenCount > 0 ? tokens[tokenCount - 1].Offset.End.Value : 0;
        return tokenCount > 0 ? tokens[tokens.Count - tokenCount].Offset.Start.Value : 0;
    }

    public IReadOnlyList<EncodedToken> EncodeToTokens(string text, out string? normalizedText, bool considerPreTokenization = true,
                                                      bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeResults<EncodedToken> result = EncodeToTokens(text, text, Settings(considerPreTokenization, considerNormalization));
        normalizedText = result.NormalizedText;
        return result.Tokens;
    }

    public IReadOnlyList<EncodedToken> EncodeToTokens(ReadOnlySpan<char> text, out string? normalizedText, bool considerPreTokenization = true,
                                                      bool considerNormalization = true)
    {
        EncodeResults<EncodedToken> result = EncodeToTokens(null, text, Settings(considerPreTokenization, considerNormalization));
        normalizedText = result.NormalizedText;
        return result.Tokens;
    }

    public IReadOnlyList<int> EncodeToIds(string text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(text, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(string text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
                                          bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return EncodeUpTo(text, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), out normalizedText, out charsConsumed);
    }

    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
                                          bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeUpTo(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), out normalizedText, out charsConsumed);

    private IReadOnlyList<int> EncodeUpTo(string? text, ReadOnlySpan<char> span, EncodeSettings settings, out string? normalizedText, out int charsConsumed)
    {
        EncodeResults<int> result = EncodeToIds(text, span, settings);
        normalizedText = result.NormalizedText;
        charsConsumed = result.CharsConsumed;
        return result.Tokens;
    }

    public int CountTokens(string text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return CountTokens(text, text, Settings(considerPreTokenization, considerNormalization));
    }

    public int CountTokens(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        CountTokens(null, text, Settings(considerPreTokenization, considerNormalization));

    public int GetIndexByTokenCount(string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
                                    bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return GetIndexByTokenCount(text, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: false,
                                    out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCount(ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int tokenCount,
                                    bool considerPreTokenization = true, bool considerNormalization = true) =>
        GetIndexByTokenCount(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: false,
                             out normalizedText, out tokenCount);

    public int GetIndexByTokenCountFromEnd(string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
                                           bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return GetIndexByTokenCount(text, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: true,
                                    out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCountFromEnd(ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int tokenCount,
                                           bool considerPreTokenization = true, bool considerNormalization = true) =>
        GetIndexByTokenCount(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount), fromEnd: true,
                             out normalizedText, out tokenCount);

    public virtual string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        IReadOnlyList<int> list = ids as IReadOnlyList<int> ?? [.. ids];
        for (int size = Math.Max(64, list.Count * 8); ; size *= 2)
        {
            char[] buffer = ArrayPool<char>.Shared.Rent(size);
            try
            {
                switch (Decode(list, buffer, out _, out int written))
                {
                    case OperationStatus.Done: return new string(buffer, 0, written);
                    case OperationStatus.InvalidData: throw new InvalidOperationException("The ids cannot be decoded: one of them is not in the vocabulary.");
                }
            }
            finally
            {
                ArrayPool<char>.Shared.Return(buffer);
            }
        }
    }

    public abstract OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten);

    private static EncodeSettings Settings(bool preTokenize, bool normalize, int maxTokenCount = int.MaxValue) =>
        new() { ConsiderPreTokenization = preTokenize, ConsiderNormalization = normalize, MaxTokenCount = maxTokenCount };
}
