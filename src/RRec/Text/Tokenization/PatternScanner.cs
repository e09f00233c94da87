namespace RRec.Text.Tokenization;

/// <summary>
/// The split patterns of the known families, written out by hand: .NET's regular expressions see UTF-16 units and would take a letter
/// beyond the basic plane for two symbols; this also runs in one pass, whatever the text. Each pattern covers every character.
/// </summary>
internal sealed class PatternScanner : ISplitter
{
    /// <summary>GPT-2's pattern, which ByteLevel uses on its own (SmolLM2).</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Qwen 2 and 3: digits one by one.</summary>
    public const string Qwen2 = Modern + @"|\p{N}" + ModernRest;

    /// <summary>Llama 3: digits in groups of up to three.</summary>
    public const string Llama3 = Modern + @"|\p{N}{1,3}" + ModernRest;

    private const string Modern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+";
    private const string ModernRest = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private readonly bool _modern;
    private readonly int _digits;

    private PatternScanner(bool modern, int digits)
    {
        _modern = modern;
        _digits = digits;
    }

    /// <summary>The scanner of a pattern, or null for one that is not known.</summary>
    public static PatternScanner? For(string pattern) => pattern switch
    {
        Gpt2 => new PatternScanner(modern: false, int.MaxValue),
        Qwen2 => new PatternScanner(modern: true, 1),
        Llama3 => new PatternScanner(modern: true, 3),
        _ => null,
    };

    public void Split(ReadOnlySpan<char> text, int offset, List<(int Start, int End)> pieces)
    {
        for (int i = 0; i < text.Length;)
        {
            int end = _modern ? NextModern(text, i) : NextGpt2(text, i);
            pieces.Add((offset + i, offset + end));
            i = end;
        }
    }

    private int NextModern(ReadOnlySpan<char> text, int i)
    {
        byte first = CharClass.Of(text, i, out int units);
        if (text[i] == '\'' && Contraction(text, i, ignoreCase: true) is > 0 and int contraction) return contraction;
        if (first == CharClass.Letter) return Run(text, i, CharClass.Letter);
        if (first is CharClass.Other or CharClass.Space && Is(text, i + units, CharClass.Letter)) return Run(text, i + units, CharClass.Letter);
        if (first == CharClass.Number) return Run(text, i, CharClass.Number, _digits);
        int others = text[i] == ' ' ? i + 1 : i;
        if (Is(text, others, CharClass.Other))
        {
            int end = Run(text, others, CharClass.Other);
            while (end < text.Length && text[end] is '\r' or '\n') end++;
            return end;
        }
        int spaces = Spaces(text, i, out int lastNewLine);
        return lastNewLine >= 0 ? lastNewLine + 1 : AllButLast(text, i, spaces);
    }

    private int NextGpt2(ReadOnlySpan<char> text, int i)
    {
        if (text[i] == '\'' && Contraction(text, i, ignoreCase: false) is > 0 and int contraction) return contraction;
        int at = text[i] == ' ' ? i + 1 : i;
        if (at < text.Length && CharClass.Of(text, at, out _) is CharClass.Letter or CharClass.Number or CharClass.Other)
            return Run(text, at, CharClass.Of(text, at, out _));
        return AllButLast(text, i, Spaces(text, i, out _));
    }

    /// <summary>A run of white space leaves its last character to the word that follows, if one does and it is not the only one.</summary>
    private static int AllButLast(ReadOnlySpan<char> text, int start, int end) => end == text.Length || end - start == 1 ? end : end - 1;

    /// <summary>The end of an English contraction at an apostrophe, or 0.</summary>
    private static int Contraction(ReadOnlySpan<char> text, int i, bool ignoreCase)
    {
        if (i + 1 >= text.Length) return 0;
        char a = Fold(text[i + 1], ignoreCase);
        if (a is 's' or 't' or 'm' or 'd') return i + 2;
        if (i + 2 >= text.Length) return 0;
        char b = Fold(text[i + 2], ignoreCase);
        return (a, b) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? i + 3 : 0;
    }

    // Case-insensitively the long s is an s, to the regular expressions that these patterns were written for.
    private static char Fold(char c, bool ignoreCase) => !ignoreCase ? c : c == '\u017F' ? 's' : char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;

    private static bool Is(ReadOnlySpan<char> text, int at, byte kind) => at < text.Length && CharClass.Of(text, at, out _) == kind;

    private static int Run(ReadOnlySpan<char> text, int at, byte kind, int most = int.MaxValue)
    {
        for (int n = 0; n < most && at < text.Length && CharClass.Of(text, at, out int units) == kind; n++) at += units;
        return at;
    }

    private static int Spaces(ReadOnlySpan<char> text, int at, out int lastNewLine)
    {
        lastNewLine = -1;
        while (at < text.Length)
        {
            byte kind = CharClass.Of(text, at, out _);
            if (kind == CharClass.NewLine) lastNewLine = at;
            else if (kind != CharClass.Space) break;
            at++;
        }
        return at;
    }
}
