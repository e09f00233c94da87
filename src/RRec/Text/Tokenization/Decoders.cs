using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace RRec.Text.Tokenization;

/// <summary>
/// The decoder of a tokenizer.json: how the tokens' texts become one text again, step by step on the list of texts, as the format defines
/// it. Types that are not here are refused by name.
/// </summary>
internal sealed class Decoders
{
    private readonly List<Func<List<string>, List<string>>> _steps = [];
    /// <summary>Whether there is no decoder: tokens are joined by blanks.</summary>
    public bool IsNone { get; }


    public Decoders(JsonPlace? place)
    {
        IsNone = place is null;
        if (place is { } root) Add(root);
    }

    /// <summary>Whether single tokens are bytes in the byte-level alphabet.</summary>
    public bool IsByteLevel { get; private set; }

    /// <summary>Whether <c>&lt;0xXX&gt;</c> tokens are bytes.</summary>
    public bool HasByteTokens { get; private set; }

    /// <summary>Changes one token's text, without regard to its neighbours.</summary>
    public List<Func<string, string>> PerToken { get; } = [];

    /// <summary>How many of a character are taken off the very beginning of the text.</summary>
    public (char Character, int Count) StripStart { get; private set; }

    public string Decode(List<string> tokens)
    {
        if (IsNone) return string.Join(' ', tokens);
        foreach (Func<List<string>, List<string>> step in _steps) tokens = step(tokens);
        return string.Concat(tokens);
    }

    /// <summary>The byte that a token like <c>&lt;0x0A&gt;</c> is, or -1.</summary>
    public static int ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' &&
        byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : -1;

    /// <summary>A token's bytes in the byte-level alphabet; tokens with other characters are their own UTF-8.</summary>
    public static byte[] BytesOf(string token)
    {
        var bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = ByteAlphabet.ByteOf(token[i]);
            if (value < 0) return Encoding.UTF8.GetBytes(token);
            bytes[i] = (byte)value;
        }
        return bytes;
    }

    private void Add(JsonPlace place)
    {
        switch (place.Type())
        {
            case "Sequence":
                foreach (JsonPlace part in place.Get("decoders").Items()) Add(part);
                break;
            case "ByteLevel":
                IsByteLevel = true;
                _steps.Add(tokens => [DecodeBytes(tokens)]);
                break;
            case "ByteFallback":
                HasByteTokens = true;
                _steps.Add(DecodeByteTokens);
                break;
            case "Fuse":
                _steps.Add(tokens => [string.Concat(tokens)]);
                break;
            case "Replace":
                AddPerToken(Replacement(place));
                break;
            case "Strip":
                AddStrip(place);
                break;
            case "Metaspace":
                char blank = PreTokenizers.MetaspaceBlank(place);
                AddPerToken(token => token.Replace(blank, ' '));
                if (PreTokenizers.MetaspaceScheme(place) == "never") break;
                StripStart = (' ', int.MaxValue);
                _steps.Add(tokens => tokens.Select((token, i) => i == 0 ? token.TrimStart(' ') : token).ToList());
                break;
            default:
                throw place.Wrong($"the decoder '{place.Type()}' is not supported; supported are " +
                                  "Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip and Metaspace");
        }
    }

    private void AddPerToken(Func<string, string> change)
    {
        PerToken.Add(change);
        _steps.Add(tokens => tokens.ConvertAll(token => change(token)));
    }

    private static Func<string, string> Replacement(JsonPlace place)
    {
        string content = place.Get("content").Text();
        JsonPlace pattern = place.Get("pattern");
        if (pattern.Find("String") is { } literal)
        {
            string text = literal.Text();
            return text.Length == 0 ? token => token : token => token.Replace(text, content, StringComparison.Ordinal);
        }
        Regex regex = RegexSplitter.Compile(pattern, pattern.Get("Regex").Text());
        return token => regex.Replace(token, content.Replace("$", "$$", StringComparison.Ordinal));
    }

    private void AddStrip(JsonPlace place)
    {
        string content = place.Get("content").Text();
        int start = place.Find("start")?.Int32() ?? 0, stop = place.Find("stop")?.Int32() ?? 0;
        if (content.Length != 1 || start < 0 || stop < 0) throw place.Wrong("a Strip decoder takes one character off, a whole number of times");
        if (start > 0) StripStart = (content[0], start);
        _steps.Add(tokens => tokens.ConvertAll(token =>
        {
            int from = 0, to = token.Length;
            while (from < to && from < start && token[from] == content[0]) from++;
            for (int n = 0; n < stop && to > from && token[to - 1] == content[0]; n++) to--;
            return token[from..to];
        }));
    }

    private static string DecodeBytes(List<string> tokens)
    {
        var bytes = new List<byte>(tokens.Count * 4);
        foreach (string token in tokens) bytes.AddRange(BytesOf(token));
        return Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
    }

    // A run of byte tokens is one UTF-8 string, or, where it is not valid as a whole, one U+FFFD for every byte.
    private static List<string> DecodeByteTokens(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (string token in tokens)
        {
            int value = ByteOf(token);
            if (value >= 0)
            {
                run.Add((byte)value);
                continue;
            }
            Flush();
            result.Add(token);
        }
        Flush();
        return result;

        void Flush()
        {
            if (run.Count == 0) return;
            Span<byte> bytes = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(run);
            if (System.Text.Unicode.Utf8.IsValid(bytes)) result.Add(Encoding.UTF8.GetString(bytes));
            else for (int i = 0; i < run.Count; i++) result.Add("\uFFFD");
            run.Clear();
        }
    }
}
