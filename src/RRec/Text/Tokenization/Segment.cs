namespace RRec.Text.Tokenization;

/// <summary>
/// A stretch of text between added tokens on its way through normalizer and pre-tokenizers: the text as it is now, the pieces it is
/// divided into, and where every UTF-16 unit came from.
/// </summary>
internal sealed class Segment(string text, int origin, bool aligned)
{
    public string Text { get; private set; } = text;

    /// <summary>Where the segment begins in the whole text.</summary>
    public int Origin { get; } = origin;

    /// <summary>The pieces, in order, as [start, end) of <see cref="Text"/>.</summary>
    public List<(int Start, int End)> Pieces { get; private set; } = [];

    // For every unit of Text the [start, end) it stands for in the segment's original; null: itself, or nobody asks.
    private int[]? _starts;
    private int[]? _ends;

    public int StartOf(int unit) => Origin + (_starts is null ? unit : _starts[unit]);

    public int EndOf(int unit) => Origin + (_ends is null ? unit + 1 : _ends[unit]);

    /// <summary>Replaces the text by one of the same length, unit by unit.</summary>
    public void Replace(string sameLength) => Text = sameLength;

    /// <summary>Replaces the text. <paramref name="sourceOf"/> gives for a unit of the new text the units [start, end) of the current one it stands for.</summary>
    public void Replace(string text, Func<int, (int Start, int End)> sourceOf)
    {
        if (aligned)
        {
            var starts = new int[text.Length];
            var ends = new int[text.Length];
            for (int i = 0; i < text.Length; i++)
            {
                (int start, int end) = sourceOf(i);
                starts[i] = StartOf(start) - Origin;
                ends[i] = end > start ? EndOf(end - 1) - Origin : starts[i];
            }
            (_starts, _ends) = (starts, ends);
        }
        Text = text;
    }

    /// <summary>Makes the whole text one piece.</summary>
    public void OnePiece()
    {
        Pieces.Clear();
        if (Text.Length > 0) Pieces.Add((0, Text.Length));
    }

    /// <summary>Divides every piece further.</summary>
    public void Divide(ISplitter splitter)
    {
        var divided = new List<(int Start, int End)>(Math.Max(Pieces.Count, Text.Length / 4));
        foreach ((int start, int end) in Pieces) splitter.Split(Text.AsSpan(start, end - start), start, divided);
        Pieces = divided;
    }

    /// <summary>Puts a character in front of the pieces that want one, asked by their beginning.</summary>
    public void Prepend(char c, Func<int, bool> wanted)
    {
        var pieces = new List<(int Start, int End)>(Pieces.Count);
        var sources = new List<int>();
        var text = new System.Text.StringBuilder();
        foreach ((int start, int end) in Pieces)
        {
            int from = text.Length;
            if (wanted(start))
            {
                text.Append(c);
                sources.Add(start);
            }
            for (int i = start; i < end; i++) sources.Add(i);
            text.Append(Text, start, end - start);
            pieces.Add((from, text.Length));
        }
        Replace(text.ToString(), i => (sources[i], sources[i] + 1));
        Pieces = pieces;
    }
}

/// <summary>Finds the pieces of a text.</summary>
internal interface ISplitter
{
    /// <summary>Appends the pieces of <paramref name="text"/>, which begins at <paramref name="offset"/>; empty pieces are left out.</summary>
    void Split(ReadOnlySpan<char> text, int offset, List<(int Start, int End)> pieces);
}
