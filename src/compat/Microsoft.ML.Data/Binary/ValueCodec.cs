using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Data;

/// <summary>One annotation's value in the binary data format: a block that holds a single value.</summary>
internal static class ValueCodec
{
    public static byte[] Write(DataViewType type, DataViewSchema.Annotations annotations, string kind)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory, Encoding.UTF8);
        string method = type is VectorDataViewType ? nameof(WriteVector) : nameof(WriteScalar);
        Generic.Call<object?>(typeof(ValueCodec), method, null, ColumnTypes.ItemType(type).RawType, writer, type, annotations, kind);
        writer.Flush();
        return memory.ToArray();
    }

    private static object? WriteScalar<T>(BinaryWriter writer, DataViewType type, DataViewSchema.Annotations annotations, string kind)
    {
        T value = default!;
        annotations.GetValue(kind, ref value);
        WriteItems<T>(writer, [value]);
        return null;
    }

    private static object? WriteVector<T>(BinaryWriter writer, DataViewType type, DataViewSchema.Annotations annotations, string kind)
    {
        VBuffer<T> value = default;
        annotations.GetValue(kind, ref value);
        writer.Write(1); // vectors
        writer.Write(value.Length);
        if (value.Length == 0) writer.Write(0); // lengths that are not all the same and positive are listed
        writer.Write(value.IsDense ? -1 : value.GetValues().Length);
        ReadOnlySpan<int> indices = value.IsDense ? default : value.GetIndices();
        writer.Write(indices.Length);
        foreach (int index in indices) writer.Write(index);
        WriteItems(writer, value.GetValues());
        return null;
    }

    public static void WriteItems<T>(BinaryWriter writer, ReadOnlySpan<T> values)
    {
        if (typeof(T) == typeof(ReadOnlyMemory<char>))
        {
            var text = new StringBuilder();
            writer.Write(values.Length);
            foreach (T value in values)
            {
                text.Append((ReadOnlyMemory<char>)(object)value!);
                writer.Write(text.Length);
            }
            writer.Write(text.ToString());
        }
        else if (typeof(T) == typeof(bool))
        {
            for (int start = 0; start < values.Length; start += 8)
            {
                int bits = 0;
                for (int i = start; i < Math.Min(start + 8, values.Length); i++)
                    if ((bool)(object)values[i]!) bits |= 1 << (i - start);
                writer.Write((byte)bits);
            }
        }
        else if (typeof(T) == typeof(DateTimeOffset))
        {
            foreach (T value in values) writer.Write((short)((DateTimeOffset)(object)value!).Offset.TotalMinutes);
            foreach (T value in values) writer.Write(((DateTimeOffset)(object)value!).DateTime.Ticks);
        }
        else if (typeof(T) == typeof(DateTime))
        {
            foreach (T value in values) writer.Write(((DateTime)(object)value!).Ticks);
        }
        else
        {
            foreach (T value in values) WriteRaw(writer, value);
        }
    }

    private static void WriteRaw<T>(BinaryWriter writer, T value) => Generic.Call<object?>(typeof(ValueCodec), nameof(RawBytes), null, typeof(T), writer, value);

    private static object? RawBytes<T>(BinaryWriter writer, T value) where T : unmanaged
    {
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
        return null;
    }

    public static void Read(DataViewType type, byte[] block, string kind, DataViewSchema.Annotations.Builder builder)
    {
        using var reader = new BinaryReader(new MemoryStream(block), Encoding.UTF8);
        string method = type is VectorDataViewType ? nameof(ReadVector) : nameof(ReadScalar);
        builder.Add(kind, type, Generic.Call<Delegate>(typeof(ValueCodec), method, null, ColumnTypes.ItemType(type).RawType, reader, type, kind));
    }

    private static Delegate ReadScalar<T>(BinaryReader reader, DataViewType type, string kind)
    {
        T value = ReadItems<T>(reader, 1)[0];
        return (ValueGetter<T>)((ref T dst) => dst = value);
    }

    private static Delegate ReadVector<T>(BinaryReader reader, DataViewType type, string kind)
    {
        Contracts.CheckDecode(reader.ReadInt32() == 1, $"The annotation '{kind}' has not exactly one value.");
        int length = reader.ReadInt32();
        if (length == 0) length = reader.ReadInt32();
        int explicitValues = reader.ReadInt32(), indexCount = reader.ReadInt32(), known = ((VectorDataViewType)type).Size;
        bool dense = explicitValues == -1;
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        Contracts.CheckDecode(length >= 0 && (known == 0 || known == length), $"The annotation '{kind}' has {length} values, not {known}.");
        Contracts.CheckDecode(indexCount == (dense ? 0 : explicitValues) && (dense || (explicitValues >= 0 && explicitValues <= length)) && indexCount <= left / sizeof(int),
            $"The annotation '{kind}' is damaged.");
        var indices = new int[indexCount];
        for (int i = 0; i < indexCount; i++)
        {
            indices[i] = reader.ReadInt32();
            Contracts.CheckDecode(indices[i] > (i == 0 ? -1 : indices[i - 1]) && indices[i] < length, $"The annotation '{kind}' has values out of order.");
        }
        T[] values = ReadItems<T>(reader, dense ? length : explicitValues);
        VBuffer<T> vector = dense ? new VBuffer<T>(length, values) : new VBuffer<T>(length, explicitValues, values, indices);
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> dst) => vector.CopyTo(ref dst));
    }

    public static T[] ReadItems<T>(BinaryReader reader, int count)
    {
        if (typeof(T) == typeof(ReadOnlyMemory<char>)) return (T[])(object)ReadTexts(reader, count);
        // No more than is there must be allocated.
        long bitsEach = typeof(T) == typeof(bool) ? 1 : typeof(T) == typeof(DateTimeOffset) ? 80 : Unsafe.SizeOf<T>() * 8L;
        Contracts.CheckDecode(count <= (reader.BaseStream.Length - reader.BaseStream.Position) * 8 / bitsEach, $"A list of {count} values ends before its last one.");
        var values = new T[count];
        if (typeof(T) == typeof(bool))
        {
            byte bits = 0;
            for (int i = 0; i < count; i++)
            {
                if (i % 8 == 0) bits = reader.ReadByte();
                values[i] = (T)(object)((bits >> (i % 8) & 1) != 0);
            }
        }
        else if (typeof(T) == typeof(DateTimeOffset))
        {
            var offsets = new short[count];
            for (int i = 0; i < count; i++) offsets[i] = reader.ReadInt16();
            for (int i = 0; i < count; i++) values[i] = (T)(object)new DateTimeOffset(new DateTime(reader.ReadInt64()), TimeSpan.FromMinutes(offsets[i]));
        }
        else if (typeof(T) == typeof(DateTime))
        {
            for (int i = 0; i < count; i++) values[i] = (T)(object)new DateTime(reader.ReadInt64());
        }
        else
        {
            Generic.Call<object?>(typeof(ValueCodec), nameof(ReadRaw), null, typeof(T), reader, values);
        }
        return values;
    }

    private static object? ReadRaw<T>(BinaryReader reader, T[] values) where T : unmanaged
    {
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return null;
    }

    private static ReadOnlyMemory<char>[] ReadTexts(BinaryReader reader, int count)
    {
        Contracts.CheckDecode(reader.ReadInt32() == count && count <= (reader.BaseStream.Length - reader.BaseStream.Position) / sizeof(int),
            "A list of texts has not as many as said.");
        var ends = new int[count];
        for (int i = 0; i < count; i++)
        {
            ends[i] = reader.ReadInt32() & int.MaxValue; // the high bit once meant a missing text, which is an empty one now
            Contracts.CheckDecode(ends[i] >= (i == 0 ? 0 : ends[i - 1]), "A list of texts is out of order.");
        }
        string text = reader.ReadString();
        Contracts.CheckDecode(text.Length == (count == 0 ? 0 : ends[^1]), "A list of texts has not the length that is said.");
        return [.. ends.Select((end, i) => text.AsMemory((i == 0 ? 0 : ends[i - 1])..end))];
    }

    public static byte[] Deflate(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var deflate = new DeflateStream(memory, CompressionMode.Compress, leaveOpen: true)) deflate.Write(bytes);
        return memory.ToArray();
    }

    public static byte[] Inflate(byte[] bytes, long limit)
    {
        using var inflate = new DeflateStream(new MemoryStream(bytes), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = inflate.Read(buffer)) > 0;)
        {
            Contracts.CheckDecode(memory.Length + read <= limit, $"An annotation is larger than {limit >> 20} MiB.");
            memory.Write(buffer, 0, read);
        }
        return memory.ToArray();
    }
}
