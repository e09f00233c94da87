namespace RRec.Weights;

/// <summary>What a GGUF file says about one of its tensors.</summary>
/// <param name="Name">The tensor's name, e.g. <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Shape">The dimensions, slowest first (the file has them the other way round).</param>
/// <param name="Begin">Its first byte in the file.</param>
/// <param name="Length">Its bytes.</param>
internal sealed record GgufTensor(string Name, GgufType Type, long[] Shape, long Begin, long Length)
{
    /// <summary>Values per row: rows are stored one after the other.</summary>
    public long Columns => Shape[^1];

    public long Rows => Shape[..^1].Aggregate(1L, (a, b) => a * b);
}

/// <summary>The types of metadata, with the file's numbers.</summary>
internal enum GgufKind : uint
{
    UInt8, Int8, UInt16, Int16, UInt32, Int32, Float32, Bool, Text, List, UInt64, Int64, Float64,
}

/// <summary>Where a metadata value stands. Values are left in the file until they are asked for: token lists are long, and most keys are not for us.</summary>
/// <param name="Kind">Its type; for a list that of its entries.</param>
/// <param name="IsList">Whether it is a list.</param>
/// <param name="Count">A list's entries; else 1.</param>
/// <param name="At">Its first byte in the file, behind a list's type and count.</param>
internal readonly record struct GgufValue(GgufKind Kind, bool IsList, long Count, long At);

/// <summary>
/// The header of a GGUF file (versions 2 and 3, little-endian): magic, version, the numbers of tensors and of metadata pairs, the pairs, the tensors' names, dimensions,
/// types and offsets; then, aligned, the data. All of it is checked before any data is touched: counts against what is left of the file, every tensor's size for
/// overflow, its place for alignment, for the file's end and for overlaps. Types that are not read are refused here, by name.
/// </summary>
internal sealed class GgufHeader
{
    private const int MaxEntries = 100_000, MaxKeyBytes = 1 << 16, MaxTextBytes = 64 << 20, MaxRow = 1 << 27;

