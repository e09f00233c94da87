using System.Buffers;
using Microsoft.ML.Tokenizers;
namespace RRec.Text;
/// <summary>x</summary>
public sealed class HuggingFaceTokenizer : Tokenizer
{
    /// <summary>x</summary>
    public static HuggingFaceTokenizer Load(string folderOrTokenizerJson) => throw new NotSupportedException();
    /// <summary>x</summary>
    public static HuggingFaceTokenizer Parse(ReadOnlySpan<byte> tokenizerJson, string sourceName) => throw new NotSupportedException();
    /// <summary>x</summary>
    public int[] Encode(string text, bool addSpecialTokens) => throw new NotSupportedException();
    /// <summary>The id of a token by its text, or -1.</summary>
    public int TokenToId(string token) => throw new NotSupportedException();
    /// <summary>The text of a token, or null.</summary>
    public string? IdToToken(int id) => throw new NotSupportedException();
    /// <summary>x</summary>
    public int VocabularySize => throw new NotSupportedException();
    /// <summary>x</summary>
    public int[] EncodePrompt(PromptText text) => throw new NotSupportedException();
    /// <summary>x</summary>
    public EncodedPrompt EncodePromptWithOffsets(PromptText text) => throw new NotSupportedException();
    /// <summary>x</summary>
    public string DecodeIds(ReadOnlySpan<int> ids, bool skipSpecialTokens) => throw new NotSupportedException();
    /// <summary>x</summary>
    public IncrementalDecoder CreateDecoder() => throw new NotSupportedException();
    /// <summary>x</summary>
    public ReadOnlyMemory<byte> SourceJson => throw new NotSupportedException();
    /// <summary>x</summary>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) => throw new NotSupportedException();
    /// <summary>x</summary>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten) => throw new NotSupportedException();
}
