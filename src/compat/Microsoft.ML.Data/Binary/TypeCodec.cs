using System.Text;

namespace Microsoft.ML.Data;

/// <summary>A column type in the binary data format: a name and, with their length before them, parameters: a vector's item and dimensions, a key's item and count.</summary>
internal static class TypeCodec
{
    private const string Text = "TextSpan", Vector = "VBuffer", Key = "Key2";

    public static void Write(DataViewType type, BinaryWriter writer)
    {
        byte[] parameters = Parameters(type);
        writer.Write(type switch
        {
            VectorDataViewType => Vector,
            KeyDataViewType => Key,
            TextDataViewType => Text,
            _ => type.RawType.Name,
        });
        writer.Write7BitEncodedInt64(parameters.Length);
        writer.Write(parameters);
    }

    private static byte[] Parameters(DataViewType type)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory, Encoding.UTF8);
        switch (type)
        {
            case VectorDataViewType vector:
                Write(vector.ItemType, writer);
                writer.Write(vector.Dimensions.Length);
                foreach (int size in vector.Dimensions) writer.Write(size);
                break;
            case KeyDataViewType key:
                Write(ColumnTypeExtensions.PrimitiveTypeFromType(key.RawType), writer);
                writer.Write(key.Count);
                break;
        }
        writer.Flush();
        return memory.ToArray();
    }

    /// <summary>Null, and the reader after the parameters, where the name is not known.</summary>
    public static DataViewType? Read(BinaryReader reader)
    {
        string name = reader.ReadString();
        Contracts.CheckDecode(name.Length > 0, "A column type has no name.");
        long length = reader.Read7BitEncodedInt64(), start = reader.BaseStream.Position;
        Contracts.CheckDecode(length >= 0 && length <= reader.BaseStream.Length - start, $"The parameters of column type '{name}' go beyond the stream's end.");
        DataViewType? type = name switch
        {
            Vector => ReadVector(reader),
            Key => ReadKey(reader),
            Text => TextDataViewType.Instance,
            _ => Simple.GetValueOrDefault(name),
        };
        Contracts.CheckDecode(type is null || reader.BaseStream.Position - start == length, $"The parameters of column type '{name}' have not the length that is said.");
        reader.BaseStream.Position = start + length;
        return type;
    }

    private static readonly Dictionary<string, PrimitiveDataViewType> Simple = new PrimitiveDataViewType[]
    {
        NumberDataViewType.SByte, NumberDataViewType.Byte, NumberDataViewType.Int16, NumberDataViewType.UInt16, NumberDataViewType.Int32,
        NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64, NumberDataViewType.Single, NumberDataViewType.Double,
        BooleanDataViewType.Instance, TimeSpanDataViewType.Instance, DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance,
        RowIdDataViewType.Instance,
    }.ToDictionary(t => t.RawType.Name);

    private static VectorDataViewType? ReadVector(BinaryReader reader)
    {
        DataViewType? item = Read(reader);
        int rank = reader.ReadInt32();
        Contracts.CheckDecode(rank is >= 0 and <= 64, $"A vector type claims to have {rank} dimensions.");
        var sizes = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            sizes[i] = reader.ReadInt32();
            Contracts.CheckDecode(sizes[i] >= 0, "A vector type has a negative size.");
        }
        if (item is null) return null;
        Contracts.CheckDecode(item is PrimitiveDataViewType, "A vector type is made of vectors.");
        return rank == 0 ? new VectorDataViewType((PrimitiveDataViewType)item) : new VectorDataViewType((PrimitiveDataViewType)item, sizes);
    }

    private static KeyDataViewType? ReadKey(BinaryReader reader)
    {
        DataViewType? item = Read(reader);
        ulong count = reader.ReadUInt64();
        if (item is null) return null;
        Contracts.CheckDecode(KeyDataViewType.IsValidDataType(item.RawType) && count > 0, $"A key type of {count} values of {item.RawType} cannot be.");
        return new KeyDataViewType(item.RawType, count);
    }
}
