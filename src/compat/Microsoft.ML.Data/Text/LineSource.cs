using System.Text;

namespace Microsoft.ML.Data;

/// <summary>A line of data, or of several where quotes hold the line's end, with where it came from.</summary>
internal readonly record struct TextLine(string Text, long Number, string? Path);

/// <summary>The lines of data of a source: without comments, empty lines and headers.</summary>
internal static class LineSource
{
    public static IEnumerable<TextLine> Read(IMultiStreamSource source, TextFormat format)
    {
        long rows = 0;
        for (int i = 0; i < source.Count; i++)
        {
            bool first = true;
            foreach (TextLine line in ReadFile(source, i, format))
            {
                bool header = first && format.HasHeader;
                first = false;
                if (header) continue;
                if (rows++ >= format.MaxRows) yield break;
                yield return line;
            }
        }
    }

    /// <summary>The first lines, a header included, to find out how lines look.</summary>
    public static IEnumerable<string> First(IMultiStreamSource source, TextFormat format, int count) =>
        Enumerable.Range(0, source.Count).SelectMany(i => ReadFile(source, i, format)).Take(count).Select(l => l.Text);

    private static IEnumerable<TextLine> ReadFile(IMultiStreamSource source, int index, TextFormat format)
    {
        string? path = source.GetPathOrNull(index);
        using TextReader reader = source.OpenTextReader(index);
        var quotes = new OpenQuotes(format);
        bool first = true;
        long number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal) || (first && line[0] == '#')) continue;
            first = false;
            long start = number;
            if (format.ReadMultilines && quotes.StaysOpen(line, false))
            {
                var joined = new StringBuilder(line);
                do
                {
                    line = reader.ReadLine() ?? throw new FormatException($"The quoted field that begins in line {start} of {path ?? "the data"} is never closed.", new EndOfStreamException());
                    number++;
                    joined.Append('\n').Append(line);
                }
                while (quotes.StaysOpen(line, true));
                line = joined.ToString();
            }
            yield return new TextLine(line, start, path);
        }
    }

    /// <summary>Whether a line ends within quotes, so that the next one belongs to it.</summary>
    private readonly struct OpenQuotes(TextFormat format)
    {
        public bool StaysOpen(string line, bool inside)
        {
            int i = 0;
            while (true)
            {
                if (!inside)
                {
                    while (i < line.Length && line[i] == ' ' && !IsSeparator(' ')) i++;
                    if (i >= line.Length) return false;
                    if (line[i] != '"')
                    {
                        while (i < line.Length && !IsSeparator(line[i])) i++;
                        i++;
                        continue;
                    }
                    i++;
                }
                inside = false;
                if (!SkipQuoted(line, ref i)) return true;
                while (i < line.Length && line[i] == ' ' && !IsSeparator(' ')) i++;
                // Something else after the closing quote is an error that the splitter reports; the line ends here.
                if (i < line.Length && !IsSeparator(line[i])) return false;
                i++;
            }
        }

        /// <summary>Moves behind the closing quote; false if there is none.</summary>
        private bool SkipQuoted(string line, ref int i)
        {
            for (; i < line.Length; i++)
            {
                if (line[i] == format.EscapeChar && format.EscapeChar != '"')
                {
                    i++;
                    continue;
                }
                if (line[i] != '"') continue;
                i++;
                if (format.EscapeChar != '"' || i >= line.Length || line[i] != '"') return true;
            }
            return false;
        }

        private bool IsSeparator(char c) => Array.IndexOf(format.Separators, c) >= 0;
    }
}
