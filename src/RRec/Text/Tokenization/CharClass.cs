using System.Globalization;

namespace RRec.Text.Tokenization;

/// <summary>What the splitting patterns ask of a character: <c>\p{L}</c>, <c>\p{N}</c>, <c>[\r\n]</c>, other <c>\s</c>, or none of these.</summary>
internal static class CharClass
{
    public const byte Other = 0, Letter = 1, Number = 2, Space = 3, NewLine = 4, Surrogate = 5;

    private static readonly byte[] Table = Build();

    /// <summary>The class of the character at a place, and how many UTF-16 units it takes.</summary>
    public static byte Of(ReadOnlySpan<char> text, int at, out int units)
    {
        byte known = Table[text[at]];
        units = 1;
        if (known != Surrogate) return known;
        if (at + 1 >= text.Length || !char.IsSurrogatePair(text[at], text[at + 1])) return Other;
        units = 2;
        return OfCategory(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(text[at], text[at + 1])));
    }

    private static byte OfCategory(UnicodeCategory category) => category switch
    {
        <= UnicodeCategory.OtherLetter => Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => Other,
    };

    private static byte[] Build()
    {
        var table = new byte[char.MaxValue + 1];
        for (int c = 0; c < table.Length; c++)
        {
            char ch = (char)c;
            table[c] = ch is '\r' or '\n' ? NewLine
                : char.IsWhiteSpace(ch) ? Space
                : char.IsSurrogate(ch) ? Surrogate
                : OfCategory(CharUnicodeInfo.GetUnicodeCategory(ch));
        }
        return table;
    }
}
