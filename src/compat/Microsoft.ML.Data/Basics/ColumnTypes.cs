using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Data;

/// <summary>The correspondence between .NET types, <see cref="DataKind"/> and column types.</summary>
internal static class ColumnTypes
{
    private static readonly (DataKind? Kind, PrimitiveDataViewType Type)[] All =
    [
        (DataKind.SByte, NumberDataViewType.SByte), (DataKind.Byte, NumberDataViewType.Byte),
        (DataKind.Int16, NumberDataViewType.Int16), (DataKind.UInt16, NumberDataViewType.UInt16),
        (DataKind.Int32, NumberDataViewType.Int32), (DataKind.UInt32, NumberDataViewType.UInt32),
        (DataKind.Int64, NumberDataViewType.Int64), (DataKind.UInt64, NumberDataViewType.UInt64),
        (DataKind.Single, NumberDataViewType.Single), (DataKind.Double, NumberDataViewType.Double),
        (DataKind.String, TextDataViewType.Instance), (DataKind.Boolean, BooleanDataViewType.Instance),
        (DataKind.TimeSpan, TimeSpanDataViewType.Instance), (DataKind.DateTime, DateTimeDataViewType.Instance),
        (DataKind.DateTimeOffset, DateTimeOffsetDataViewType.Instance), (null, RowIdDataViewType.Instance),
    ];

    private static readonly Dictionary<Type, PrimitiveDataViewType> ByRawType = All.ToDictionary(t => t.Type.RawType, t => t.Type);
    private static readonly Dictionary<DataKind, PrimitiveDataViewType> ByKind = All.Where(t => t.Kind is not null).ToDictionary(t => t.Kind!.Value, t => t.Type);
    private static readonly Dictionary<Type, DataKind> KindByRawType = All.Where(t => t.Kind is not null).ToDictionary(t => t.Type.RawType, t => t.Kind!.Value);

    public static bool TryFromRaw(Type raw, [NotNullWhen(true)] out PrimitiveDataViewType? type) => ByRawType.TryGetValue(raw, out type);

    public static PrimitiveDataViewType FromRaw(Type raw) => ByRawType[raw];

    public static bool TryFromKind(DataKind kind, [NotNullWhen(true)] out PrimitiveDataViewType? type) => ByKind.TryGetValue(kind, out type);

    public static DataKind KindOf(DataViewType type) => KindByRawType[type.RawType];

    public static bool TryKindOf(Type raw, out DataKind kind) => KindByRawType.TryGetValue(raw == typeof(string) ? typeof(ReadOnlyMemory<char>) : raw, out kind);

    public static PrimitiveDataViewType ItemType(DataViewType type) => type is VectorDataViewType vector ? vector.ItemType : (PrimitiveDataViewType)type;

    /// <summary>What a .NET member holds: an array or a VBuffer is a vector, a string is text.</summary>
    public static (Type Item, bool IsVector) OfMember(Type member)
    {
        (Type item, bool vector) = member.IsArray ? (member.GetElementType()!, true)
            : member.IsGenericType && member.GetGenericTypeDefinition() == typeof(VBuffer<>) ? (member.GetGenericArguments()[0], true)
            : (member, false);
        return (item == typeof(string) ? typeof(ReadOnlyMemory<char>) : item, vector);
    }

    /// <summary>The column's index, or -1 (hidden columns are not found by name).</summary>
    public static int IndexOf(this DataViewSchema schema, string name) => schema.GetColumnOrNull(name)?.Index ?? -1;

    /// <summary>A column that has the given name and hides nothing else in this schema.</summary>
    public static string UnusedName(this DataViewSchema schema, string start)
    {
        string name = start;
        for (int i = 0; schema.IndexOf(name) >= 0; i++) name = $"{start}_{i}";
        return name;
    }

    /// <summary>Which columns of the schema are wanted, by index.</summary>
    public static bool[] Mask(this DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        var mask = new bool[schema.Count];
        foreach (DataViewSchema.Column column in Contracts.CheckRef(columns, nameof(columns)))
        {
            Contracts.Check(column.Index < mask.Length, $"Column '{column.Name}' (index {column.Index}) is not part of this view's schema.");
            mask[column.Index] = true;
        }
        return mask;
    }

    public static IEnumerable<DataViewSchema.Column> Where(this DataViewSchema schema, bool[] mask) => schema.Where(c => mask[c.Index]);
}