    public Dictionary<string, GgufValue> Metadata { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, GgufTensor> Tensors { get; } = new(StringComparer.Ordinal);

    public static GgufHeader Parse(GgufCursor c)
    {
        if (c.UInt32("the magic") != 0x46554747) throw c.Error("this is not a GGUF file: it does not begin with 'GGUF'");
        uint version = c.UInt32("the version");
        if (version is not (2 or 3)) throw c.Error($"GGUF version {version} is not supported; supported are 2 and 3, little-endian");
        long tensors = c.Count("the number of tensors", MaxEntries, 8 + 4 + 8 + 4 + 8), pairs = c.Count("the number of metadata pairs", MaxEntries, 8 + 4 + 1);
        var header = new GgufHeader();
        for (long i = 0; i < pairs; i++) header.ReadPair(c);
        long alignment = header.Alignment(c);
        var entries = new List<(string Name, uint Type, long[] Shape, ulong Offset)>();
        for (long i = 0; i < tensors; i++) entries.Add(ReadEntry(c));
        string[] refused = [.. entries.Where(e => !GgufType.Known.ContainsKey(e.Type)).Select(e => $"{e.Name} ({GgufType.NameOf(e.Type)})")];
        if (refused.Length > 0)
            throw c.Error($"{refused.Length} of {tensors} tensors are of types that are not supported (supported are {string.Join(", ", GgufType.Known.Values.Select(t => t.Name))}): {NameList.Of(refused, 4)}");
        header.Place(c, entries, checked((c.At + alignment - 1) / alignment * alignment), alignment);
        return header;
    }

    private void ReadPair(GgufCursor c)
    {
        string key = c.Text("a metadata key", MaxKeyBytes);
        GgufKind kind = Kind(c, key);
        bool list = kind == GgufKind.List;
        if (list && (kind = Kind(c, key)) == GgufKind.List) throw c.Error($"'{key}' is a list of lists, which is not supported");
        long count = list ? c.Count($"the length of '{key}'", long.MaxValue, kind == GgufKind.Text ? 8 : Bytes(kind)) : 1;
        if (!Metadata.TryAdd(key, new GgufValue(kind, list, count, c.At))) throw c.Error($"the metadata key '{key}' is there twice");
        if (kind != GgufKind.Text) c.Skip(count * Bytes(kind), $"'{key}'");   // cannot overflow: the count was held against the file's length
        else for (long i = 0; i < count; i++) c.TextBytes($"'{key}'", MaxTextBytes);
    }

    private static GgufKind Kind(GgufCursor c, string key)
    {
        uint number = c.UInt32($"the type of '{key}'");
        return number <= (uint)GgufKind.Float64 ? (GgufKind)number : throw c.Error($"'{key}' has the unknown metadata type {number}");
    }

    internal static int Bytes(GgufKind kind) => kind switch
    {
        GgufKind.UInt8 or GgufKind.Int8 or GgufKind.Bool => 1,
        GgufKind.UInt16 or GgufKind.Int16 => 2,
        GgufKind.UInt32 or GgufKind.Int32 or GgufKind.Float32 => 4,
        _ => 8,
    };

    private long Alignment(GgufCursor c)
    {
        if (!Metadata.TryGetValue("general.alignment", out GgufValue value)) return 32;
        if (value.IsList || value.Kind != GgufKind.UInt32) throw c.Error("'general.alignment' must be an unsigned 32-bit number");
        uint alignment = c.UInt32At(value.At);
        return System.Numerics.BitOperations.IsPow2(alignment) && alignment <= 1 << 20 ? alignment
            : throw c.Error($"'general.alignment' is {alignment}; a power of two up to {1 << 20:N0} is needed");
    }

    private static (string Name, uint Type, long[] Shape, ulong Offset) ReadEntry(GgufCursor c)
    {
        string name = c.Text("a tensor's name", MaxKeyBytes);
        uint dimensions = c.UInt32($"the number of dimensions of '{name}'");
        if (dimensions is < 1 or > 4) throw c.Error($"tensor '{name}' has {dimensions} dimensions; 1 to 4 are needed");
        long[] shape = new long[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            ulong size = c.UInt64($"a dimension of '{name}'");
            shape[i] = size is >= 1 and <= int.MaxValue ? (long)size : throw c.Error($"tensor '{name}' has a dimension of {size:N0}; 1 to {int.MaxValue:N0} is needed");
        }
        return (name, c.UInt32($"the type of '{name}'"), shape, c.UInt64($"the offset of '{name}'"));
    }

    private void Place(GgufCursor c, List<(string Name, uint Type, long[] Shape, ulong Offset)> entries, long data, long alignment)
    {
        foreach ((string name, uint number, long[] shape, ulong offset) in entries)
        {
            GgufType type = GgufType.Known[number];
            string text = $"tensor '{name}' [{string.Join(", ", shape)}] of {type.Name}";
            if (shape[^1] % type.BlockValues != 0) throw c.Error($"{text}: rows are no multiple of {type.BlockValues} values");
            if (shape[^1] > MaxRow) throw c.Error($"{text}: rows of more than {MaxRow:N0} values are not read");
            Int128 bytes = (Int128)shape[^1] / type.BlockValues * type.BlockBytes;
            foreach (long size in shape[..^1]) bytes = bytes <= c.Length ? bytes * size : bytes;
            if (offset % (ulong)alignment != 0) throw c.Error($"{text} is at offset {offset:N0}, which is no multiple of the alignment {alignment}");
            if ((Int128)offset + bytes + data > c.Length) throw c.Error($"{text} takes {bytes:N0} bytes from offset {offset:N0} and so goes beyond the file's end; truncated?");
            if (!Tensors.TryAdd(name, new GgufTensor(name, type, shape, data + (long)offset, (long)bytes))) throw c.Error($"tensor '{name}' is there twice");
        }
        GgufTensor? before = null;
        foreach (GgufTensor t in Tensors.Values.OrderBy(t => t.Begin))
        {
            if (before is not null && before.Begin + before.Length > t.Begin) throw c.Error($"tensors '{before.Name}' and '{t.Name}' overlap");
            before = t;
        }
    }
}
