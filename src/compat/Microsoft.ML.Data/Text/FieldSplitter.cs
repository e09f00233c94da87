using System.Globalization;
using System.Text;

namespace Microsoft.ML.Data;

/// <summary>Splits a line into fields. Empty fields are not kept, unless empty and missing differ: then <see cref="Find"/> skips over them.</summary>
internal sealed class FieldSplitter(TextFormat format, int lastNeeded)
{
    private readonly bool _spaceSeparates = format.Separators.Contains(' ');
    private readonly StringBuilder _unquoted = new();
    private int[] _places = new int[16];
    private ReadOnlyMemory<char>[] _texts = new ReadOnlyMemory<char>[16];

    public int Count { get; private set; }

    /// <summary>What was wrong with the last line, or null.</summary>
    public string? Problem { get; private set; }

    public int Place(int i) => _places[i];
    public ReadOnlyMemory<char> Text(int i) => _texts[i];

    /// <summary>The first kept field at or behind a place.</summary>
    public int Find(int place)
    {
        int i = Array.BinarySearch(_places, 0, Count, place);
        return i >= 0 ? i : ~i;
    }

    /// <summary>All fields of a line, for headers.</summary>
    public string[] SplitDense(string line)
    {
        var fields = new string[Split(line)];
        Array.Fill(fields, "");
        for (int i = 0; i < Count; i++)
            if (_places[i] < fields.Length) fields[_places[i]] = _texts[i].ToString();
        return fields;
    }

    /// <summary>Returns how many fields the line has (those behind the last needed one may not be counted).</summary>
    public int Split(string line)
    {
        ReadOnlyMemory<char> text = format.TrimWhitespace ? line.AsMemory().TrimEnd() : line.AsMemory();
        Count = 0;
        Problem = null;
        int position = 0;
        return format.AllowSparse ? SplitSparse(text, ref position) : SplitPlain(text, ref position);
    }

    private int SplitPlain(ReadOnlyMemory<char> line, ref int position)
    {
        int place = 0;
        for (bool more = true; more && place <= lastNeeded; place++)
        {
            more = Next(line, ref position, out ReadOnlyMemory<char> field, out _);
            if (!field.IsEmpty || format.MissingRealsAsNaNs) Keep(place, field);
        }
        return place;
    }

    /// <summary>Plain fields, then items index:value. The number before the first item is the vector's size, unless the line's size is given.</summary>
    private int SplitSparse(ReadOnlyMemory<char> line, ref int position)
    {
        int place = 0, start = -1, previous = -1, size = format.InputSize;
        for (bool more = true; more;)
        {
            more = Next(line, ref position, out ReadOnlyMemory<char> field, out int index);
            if (index < 0)
            {
                if (start >= 0) return Stop("a plain value follows sparse items", size);
                if (!field.IsEmpty) Keep(place, field);
                // One field more than needed is read: the last one may turn out to be a size.
                if (place++ > lastNeeded) break;
                continue;
            }
            if (start < 0)
            {
                if (size > 0)
                {
                    start = Count;
                }
                else
                {
                    if (Count == 0 || _places[Count - 1] != place - 1) return Stop("a sparse item has no size before it", Math.Max(place, size));
                    if (!int.TryParse(_texts[Count - 1].Span, NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length <= 0)
                        return Stop("the size before the first sparse item is not a positive number", Math.Max(place, size));
                    start = _places[--Count];
                    size = start + Math.Min(length, int.MaxValue - 1 - start);
                }
            }
            if (index >= size - start) return Stop($"the sparse index {index} is beyond the size {size - start}", size);
            if (index <= previous) return Stop("sparse indices are out of order", size);
            previous = index;
            if (!field.IsEmpty && start + index <= lastNeeded) Keep(start + index, field);
        }
        return start < 0 ? Math.Max(place, format.InputSize) : size;
    }

    private int Stop(string problem, int size)
    {
        Problem = problem;
        return size;
    }

    private void Keep(int place, ReadOnlyMemory<char> text)
    {
        if (Count == _places.Length)
        {
            Array.Resize(ref _places, Count * 2);
            Array.Resize(ref _texts, Count * 2);
        }
        _places[Count] = place;
        _texts[Count++] = text;
    }

    /// <summary>Reads a field and moves behind its separator; false if it is the last one. A sparse item gives its index, others -1.</summary>
    private bool Next(ReadOnlyMemory<char> line, ref int position, out ReadOnlyMemory<char> field, out int index)
    {
        ReadOnlySpan<char> text = line.Span;
        index = -1;
        field = default;
        SkipSpaces(text, ref position);
        if (position >= text.Length) return false;
        if (format.AllowSparse && TryIndex(text, position, out int value, out int behind))
        {
            index = value;
            position = behind;
            SkipSpaces(text, ref position);
            if (position >= text.Length) return false;
        }
        if (text[position] == '"' && format.AllowQuoting)
        {
            field = Quoted(text, ref position);
        }
        else
        {
            int length = format.Separators.Length == 1 ? text[position..].IndexOf(format.Separators[0]) : text[position..].IndexOfAny(format.Separators);
            if (length < 0) length = text.Length - position;
            field = line.Slice(position, length);
            position += length;
        }
        return position++ < text.Length;
    }

    private void SkipSpaces(ReadOnlySpan<char> text, ref int position)
    {
        if (_spaceSeparates) return;
        while (position < text.Length && text[position] == ' ') position++;
    }

    /// <summary>At most nine digits and a colon.</summary>
    private static bool TryIndex(ReadOnlySpan<char> text, int position, out int value, out int behind)
    {
        value = 0;
        behind = position;
        while (behind < text.Length && behind < position + 9 && char.IsAsciiDigit(text[behind])) value = value * 10 + (text[behind++] - '0');
        return behind > position && behind < text.Length && text[behind++] == ':';
    }

    /// <summary>A field in quotes; a field whose quotes are wrong is empty, and the line has a problem.</summary>
    private ReadOnlyMemory<char> Quoted(ReadOnlySpan<char> text, ref int position)
    {
        _unquoted.Clear();
        bool closed = false;
        for (position++; position < text.Length && !closed; position++)
        {
            char c = text[position];
            if (format.EscapeChar != '"' && c == format.EscapeChar)
            {
                // Before anything but a quote the escape character is itself, and what follows it is taken as it is.
                if (++position >= text.Length) break;
                if (text[position] != '"') _unquoted.Append(c);
                _unquoted.Append(text[position]);
            }
            else if (c != '"')
            {
                _unquoted.Append(c);
            }
            else if (format.EscapeChar == '"' && position + 1 < text.Length && text[position + 1] == '"')
            {
                _unquoted.Append(text[++position]);
            }
            else
            {
                closed = true;
            }
        }
        bool wrong = !closed;
        for (; position < text.Length && Array.IndexOf(format.Separators, text[position]) < 0; position++) wrong |= text[position] != ' ';
        if (!wrong) return _unquoted.ToString().AsMemory();
        Problem ??= "a quoted field is not closed, or something other than a separator follows it";
        return default;
    }
}
