using System.Globalization;
using System.Text.RegularExpressions;

namespace RRec.Text.Tokenization;

/// <summary>What becomes of the matches of a split pattern, by the names in tokenizer.json.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Turns matches into pieces.</summary>
internal abstract class MatchSplitter(SplitBehavior behavior, bool invert) : ISplitter
{
    /// <summary>Appends the matches in order, not overlapping, as [start, end) of the text.</summary>
    protected abstract void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches);

    public void Split(ReadOnlySpan<char> text, int offset, List<(int Start, int End)> pieces)
    {
        var matches = new List<(int Start, int End)>();
        FindMatches(text, matches);
        // Stretches in order, with whether each is a match; "invert" swaps the two kinds.
        int first = pieces.Count, at = 0;
        bool previousMatched = false;
        foreach ((int start, int end) in matches)
        {
            Take(at, start, invert);
            Take(start, end, !invert);
            at = end;
        }
        Take(at, text.Length, invert);

        void Take(int start, int end, bool matched)
        {
            if (start == end) return;
            bool any = pieces.Count > first;
            switch (behavior)
            {
                case SplitBehavior.Removed:
                    if (!matched) pieces.Add((offset + start, offset + end));
                    break;
                case SplitBehavior.MergedWithPrevious when matched && any && !previousMatched:
                case SplitBehavior.MergedWithNext when !matched && any && previousMatched:
                case SplitBehavior.Contiguous when any && matched == previousMatched:
                    pieces[^1] = (pieces[^1].Start, offset + end);
                    break;
                default:
                    pieces.Add((offset + start, offset + end));
                    break;
            }
            previousMatched = matched;
        }
    }
}

/// <summary>Splits at a fixed string.</summary>
internal sealed class StringSplitter(string pattern, SplitBehavior behavior, bool invert) : MatchSplitter(behavior, invert)
{
    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        for (int at = 0; pattern.Length > 0;)
        {
            int found = text[at..].IndexOf(pattern, StringComparison.Ordinal);
            if (found < 0) return;
            matches.Add((at + found, at + found + pattern.Length));
            at += found + pattern.Length;
        }
    }
}

/// <summary>Splits at numbers: each digit its own piece, or each run of digits.</summary>
internal sealed class DigitSplitter(bool individual) : MatchSplitter(individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous, invert: false)
{
    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        for (int i = 0; i < text.Length;)
        {
            if (CharClass.Of(text, i, out int units) == CharClass.Number) matches.Add((i, i + units));
            i += units;
        }
    }
}

/// <summary>
/// Splits by a pattern that is not among the known ones, with .NET's engine under a time limit. Characters beyond the basic plane are
/// shown to it as a rare one of the same category, so that <c>\p{L}</c> and its like mean what they should.
/// </summary>
internal sealed class RegexSplitter : MatchSplitter
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Regex _regex;

    public RegexSplitter(JsonPlace place, string pattern, SplitBehavior behavior, bool invert) : base(behavior, invert) => _regex = Compile(place, pattern);

    public static Regex Compile(JsonPlace place, string pattern)
    {
        foreach (char c in pattern)
            if (char.IsSurrogate(c)) throw place.Wrong($"the pattern {Vocabulary.Quote(pattern)} names a character beyond U+FFFF, which is not supported");
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, Limit);
        }
        catch (ArgumentException e)
        {
            throw place.Wrong($"the pattern {Vocabulary.Quote(pattern)} is not supported: {e.Message}");
        }
    }

    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        // `places[i]`: where unit i of the shown text begins in the real one; null where they are the same.
        string shown = Show(text, out int[]? places);
        try
        {
            foreach (ValueMatch match in _regex.EnumerateMatches(shown))
            {
                int start = match.Index, end = match.Index + match.Length;
                if (match.Length > 0) matches.Add(places is null ? (start, end) : (places[start], places[end]));
            }
        }
        catch (RegexMatchTimeoutException)
        {
            throw new InvalidOperationException(
                $"The tokenizer's split pattern {Vocabulary.Quote(_regex.ToString())} took more than {Limit.TotalSeconds} s on {text.Length} characters.");
        }
    }

    private static string Show(ReadOnlySpan<char> text, out int[]? places)
    {
        places = null;
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return text.ToString();
        var shown = new char[text.Length];
        var from = new int[text.Length + 1];
        int count = 0;
        for (int i = 0; i < text.Length; count++)
        {
            from[count] = i;
            bool pair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            shown[count] = pair ? Stand(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(text[i], text[i + 1]))) : text[i];
            i += pair ? 2 : 1;
        }
        from[count] = text.Length;
        places = from;
        return new string(shown, 0, count);
    }

    private static char Stand(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u0500',
        UnicodeCategory.LowercaseLetter => '\u0501',
        UnicodeCategory.TitlecaseLetter => '\u01C5',
        UnicodeCategory.ModifierLetter => '\u02B0',
        UnicodeCategory.OtherLetter => '\uA840',
        UnicodeCategory.NonSpacingMark => '\u0951',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u0488',
        UnicodeCategory.DecimalDigitNumber => '\u1B50',
        UnicodeCategory.LetterNumber => '\u2180',
        UnicodeCategory.OtherNumber => '\u2460',
        UnicodeCategory.OtherPunctuation => '\u2E2E',
        UnicodeCategory.DashPunctuation => '\u2E3A',
        UnicodeCategory.MathSymbol => '\u22A2',
        UnicodeCategory.CurrencySymbol => '\u20B8',
        UnicodeCategory.ModifierSymbol => '\u02C2',
        UnicodeCategory.Format => '\u2061',
        UnicodeCategory.PrivateUse => '\uE000',
        UnicodeCategory.OtherNotAssigned => '\u0378',
        _ => '\u2600',
    };
}
