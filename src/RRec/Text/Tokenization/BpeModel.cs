using System.Buffers;
using System.Text;

namespace RRec.Text.Tokenization;

/// <summary>
/// Byte-pair encoding of one piece of text, in its two forms: over the byte-level alphabet (Qwen, Llama 3, SmolLM2), where every byte is
/// a symbol, and over characters with bytes as a fallback (SentencePiece style: Gemma, Llama 2, Mistral). Control tokens never come out of
/// it: merges into them are left out at load, because text that reaches this place is not control.
/// </summary>
internal sealed class BpeModel
{
    /// <summary>What SentencePiece-style vocabularies write for a blank.</summary>
    public const char Blank = '\u2581';

    private const int MaxCached = 48;

    private readonly Vocabulary _vocabulary;
    private readonly bool _byteLevel;
    private readonly bool _ignoreMerges;
    private readonly bool _fuseUnknown;
    private readonly bool _byteFallback;
    private readonly int _unknownId = -1;
    private readonly int[] _byteIds = new int[256];         // byte-level: the byte's symbol; else: its <0xXX> token
    private readonly Dictionary<int, int> _charIds = [];    // by code point; character models only
    private readonly PairTable _merges;
    private readonly HashSet<char>? _beforeBlank;           // see FindCharactersBeforeBlanks; null: pieces are never divided
    private readonly WordCache _cache = new();
    private readonly Func<int, bool> _isControl;

    public BpeModel(JsonPlace model, Vocabulary vocabulary, bool byteLevel, Func<int, bool> isControl)
    {
        _vocabulary = vocabulary;
        _byteLevel = byteLevel;
        _isControl = isControl;
        _ignoreMerges = model.Flag("ignore_merges", false);
        _fuseUnknown = model.Flag("fuse_unk", false);
        _byteFallback = model.Flag("byte_fallback", false);
        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (model.Find(name) is { } affix && affix.Text().Length > 0) throw affix.Wrong($"{name} is not supported");
        if (model.Find("dropout") is { } dropout && dropout.Element.GetRawText() is not ("0" or "0.0")) throw dropout.Wrong("dropout is not supported");
        if (_byteFallback && byteLevel) throw model.Wrong("byte_fallback together with a ByteLevel pre-tokenizer is not supported");
        if (model.Find("unk_token") is { } unknown)
        {
            _unknownId = vocabulary.ModelIdOf(unknown.Text());
            if (_unknownId < 0) throw unknown.Wrong($"the unknown token {Vocabulary.Quote(unknown.Text())} is not in the vocabulary");
        }
        FillSymbols();
        _merges = ReadMerges(model.Get("merges"));
        if (!byteLevel && !_ignoreMerges) _beforeBlank = FindCharactersBeforeBlanks(model.Get("merges"));
    }

    /// <summary>Whether pieces are bytes in the byte-level alphabet.</summary>
    public bool IsByteLevel => _byteLevel;

    /// <summary>Encodes a piece of normalised text without lone surrogates.</summary>
    public void Encode(ReadOnlySpan<char> piece, TokenSink sink)
    {
        sink.BeginPiece();
        if (_beforeBlank is null)
        {
            EncodeWord(piece, sink);
            return;
        }
        // No token can span these places, so words are encoded one by one, which is what makes them worth remembering.
        int start = 0;
        for (int i = 1; i < piece.Length; i++)
        {
            if (piece[i] != Blank || piece[i - 1] == Blank || _beforeBlank.Contains(piece[i - 1])) continue;
            EncodeWord(piece[start..i], sink);
            start = i;
        }
        if (start < piece.Length) EncodeWord(piece[start..], sink);
    }

    private void EncodeWord(ReadOnlySpan<char> word, TokenSink sink)
    {
        bool cached = word.Length <= MaxCached;
        if (cached && _cache.Find(word) is { } known)
        {
            sink.Add(known.Ids, known.Lengths);
            if (known.Ids.Length == 0) sink.Skip(Encoding.UTF8.GetByteCount(word));
            return;
        }
        int capacity = Encoding.UTF8.GetMaxByteCount(word.Length);
        int[] rented = ArrayPool<int>.Shared.Rent(capacity * 2);
        try
        {
            Span<int> ids = rented.AsSpan(0, capacity), lengths = rented.AsSpan(capacity, capacity);
            int count = WholeWord(word, ids, lengths);
            if (count == 0)
            {
                count = _byteLevel ? ByteSymbols(word, ids, lengths) : CharSymbols(word, ids, lengths);
                count = BpeMerger.Merge(_merges, ids[..count], lengths[..count]);
            }
            sink.Add(ids[..count], lengths[..count]);
            if (count == 0) sink.Skip(Encoding.UTF8.GetByteCount(word));
            if (cached) _cache.Add(word, ids[..count], lengths[..count]);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(rented);
        }
    }

    /// <summary>With <c>ignore_merges</c> a word that is a token is that token, whether or not merges lead there.</summary>
    private int WholeWord(ReadOnlySpan<char> word, Span<int> ids, Span<int> lengths)
    {
        if (!_ignoreMerges || word.Length == 0) return 0;
        int bytes = Encoding.UTF8.GetByteCount(word);
        int id = _vocabulary.ModelIdOf(_byteLevel ? ToByteAlphabet(word, bytes) : word);
        if (id < 0 || _isControl(id)) return 0;
        ids[0] = id;
        lengths[0] = bytes;
        return 1;
    }

    private static ReadOnlySpan<char> ToByteAlphabet(ReadOnlySpan<char> word, int byteCount)
    {
        var bytes = new byte[byteCount];
        Encoding.UTF8.GetBytes(word, bytes);
        var chars = new char[byteCount];
        for (int i = 0; i < byteCount; i++) chars[i] = ByteAlphabet.CharOf(bytes[i]);
        return chars;
    }

