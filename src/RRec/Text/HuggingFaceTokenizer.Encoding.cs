using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;
using RRec.Text.Tokenization;

namespace RRec.Text;

// The way of a text: added tokens are cut out, each stretch between them is normalised and divided into pieces, each piece is merged;
// then the overrides that ML.NET's base class wants.
public sealed partial class HuggingFaceTokenizer
{
    private static readonly EncodeSettings Everything = new() { ConsiderNormalization = true, ConsiderPreTokenization = true };

    private void EncodeText(string text, IReadOnlyList<(int Start, int End)> data, TokenSink sink, TokenOffsets? offsets, EncodeSettings settings,
                            StringBuilder? normalized = null)
    {
        int nextData = 0;
        for (int at = 0; at < text.Length;)
        {
            (int id, int start, int end) = _added.Next(text, at, data, ref nextData);
            if (start > at)
            {
                Segment segment = Prepare(at == 0 && start == text.Length ? text : text[at..start], at, offsets is not null, settings);
                normalized?.Append(segment.Text);
                foreach ((int pieceStart, int pieceEnd) in segment.Pieces)
                {
                    int before = sink.Count;
                    _model.Encode(segment.Text.AsSpan(pieceStart, pieceEnd - pieceStart), sink);
                    offsets?.AddPiece(segment, pieceStart, pieceEnd, sink.Lengths[before..]);
                }
            }
            if (id >= 0)
            {
                sink.Add(id, 0);
                offsets?.Add(start, end);
                normalized?.Append(text, start, end - start);
            }
            at = end;
        }
        if (_postProcessor.TrimsOffsets) offsets?.Trim(text, _postProcessor.PrefixSpace);
    }

    private Segment Prepare(string text, int origin, bool aligned, EncodeSettings settings)
    {
        var segment = new Segment(WithoutLoneSurrogates(text), origin, aligned);
        if (settings.ConsiderNormalization) _normalizers.Apply(segment);
        if (settings.ConsiderPreTokenization) _preTokenizers.Apply(segment);
        else segment.OnePiece();
        return segment;
    }

    private static string WithoutLoneSurrogates(string text)
    {
        int at = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (at < 0) return text;
        char[]? changed = null;
        for (; at < text.Length; at++)
        {
            if (!char.IsSurrogate(text[at])) continue;
            if (at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1])) at++;
            else (changed ??= text.ToCharArray())[at] = '\uFFFD';
        }
        return changed is null ? text : new string(changed);
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        var sink = new TokenSink(withLengths: true);
        var offsets = new TokenOffsets();
        var normalized = new StringBuilder();
        EncodeText(text, [], sink, offsets, settings, normalized);
        int count = Keep(sink.Count, offsets, settings.MaxTokenCount);
        var tokens = new EncodedToken[count];
        for (int i = 0; i < count; i++)
            tokens[i] = new EncodedToken(sink.Ids[i], _vocabulary.TokenOf(sink.Ids[i])!, offsets.Starts[i]..offsets.Ends[i]);
        return new EncodeResults<EncodedToken>
        {
            Tokens = tokens,
            NormalizedText = Normalizer is null || !settings.ConsiderNormalization ? null : normalized.ToString(),
            CharsConsumed = count == sink.Count ? text.Length : count == 0 ? 0 : offsets.Ends[count - 1],
        };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        var sink = new TokenSink(withLengths: false);
        var normalized = Normalizer is null || !settings.ConsiderNormalization ? null : new StringBuilder();
        EncodeText(text, [], sink, null, settings, normalized);
        if (sink.Count > settings.MaxTokenCount) return base.EncodeToIds(text, textSpan, settings);
        return new EncodeResults<int> { Tokens = sink.Ids.ToArray(), NormalizedText = normalized?.ToString(), CharsConsumed = text.Length };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var sink = new TokenSink(withLengths: false);
        EncodeText(text ?? textSpan.ToString(), [], sink, null, settings);
        return sink.Count;
    }

    /// <summary>The text of ids, special tokens included.</summary>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return DecodeIds([.. ids], skipSpecialTokens: false);
    }

    /// <summary>
    /// Decodes as far as the destination has room, whole characters only.
    /// </summary>
    /// <returns>Done, or DestinationTooSmall, with the ids whose text was written completely and the UTF-16 units written.</returns>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        int[] all = [.. ids];
        string text = DecodeIds(all, skipSpecialTokens: false);
        if (text.Length <= destination.Length)
        {
            text.CopyTo(destination);
            (idsConsumed, charsWritten) = (all.Length, text.Length);
            return OperationStatus.Done;
        }
        // The most ids whose own text fits: texts of growing prefixes grow, so this is a search in an ordered list.
        int low = 0, high = all.Length;
        while (high - low > 1)
        {
            int middle = (low + high) >>> 1;
            if (DecodeIds(all.AsSpan(0, middle), skipSpecialTokens: false).Length <= destination.Length) low = middle;
            else high = middle;
        }
        string part = DecodeIds(all.AsSpan(0, low), skipSpecialTokens: false);
        // Without its last ids a text can end in part of a character: give those ids back.
        while (low > 0 && !text.StartsWith(part, StringComparison.Ordinal)) part = DecodeIds(all.AsSpan(0, --low), skipSpecialTokens: false);
        part.CopyTo(destination);
        (idsConsumed, charsWritten) = (low, part.Length);
        return OperationStatus.DestinationTooSmall;
    }

    // A cut must not fall between two tokens of one character.
    private static int Keep(int count, TokenOffsets offsets, int most)
    {
        if (count <= most) return count;
        int keep = Math.Max(0, most);
        while (keep > 0 && offsets.Starts[keep] < offsets.Ends[keep - 1]) keep--;
        return keep;
    }

    private sealed class NormalizerView(Normalizers normalizers) : Normalizer
    {
        public override string Normalize(string original)
        {
            ArgumentNullException.ThrowIfNull(original);
            var segment = new Segment(WithoutLoneSurrogates(original), 0, aligned: false);
            normalizers.Apply(segment);
            return segment.Text;
        }

        public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
    }

    private sealed class PreTokenizerView(PreTokenizers preTokenizers) : PreTokenizer
    {
        public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
        {
            ArgumentNullException.ThrowIfNull(text);
            var segment = new Segment(WithoutLoneSurrogates(text), 0, aligned: false);
            preTokenizers.Apply(segment);
            return segment.Pieces.ConvertAll(piece => (piece.Start, piece.End - piece.Start));
        }

        public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());
    }
}
