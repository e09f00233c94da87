using System.Text;

namespace RRec.Text;

/// <summary>
/// A text that knows which parts of it are <i>control</i> (ours: wording, chat markers) and which are <i>data</i> (theirs: titles,
/// attributes, categories, numbers). The tokenizer encodes the whole text at once, so ids are those of the plain string, but looks for
/// added tokens such as <c>&lt;|im_end|&gt;</c> only inside control: a title can say whatever it likes and stays a title.
/// Neighbouring parts of one kind are one part.
/// </summary>
public sealed class PromptText
{
    private readonly StringBuilder _text = new();
    private readonly List<(int Start, int End)> _data = [];
    private string? _built;

    /// <summary>An empty text; fill it with <see cref="Control"/> and <see cref="Data"/>.</summary>
    public PromptText() { }

    /// <summary>The number of UTF-16 units.</summary>
    public int Length => _text.Length;

    /// <summary>The data parts as [start, end) in UTF-16 units, in order, not overlapping, none empty.</summary>
    public IReadOnlyList<(int Start, int End)> DataSpans => _data;

    /// <summary>A text that is control from end to end.</summary>
    public static PromptText FromControl(string text) => new PromptText().Control(text);

    /// <summary>A text that is data from end to end.</summary>
    public static PromptText FromData(string text) => new PromptText().Data(text);

    /// <summary>Appends wording of ours, in which added tokens are recognised. Returns this text.</summary>
    public PromptText Control(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        _built = null;
        _text.Append(text);
        return this;
    }

    /// <summary>Appends text from outside, in which nothing is control. Returns this text.</summary>
    public PromptText Data(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0) return this;
        _built = null;
        AddSpan(_text.Length, _text.Length + text.Length);
        _text.Append(text);
        return this;
    }

    /// <summary>Appends another text with its parts. Returns this text.</summary>
    public PromptText Append(PromptText other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _built = null;
        int offset = _text.Length;
        var spans = other._data.ToArray();      // a copy: other may be this text
        _text.Append(other.ToString());
        foreach ((int start, int end) in spans) AddSpan(start + offset, end + offset);
        return this;
    }

    /// <summary>The part from <paramref name="start"/> of <paramref name="length"/> UTF-16 units, with its data parts.</summary>
    public PromptText Substring(int start, int length)
    {
        string all = ToString();
        var part = new PromptText();
        part._text.Append(all, start, length);
        foreach ((int s, int e) in _data)
        {
            int from = Math.Max(s, start) - start, to = Math.Min(e, start + length) - start;
            if (from < to) part._data.Add((from, to));
        }
        return part;
    }

    /// <summary>The text without white space at its ends, as some chat formats want a message's content.</summary>
    public PromptText Trim()
    {
        string all = ToString();
        int start = 0, end = all.Length;
        while (start < end && char.IsWhiteSpace(all[start])) start++;
        while (end > start && char.IsWhiteSpace(all[end - 1])) end--;
        return start == 0 && end == all.Length ? this : Substring(start, end - start);
    }

    /// <summary>The plain string.</summary>
    public override string ToString() => _built ??= _text.ToString();

    private void AddSpan(int start, int end)
    {
        if (_data.Count > 0 && _data[^1].End == start) _data[^1] = (_data[^1].Start, end);
        else _data.Add((start, end));
    }
}
