using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Data;

public sealed partial class TextLoader
{
    public class Options
    {
        /// <summary>A field in quotes may hold separators; a quote inside it is written twice.</summary>
        public bool AllowQuoting;

        /// <summary>Items of the form index:value are the values of a vector that is zero elsewhere.</summary>
        public bool AllowSparse;

        /// <summary>How many fields a line has (fields before sparse items included); null: as many as there are.</summary>
        public int? InputSize;

        public char[] Separators = ['\t'];

        /// <summary>The point in numbers: . or ,</summary>
        public char DecimalMarker = '.';

        /// <summary>The columns; none: a label from the first field, features from the others.</summary>
        public Column[]? Columns;

        /// <summary>Spaces at the end of a line are dropped.</summary>
        public bool TrimWhitespace;

        public bool HasHeader;

        /// <summary>Kept for compatibility: one thread is fast enough here.</summary>
        public bool UseThreads = true;

        /// <summary>A line's end inside of quotes belongs to the field. Ignored without <see cref="AllowQuoting"/>.</summary>
        public bool ReadMultilines;

        /// <summary>A file whose first line names the fields, instead of the data's own header.</summary>
        public string? HeaderFile;

        public long? MaxRows;

        /// <summary>What stands before a quote that is part of a field. The quote itself by default.</summary>
        public char EscapeChar = '"';

        /// <summary>Empty fields of number columns are not-a-number instead of 0.</summary>
        public bool MissingRealsAsNaNs;
    }

    public sealed class Column
    {
        public string Name;
        public Range[]? Source;
        public KeyCount? KeyCount;

        public Column() => Name = null!;

        public Column(string name, DataKind dataKind, int index) : this(name, dataKind, [new Range(index)]) { }

        public Column(string name, DataKind dataKind, int minIndex, int maxIndex) : this(name, dataKind, [new Range(minIndex, maxIndex)]) { }

        public Column(string name, DataKind dataKind, Range[] source, KeyCount? keyCount = null)
        {
            Name = Contracts.CheckRef(name, nameof(name));
            Source = Contracts.CheckRef(source, nameof(source));
            DataKind = dataKind;
            KeyCount = keyCount;
        }

        public DataKind DataKind { get; set; } = DataKind.Single;
    }

    /// <summary>Fields of a text file, by their 0-based place.</summary>
    public sealed class Range
    {
        public int Min;

        /// <summary>The last field, inclusive; null: to the end (<see cref="AutoEnd"/>, <see cref="VariableEnd"/>), else the same as Min.</summary>
        public int? Max;

        /// <summary>To the last field of the data sample's lines: a vector of known size.</summary>
        public bool AutoEnd;

        /// <summary>To the end of each line: a vector of variable size.</summary>
        public bool VariableEnd;

        /// <summary>All fields that no other column takes.</summary>
        public bool AllOther;

        /// <summary>A single field is a vector of one.</summary>
        public bool ForceVector;

        public Range() { }

        public Range(int index)
        {
            Contracts.CheckParam(index >= 0, nameof(index), "A field's place is not negative.");
            Min = index;
            Max = index;
        }

        public Range(int min, int? max)
        {
            Contracts.CheckParam(min >= 0, nameof(min), "A field's place is not negative.");
            Contracts.CheckParam(!(max < min), nameof(max), $"The last field {max} comes before the first one {min}.");
            Min = min;
            Max = max;
            // Without a last field the range goes on to the end of the sample's lines.
            AutoEnd = max is null;
        }
    }
}

/// <summary>How lines are written, once all options are checked.</summary>
internal sealed record TextFormat(char[] Separators, char EscapeChar, char DecimalMarker, int InputSize, long MaxRows, bool AllowQuoting,
    bool AllowSparse, bool TrimWhitespace, bool HasHeader, bool ReadMultilines, bool MissingRealsAsNaNs)
{
    public static TextFormat Create(TextLoader.Options options, bool hasHeaderFile)
    {
        Contracts.CheckParam(options.Separators is { Length: > 0 }, nameof(options.Separators), "There must be a separator.");
        char[] separators = [.. options.Separators.Distinct()];
        foreach (char c in separators)
        {
            if (c is (< ' ' and not '\t') or (>= '0' and <= '9') or '"') throw Illegal("Separator", $"The character {(int)c} cannot be a separator.");
            if (c == ':' && options.AllowSparse) throw Illegal("Separator", "A colon cannot be a separator where sparse items (index:value) are allowed.");
        }
        if (options.DecimalMarker is not ('.' or ',')) throw Illegal(nameof(options.DecimalMarker), $"The decimal marker must be . or , and not '{options.DecimalMarker}'.");
        if (!options.AllowQuoting && options.DecimalMarker == ',' && separators.Contains(','))
            throw Illegal(nameof(options.AllowQuoting), "Where the comma is both separator and decimal marker, quoting must be allowed.");
        if (separators.Contains(options.EscapeChar)) throw Illegal(nameof(options.EscapeChar), $"'{options.EscapeChar}' is both escape character and separator.");
        Contracts.CheckParam(!(options.MaxRows < 0), nameof(options.MaxRows), "The number of rows must not be negative.");
        Contracts.Check(!(options.InputSize < 0), "The number of fields must not be negative.");
        return new TextFormat(separators, options.EscapeChar, options.DecimalMarker, Math.Min(options.InputSize ?? 0, int.MaxValue - 1), options.MaxRows ?? long.MaxValue,
            options.AllowQuoting, options.AllowSparse, options.TrimWhitespace, options.HasHeader && !hasHeaderFile,
            options.AllowQuoting && options.ReadMultilines, options.MissingRealsAsNaNs);
    }

    [DoesNotReturn]
    private static Exception Illegal(string option, string message) => throw new ArgumentOutOfRangeException(option, message);
}
