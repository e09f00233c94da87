using System.Text;
using RRec.Text.Tokenization;

namespace RRec.Text;

/// <summary>
/// Turns ids into text one by one, for streaming and for watching what a model writes. Only whole characters come out: a token that ends
/// inside one is held back until the rest arrives. For ids whose bytes are valid UTF-8 the parts add up to
/// <see cref="HuggingFaceTokenizer.DecodeIds"/>. One decoder is for one text; not for several threads at once.
/// </summary>
public sealed class IncrementalDecoder
{
    private readonly Decoders _decoders;
    private readonly Func<int, string?> _tokenOf;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private int _tokens;
    private int _strip;

    internal IncrementalDecoder(Decoders decoders, Func<int, string?> tokenOf)
    {
        _decoders = decoders;
        _tokenOf = tokenOf;
        _strip = decoders.StripStart.Count;
    }

    /// <summary>Adds one id; returns the text that is complete with it, possibly none.</summary>
    public string Append(int id)
    {
        if (_tokenOf(id) is not { } token) return "";
        string text = Complete(BytesOf(token), flush: false);
        _tokens++;
        return text;
    }

    /// <summary>Ends the text: an incomplete character comes out as U+FFFD.</summary>
    public string Finish() => Complete([], flush: true);

    private byte[] BytesOf(string token)
    {
        if (_decoders.IsByteLevel) return Decoders.BytesOf(token);
        if (_decoders.HasByteTokens && Decoders.ByteOf(token) is >= 0 and int value) return [(byte)value];
        foreach (Func<string, string> change in _decoders.PerToken) token = change(token);
        if (_decoders.IsNone && _tokens > 0) token = " " + token;
        return Encoding.UTF8.GetBytes(token);
    }

    private string Complete(byte[] bytes, bool flush)
    {
        var chars = new char[_utf8.GetCharCount(bytes, flush)];
        _utf8.GetChars(bytes, chars, flush);
        int from = 0;
        while (_strip > 0 && from < chars.Length && chars[from] == _decoders.StripStart.Character)
        {
            from++;
            _strip--;
        }
        if (from < chars.Length) _strip = 0;
        return new string(chars, from, chars.Length - from);
    }
}
