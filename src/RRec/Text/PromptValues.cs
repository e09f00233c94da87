using System.Globalization;
using System.Text;

namespace RRec.Text;

/// <summary>How single values are written in prompts: the letters decide the ids, so they are those of the paper's implementation.</summary>
internal static class PromptValues
{
    /// <summary>
    /// A span of time: <c>400d 5.1h</c> from a day on, <c>3h 12.0min</c> from an hour on, else <c>0.2min</c>; whole seconds, no carry
    /// (<c>1d 24.0h</c> occurs), the decimal rounded half to even on the binary value. A span into the future counts as none.
    /// </summary>
    public static string TimeDelta(long milliseconds)
    {
        long total = Math.Max(0, milliseconds) / 1000;
        long days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60, seconds = total % 60;
        double m = minutes + seconds / 60.0;
        if (days > 0) return $"{days.ToString(CultureInfo.InvariantCulture)}d {OneDecimal(hours + m / 60.0)}h";
        if (hours > 0) return $"{hours.ToString(CultureInfo.InvariantCulture)}h {OneDecimal(m)}min";
        return $"{OneDecimal(m)}min";
    }

    /// <summary>
    /// One decimal, ties to even, decided on the exact value of the double: 0.25 is a tie and gives 0.2, 0.15 lies below one and gives 0.1.
    /// .NET's own "F1" rounds ties away from zero, and Math.Round multiplies first and so moves values onto ties.
    /// </summary>
    /// <param name="value">From 0 to 10^15.</param>
    public static string OneDecimal(double value)
    {
        // A double in this range has at most 60 decimals here: its unit is 2^-52 or more for values from 1 on, and the quotients of
        // seconds below that end after 60 digits or are no ties.
        string exact = value.ToString("F60", CultureInfo.InvariantCulture);
        int point = exact.IndexOf('.');
        ReadOnlySpan<char> rest = exact.AsSpan(point + 2);
        int digit = exact[point + 1] - '0';
        bool up = rest[0] > '5' || (rest[0] == '5' && (rest[1..].ContainsAnyExcept('0') || digit % 2 == 1));
        long whole = long.Parse(exact.AsSpan(0, point), CultureInfo.InvariantCulture);
        long tenths = whole * 10 + digit + (up ? 1 : 0);
        return string.Create(CultureInfo.InvariantCulture, $"{tenths / 10}.{tenths % 10}");
    }

    /// <summary>A rating: the shortest decimal that means this float, with at least one decimal: <c>5.0</c>, <c>4.5</c>, <c>3.49</c>.</summary>
    public static string Rating(float value)
    {
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        if (shortest.Contains('E') && decimal.TryParse(shortest, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal plain))
            shortest = plain.ToString(CultureInfo.InvariantCulture);
        return shortest.AsSpan().ContainsAnyExcept("-0123456789") ? shortest : shortest + ".0";
    }

    /// <summary>
    /// A run of white space that holds more than blanks (line breaks, tabs, form feeds) becomes one blank, or nothing at the ends: a title
    /// is one line, whatever was pasted into it. Other text, double blanks included, stays.
    /// </summary>
    public static string OneLine(string text)
    {
        if (!text.AsSpan().ContainsAny(Breaks)) return text;
        var line = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int end = i;
            bool breaks = false;
            while (end < text.Length && char.IsWhiteSpace(text[end])) breaks |= Breaks.Contains(text[end++]);
            if (end == i) line.Append(text[i++]);
            else
            {
                if (!breaks) line.Append(text, i, end - i);
                else if (i > 0 && end < text.Length) line.Append(' ');
                i = end;
            }
        }
        return line.ToString();
    }

    /// <summary>The first words joined by single blanks and "...", where there are more than <paramref name="limit"/>; else the text as it is.</summary>
    public static string LimitWords(string text, int limit)
    {
        if (limit <= 0) return text;
        int count = 0, firstCut = -1;
        for (int i = 0; i < text.Length && firstCut < 0;)
        {
            while (i < text.Length && char.IsWhiteSpace(text[i])) i++;
            if (i == text.Length) break;
            if (count++ == limit) firstCut = i;
            while (i < text.Length && !char.IsWhiteSpace(text[i])) i++;
        }
        if (firstCut < 0) return text;
        return string.Join(' ', text[..firstCut].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) + "...";
    }

    private static readonly System.Buffers.SearchValues<char> Breaks = System.Buffers.SearchValues.Create("\t\n\v\f\r\u0085\u2028\u2029");
}
