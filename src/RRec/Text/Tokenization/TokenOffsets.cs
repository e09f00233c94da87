using System.Text;

namespace RRec.Text.Tokenization;

/// <summary>Where tokens lie in the original text, from their lengths in UTF-8 bytes of the normalised one.</summary>
internal sealed class TokenOffsets
{
    public List<int> Starts { get; } = [];

    public List<int> Ends { get; } = [];

    public void Add(int start, int end)
    {
        Starts.Add(start);
        Ends.Add(end);
    }

    /// <summary>Adds the tokens of one piece. A token that is some bytes of a character has the place of the whole character.</summary>
    public void AddPiece(Segment segment, int pieceStart, int pieceEnd, ReadOnlySpan<int> lengths)
    {
        // `unit` is the character that holds byte `at`, and begins at byte `first`.
        int unit = pieceStart, first = 0, at = 0;
        foreach (int length in lengths)
        {
            Seek(at);
            int start = unit;
            Seek(Math.Max(at, at + length - 1));
            Rune.DecodeFromUtf16(segment.Text.AsSpan(unit, pieceEnd - unit), out _, out int units);
            Add(segment.StartOf(start), segment.EndOf(unit + Math.Max(1, units) - 1));
            at += length;
        }

        void Seek(int target)
        {
            while (unit < pieceEnd)
            {
                Rune.DecodeFromUtf16(segment.Text.AsSpan(unit, pieceEnd - unit), out Rune rune, out int units);
                if (first + rune.Utf8SequenceLength > target || unit + units >= pieceEnd) return;
                first += rune.Utf8SequenceLength;
                unit += units;
            }
        }
    }

    /// <summary>Takes the blanks at the ends of tokens out of their places.</summary>
    public void Trim(string text, bool prefixSpace)
    {
        for (int i = 0; i < Starts.Count; i++)
        {
            int start = Starts[i], end = Ends[i];
            int leading = 0;
            while (start + leading < end && text[start + leading] == ' ') leading++;
            if (leading > 0 && prefixSpace && (i == 0 || start == 0)) leading--;
            start += leading;
            while (end > start && text[end - 1] == ' ') end--;
            (Starts[i], Ends[i]) = (start, end);
        }
    }
}
