namespace Microsoft.ML.Data;

/// <summary>Consecutive fields of a line; to its end where <see cref="Lim"/> is the greatest int.</summary>
internal readonly record struct Segment(int Min, int Lim, bool ForceVector)
{
    public bool IsVariable => Lim == int.MaxValue;
}

/// <summary>A column and the fields that it is read from.</summary>
internal sealed class TextColumn
{
    public TextColumn(string name, PrimitiveDataViewType itemType, Segment[] segments, bool fromUser)
    {
        Segment[] sorted = [.. segments.OrderBy(s => s.Min)];
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i - 1].Lim <= sorted[i].Min) continue;
            string message = $"Two ranges of column '{name}' overlap.";
            throw fromUser ? new ArgumentOutOfRangeException(nameof(TextLoader.Column.Source), message) : new FormatException(message);
        }
        (Name, Segments) = (name, segments);
        FixedSize = segments.Where(s => !s.IsVariable).Sum(s => s.Lim - s.Min);
        bool variable = segments.Any(s => s.IsVariable);
        Type = variable ? new VectorDataViewType(itemType)
            : FixedSize > 1 || segments[0].ForceVector ? new VectorDataViewType(itemType, FixedSize) : itemType;
    }

    public string Name { get; }
    public DataViewType Type { get; }
    public Segment[] Segments { get; }

    /// <summary>How many fields the segments of known length have.</summary>
    public int FixedSize { get; }

    public bool IsVariable => Segments.Any(s => s.IsVariable);
}

/// <summary>The columns of a text loader and the schema that they make.</summary>
internal sealed class TextColumns
{
    private readonly string? _header;

    private TextColumns(TextColumn[] items, TextFormat format, string? header)
    {
        Items = items;
        _header = header;
        var builder = new DataViewSchema.Builder();
        string[] names = string.IsNullOrEmpty(header) ? [] : new FieldSplitter(format, int.MaxValue).SplitDense(header);
        foreach (TextColumn column in items) builder.AddColumn(column.Name, column.Type, SlotNames(column, names));
        Schema = builder.ToSchema();
    }

    public TextColumn[] Items { get; }
    public DataViewSchema Schema { get; }

    public static TextColumns Create(TextLoader.Column[] columns, TextFormat format, IMultiStreamSource? headerFile, IMultiStreamSource? sample)
    {
        foreach (TextLoader.Column column in columns)
            Contracts.CheckParam(column.Source is { Length: > 0 }, nameof(column.Source), $"Column '{column.Name}' has no fields to be read from.");
        string? header = headerFile is not null ? LineSource.First(headerFile, format, 1).FirstOrDefault() : null;
        if (header is null && format.HasHeader && sample is not null) header = LineSource.First(sample, format, 1).FirstOrDefault();
        int fields = columns.Any(c => c.Source!.Any(r => r.AutoEnd && r.Max is null)) ? FieldCount(format, headerFile, sample) : 0;

        var segments = new Segment[columns.Length][];
        (int Column, int Range)? other = null;
        for (int i = 0; i < columns.Length; i++)
        {
            Contracts.CheckNonWhiteSpace(columns[i].Name, nameof(TextLoader.Column.Name));
            for (int r = 0; r < columns[i].Source!.Length; r++)
            {
                if (!columns[i].Source![r].AllOther) continue;
                Contracts.CheckParam(other is null, nameof(TextLoader.Range.AllOther), "Only one range can take all other fields.");
                other = (i, r);
            }
            segments[i] = [.. columns[i].Source!.Select(range => ToSegment(range, fields))];
        }
        if (other is { } place) segments[place.Column] = TakeOthers(segments, place.Column, place.Range);
        return new TextColumns([.. columns.Select((c, i) => new TextColumn(c.Name.Trim(), ItemType(c), segments[i], fromUser: true))], format, header);
    }

    private static Segment ToSegment(TextLoader.Range range, int fields)
    {
        Contracts.CheckParam(range.Min is >= 0 and < int.MaxValue - 1, nameof(range.Min), "A field's place is not negative.");
        if (range.Max is { } max)
        {
            Contracts.CheckParam(max >= range.Min && max < int.MaxValue - 1, nameof(range.Max), $"The last field {max} comes before the first one {range.Min}.");
            return new Segment(range.Min, max + 1, range.ForceVector);
        }
        if (range.AutoEnd)
        {
            Contracts.CheckParam(range.Min < fields, nameof(range.Min), $"Field {range.Min} is not there: the lines have {fields} fields.");
            return new Segment(range.Min, fields, true);
        }
        return range.VariableEnd ? new Segment(range.Min, int.MaxValue, true) : new Segment(range.Min, range.Min + 1, range.ForceVector);
    }

    /// <summary>Replaces the range "all other" by the gaps that the other segments leave in it.</summary>
    private static Segment[] TakeOthers(Segment[][] segments, int column, int range)
    {
        Segment all = segments[column][range];
        var gaps = new List<Segment>();
        int min = all.Min;
        foreach (Segment taken in segments.SelectMany((s, c) => s.Where((_, r) => (c, r) != (column, range))).OrderBy(s => s.Min))
        {
            if (min >= all.Lim) break;
            if (min < taken.Min) gaps.Add(new Segment(min, Math.Min(taken.Min, all.Lim), true));
            min = Math.Max(min, taken.Lim);
        }
        if (min < all.Lim) gaps.Add(new Segment(min, all.Lim, true));
        Segment[] result = [.. segments[column][..range], .. gaps, .. segments[column][(range + 1)..]];
        Contracts.CheckParam(result.Length > 0, nameof(TextLoader.Range.AllOther), "The other columns leave no field.");
        return result;
    }

