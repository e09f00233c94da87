using System.Text;

namespace Microsoft.ML.Data;

/// <summary>
/// A model's entry "Schema": ML.NET's binary data format without rows. A header of 256 bytes, each column's annotations, a table of
/// contents (name, codec, compression, rows per block, two offsets), a signature at the end. Numbers are little-endian, lengths LEB128.
/// </summary>
internal static class SchemaStream
{
    private const int HeaderSize = 256;
    private const ulong Signature = 0x00425644004C4D43, TailSignature = 0x434D4C0044564200; // CML DVB, reversed at the end
    private const ulong Version = 0x0001000100010006;
    private const byte Uncompressed = 0, Deflated = 1;
    private const long MaxSize = 512L << 20;

    public static void Write(DataViewSchema schema, Stream destination)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory, Encoding.UTF8);
        writer.Write(new byte[HeaderSize]);
        long[] annotations = [.. schema.Select(c => WriteAnnotations(c, writer))];
        long contents = memory.Position;
        for (int i = 0; i < schema.Count; i++)
        {
            writer.Write(schema[i].Name);
            TypeCodec.Write(schema[i].Type, writer);
            writer.Write(Deflated);
            writer.Write7BitEncodedInt64(1);
            writer.Write((long)HeaderSize); // where the rows would be
            writer.Write(annotations[i]);
        }
        long tail = memory.Position;
        writer.Write(TailSignature);
        memory.Position = 0;
        writer.Write(Signature);
        writer.Write(Version);
        writer.Write(Version);
        writer.Write(contents);
        writer.Write(tail);
        writer.Write(0L);
        writer.Write(schema.Count);
        memory.Position = 0;
        memory.CopyTo(destination);
    }

    /// <summary>The blocks of a column's annotations, then their table; returns the table's offset, 0 if there are none.</summary>
    private static long WriteAnnotations(DataViewSchema.Column column, BinaryWriter writer)
    {
        var blocks = new List<(DataViewSchema.Column Kind, byte Compression, long Offset, int Size)>();
        foreach (DataViewSchema.Column kind in column.Annotations.Schema)
        {
            byte[] plain = ValueCodec.Write(kind.Type, column.Annotations, kind.Name), packed = ValueCodec.Deflate(plain);
            bool smaller = packed.Length < plain.Length;
            blocks.Add((kind, smaller ? Deflated : Uncompressed, writer.BaseStream.Position, smaller ? packed.Length : plain.Length));
            writer.Write(smaller ? packed : plain);
        }
        if (blocks.Count == 0) return 0;
        long table = writer.BaseStream.Position;
        writer.Write7BitEncodedInt64(blocks.Count);
        foreach ((DataViewSchema.Column kind, byte compression, long offset, int size) in blocks)
        {
            writer.Write(kind.Name);
            TypeCodec.Write(kind.Type, writer);
            writer.Write(compression);
            writer.Write(offset);
            writer.Write7BitEncodedInt64(size);
        }
        return table;
    }

    public static DataViewSchema Read(Stream source)
    {
        byte[] bytes = ReadAll(source);
        try
        {
            return Read(bytes);
        }
        catch (Exception e) when (e is EndOfStreamException or ArgumentException or IOException or OverflowException or InvalidDataException)
        {
            throw new FormatException($"The model's entry '{ModelNames.SchemaEntry}' is damaged: {e.Message}", e);
        }
    }

    private static byte[] ReadAll(Stream source)
    {
        using var memory = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = source.Read(buffer)) > 0;)
        {
            Contracts.CheckDecode(memory.Length + read <= MaxSize, $"The model's entry '{ModelNames.SchemaEntry}' is larger than {MaxSize >> 20} MiB.");
            memory.Write(buffer, 0, read);
        }
        return memory.ToArray();
    }

    private static DataViewSchema Read(byte[] bytes)
    {
        Contracts.CheckDecode(bytes.Length >= HeaderSize + sizeof(ulong), $"The model's entry '{ModelNames.SchemaEntry}' is too short ({bytes.Length} bytes).");
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        Contracts.CheckDecode(reader.ReadUInt64() == Signature, $"The model's entry '{ModelNames.SchemaEntry}' does not begin as one.");
        ulong version = reader.ReadUInt64(), compatible = reader.ReadUInt64();
        Contracts.CheckDecode(compatible <= Version, $"The model's schema was written by a newer version ({compatible:x16}; this one reads up to {Version:x16}, it was written as {version:x16}).");
        long contents = reader.ReadInt64(), tail = reader.ReadInt64();
        reader.ReadInt64(); // rows
        int columns = reader.ReadInt32();
        Contracts.CheckDecode(contents >= HeaderSize && contents <= tail && tail == bytes.Length - sizeof(ulong) && columns >= 0,
            $"The model's entry '{ModelNames.SchemaEntry}' points outside of itself.");
        reader.BaseStream.Position = tail;
        Contracts.CheckDecode(reader.ReadUInt64() == TailSignature, $"The model's entry '{ModelNames.SchemaEntry}' does not end as one.");
        reader.BaseStream.Position = contents;
        var builder = new DataViewSchema.Builder();
        for (int i = 0; i < columns; i++)
        {
            string name = reader.ReadString();
            DataViewType? type = TypeCodec.Read(reader);
            byte compression = reader.ReadByte();
            reader.Read7BitEncodedInt64();
            reader.ReadInt64();
            long annotations = reader.ReadInt64();
            // A column of a kind that is not known here is left out, as a reader of a later format must be able to do.
            if (type is null || compression > Deflated) continue;
            builder.AddColumn(name, type, annotations == 0 ? null : ReadAnnotations(bytes, annotations, tail));
        }
        return builder.ToSchema();
    }

    private static DataViewSchema.Annotations ReadAnnotations(byte[] bytes, long table, long tail)
    {
        Contracts.CheckDecode(table >= HeaderSize && table <= tail, "A column's annotations point outside of the schema.");
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        reader.BaseStream.Position = table;
        long count = reader.Read7BitEncodedInt64();
        Contracts.CheckDecode(count > 0, "A column has an empty table of annotations.");
        var builder = new DataViewSchema.Annotations.Builder();
        var kinds = new HashSet<string>();
        for (long i = 0; i < count; i++)
        {
            string kind = reader.ReadString();
            Contracts.CheckDecode(kind.Length > 0 && kinds.Add(kind), $"A column has the annotation '{kind}' twice, or one without a name.");
            DataViewType? type = TypeCodec.Read(reader);
            byte compression = reader.ReadByte();
            long offset = reader.ReadInt64(), size = reader.Read7BitEncodedInt64();
            Contracts.CheckDecode(offset >= HeaderSize && size > 0 && offset <= tail && size <= tail - offset, $"The annotation '{kind}' points outside of the schema.");
            if (type is null || compression > Deflated) continue;
            byte[] block = bytes.AsSpan((int)offset, (int)size).ToArray();
            ValueCodec.Read(type, compression == Deflated ? ValueCodec.Inflate(block, MaxSize) : block, kind, builder);
        }
        return builder.ToAnnotations();
    }
}