    // A length is in UTF-8 bytes of the text. A byte that the vocabulary lacks is the unknown token, or is skipped where there is none;
    // its length then goes with the symbol before it, so that places in the text stay right.
    private int ByteSymbols(ReadOnlySpan<char> word, Span<int> ids, Span<int> lengths)
    {
        byte[]? rented = null;
        Span<byte> utf8 = ids.Length <= 512 ? stackalloc byte[512] : (rented = ArrayPool<byte>.Shared.Rent(ids.Length));
        int bytes = Encoding.UTF8.GetBytes(word, utf8);
        var symbols = new Symbols(ids, lengths);
        for (int i = 0; i < bytes; i++)
        {
            int id = _byteIds[utf8[i]];
            if (id >= 0) symbols.Add(id, 1);
            else if (_unknownId >= 0) symbols.AddUnknown(_unknownId, 1, _fuseUnknown);
            else symbols.Skip(1);
        }
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return symbols.Finish();
    }

    private int CharSymbols(ReadOnlySpan<char> word, Span<int> ids, Span<int> lengths)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var symbols = new Symbols(ids, lengths);
        foreach (Rune rune in word.EnumerateRunes())
        {
            int bytes = rune.Utf8SequenceLength;
            if (_charIds.TryGetValue(rune.Value, out int id))
            {
                symbols.Add(id, bytes);
                continue;
            }
            rune.EncodeToUtf8(utf8);
            if (_byteFallback && HasAll(utf8[..bytes]))
            {
                for (int i = 0; i < bytes; i++) symbols.AddByte(_byteIds[utf8[i]]);
            }
            else if (_unknownId >= 0) symbols.AddUnknown(_unknownId, bytes, _fuseUnknown);
            else symbols.Skip(bytes);
        }
        return symbols.Finish();
    }

    private bool HasAll(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
            if (_byteIds[b] < 0) return false;
        return true;
    }

    private void FillSymbols()
    {
        Span<char> one = stackalloc char[1];
        for (int b = 0; b < 256; b++)
        {
            one[0] = ByteAlphabet.CharOf((byte)b);
            int id = _byteLevel ? _vocabulary.ModelIdOf(one) : _vocabulary.ModelIdOf($"<0x{b:X2}>");
            _byteIds[b] = id >= 0 && !_isControl(id) ? id : -1;
        }
        if (_byteLevel) return;
        for (int id = 0; id < _vocabulary.IdLimit; id++)
        {
            if (_vocabulary.TokenOf(id) is not { Length: 1 or 2 } token || _vocabulary.ModelIdOf(token) < 0 || _isControl(id)) continue;
            bool valid = Rune.DecodeFromUtf16(token, out Rune rune, out int units) == OperationStatus.Done;
            if (valid && units == token.Length) _charIds[rune.Value] = id;
        }
    }

    private PairTable ReadMerges(JsonPlace merges)
    {
        var table = new PairTable(merges.Element.ValueKind == System.Text.Json.JsonValueKind.Array ? merges.Element.GetArrayLength() : 0);
        int rank = 0;
        char[] buffer = new char[256];
        foreach (JsonPlace merge in merges.Items())
        {
            (string left, string right) = Parts(merge);
            int leftId = _vocabulary.ModelIdOf(left), rightId = _vocabulary.ModelIdOf(right);
            if (leftId < 0 || rightId < 0) throw merge.Wrong($"{Vocabulary.Quote(leftId < 0 ? left : right)} is not in the vocabulary");
            int length = left.Length + right.Length;
            if (buffer.Length < length) buffer = new char[length];
            left.CopyTo(buffer);
            right.CopyTo(buffer.AsSpan(left.Length));
            int id = _vocabulary.ModelIdOf(buffer.AsSpan(0, length));
            if (id < 0) throw merge.Wrong($"the result of merging {Vocabulary.Quote(left)} and {Vocabulary.Quote(right)} is not in the vocabulary");
            if (!_isControl(id)) table.Set(leftId, rightId, rank, id);
            rank++;
        }
        return table;
    }

    private static (string Left, string Right) Parts(JsonPlace merge)
    {
        if (merge.IsString)
        {
            string text = merge.Text();
            int blank = text.IndexOf(' ');
            if (blank < 0 || text.IndexOf(' ', blank + 1) >= 0) throw merge.Wrong("a merge is two tokens with one blank between them");
            return (text[..blank], text[(blank + 1)..]);
        }
        JsonPlace[] parts = merge.Items().Take(3).ToArray();
        if (parts.Length != 2) throw merge.Wrong("a merge is a pair of tokens");
        return (parts[0].Text(), parts[1].Text());
    }

    /// <summary>
    /// The characters after which a token can go on with a blank: mostly none, since blanks open tokens. Everywhere else a piece may be
    /// divided before a blank. Null where that would not be safe: the blank itself or byte tokens take part in merges in odd ways.
    /// </summary>
    private HashSet<char>? FindCharactersBeforeBlanks(JsonPlace merges)
    {
        if (!_charIds.ContainsKey(Blank)) return null;
        var found = new HashSet<char>();
        foreach (JsonPlace merge in merges.Items())
        {
            (string left, string right) = Parts(merge);
            if (IsByteToken(left) || IsByteToken(right)) return null;
            if (_vocabulary.ModelIdOf(left) == _unknownId || _vocabulary.ModelIdOf(right) == _unknownId) return null;
            if (right.Length > 0 && left.Length > 0 && right[0] == Blank && left[^1] != Blank) found.Add(left[^1]);
        }
        return found;
    }

    private bool IsByteToken(string token) => _byteFallback && token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>';
}