    private static PrimitiveDataViewType ItemType(TextLoader.Column column)
    {
        DataKind kind = column.DataKind == default ? column.KeyCount is null ? DataKind.Single : DataKind.UInt32 : column.DataKind;
        if (!ColumnTypes.TryFromKind(kind, out PrimitiveDataViewType? type))
            throw new ArgumentOutOfRangeException(nameof(TextLoader.Column.DataKind), $"Column '{column.Name}' has an unknown data kind {kind}.");
        return column.KeyCount is { } key ? new KeyDataViewType(type.RawType, key.Count ?? type.RawType.ToMaxInt()) : type;
    }

    /// <summary>The number of fields of a sample's first lines, which must agree.</summary>
    private static int FieldCount(TextFormat format, IMultiStreamSource? headerFile, IMultiStreamSource? sample)
    {
        if (format.InputSize > 0) return format.InputSize;
        var splitter = new FieldSplitter(format, int.MaxValue);
        IEnumerable<string> lines = (headerFile is null ? [] : LineSource.First(headerFile, format, 1)).Concat(sample is null ? [] : LineSource.First(sample, format, 100));
        int[] counts = [.. lines.Select(splitter.Split).Where(count => count > 0).Distinct()];
        Contracts.CheckParam(counts.Length > 0, nameof(TextLoader.Column.Source), "A range goes to the last field, but there is no data to tell how many fields there are.");
        Contracts.CheckParam(counts.Length == 1, nameof(TextLoader.Column.Source), $"The lines have different numbers of fields: {string.Join(", ", counts)}.");
        return counts[0];
    }

    private static DataViewSchema.Annotations? SlotNames(TextColumn column, string[] names)
    {
        if (column.IsVariable || column.Type is not VectorDataViewType vector || names.Length == 0) return null;
        string[] slots = [.. column.Segments.SelectMany(s => Enumerable.Range(s.Min, s.Lim - s.Min)).Select(i => i < names.Length ? names[i].Trim() : "")];
        if (slots.All(s => s.Length == 0)) return null;
        var builder = new DataViewSchema.Annotations.Builder();
        var type = new VectorDataViewType(TextDataViewType.Instance, vector.Size);
        builder.Add(AnnotationUtils.Kinds.SlotNames, type, AnnotationValue.Getter(slots, type));
        return builder.ToAnnotations();
    }

    public void Save(ModelSaveContext ctx)
    {
        ctx.Writer.Write(Items.Length);
        foreach (TextColumn column in Items)
        {
            PrimitiveDataViewType type = ColumnTypes.ItemType(column.Type);
            ctx.SaveNonEmptyString(column.Name);
            ctx.Writer.Write((byte)type.GetRawKind());
            ctx.Writer.Write(type is KeyDataViewType);
            if (type is KeyDataViewType key) ctx.Writer.Write(key.Count);
            ctx.Writer.Write(column.Segments.Length);
            foreach (Segment segment in column.Segments)
            {
                ctx.Writer.Write(segment.Min);
                ctx.Writer.Write(segment.Lim);
                ctx.Writer.Write(segment.ForceVector);
            }
        }
        if (!string.IsNullOrEmpty(_header)) ctx.SaveTextStream("Header.txt", writer => writer.WriteLine(_header));
    }

    public static TextColumns Load(ModelLoadContext ctx, TextFormat format, bool hasForceVector, bool hasPlainKeys)
    {
        BinaryReader reader = ctx.Reader;
        int count = reader.ReadInt32();
        Contracts.CheckDecode(count is > 0 and <= 1_000_000, $"A saved text loader claims to have {count} columns.");
        var columns = new List<TextColumn>();
        for (int i = 0; i < count; i++)
        {
            string name = ctx.LoadNonEmptyString();
            byte kind = reader.ReadByte();
            if (!ColumnTypes.TryFromKind((DataKind)kind, out PrimitiveDataViewType? type)) throw new FormatException($"Column '{name}' of a saved text loader has an unknown kind {kind}.");
            if (reader.ReadBoolean())
            {
                Contracts.CheckDecode(KeyDataViewType.IsValidDataType(type.RawType) && hasPlainKeys, $"Column '{name}' of a saved text loader is a key that cannot be read.");
                ulong keys = reader.ReadUInt64();
                Contracts.CheckDecode(keys > 0 && keys <= type.RawType.ToMaxInt(), $"Column '{name}' of a saved text loader is a key of {keys} values.");
                type = new KeyDataViewType(type.RawType, keys);
            }
            int segmentCount = reader.ReadInt32();
            Contracts.CheckDecode(segmentCount is > 0 and <= 1_000_000, $"Column '{name}' of a saved text loader claims to have {segmentCount} ranges.");
            var segments = new List<Segment>();
            for (int s = 0; s < segmentCount; s++)
            {
                int min = reader.ReadInt32(), lim = reader.ReadInt32();
                Contracts.CheckDecode(min >= 0 && min < lim, $"Column '{name}' of a saved text loader has the range {min} to {lim}.");
                segments.Add(new Segment(min, lim, hasForceVector && reader.ReadBoolean()));
            }
            columns.Add(new TextColumn(name, type, [.. segments], fromUser: false));
        }
        string? header = null;
        ctx.TryLoadTextStream("Header.txt", text => header = text.ReadLine());
        return new TextColumns([.. columns], format, header);
    }
}
