using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Data;

/// <summary>From .NET types and <see cref="DataKind"/> to column types, and what of a schema is asked for.</summary>
internal static class ColumnTypes
{
    public static bool TryFromRaw(Type raw, [NotNullWhen(true)] out PrimitiveDataViewType? type) =>
        (type = raw.TryGetDataKind(out InternalDataKind kind) ? ColumnTypeExtensions.PrimitiveTypeFromKind(kind) : null) is not null;

    public static bool TryFromKind(DataKind kind, [NotNullWhen(true)] out PrimitiveDataViewType? type) =>
        (type = Enum.IsDefined(kind.ToInternalDataKind()) ? ColumnTypeExtensions.PrimitiveTypeFromKind(kind.ToInternalDataKind()) : null) is not null;

    public static PrimitiveDataViewType ItemType(DataViewType type) => (PrimitiveDataViewType)type.GetItemType();

    /// <summary>What a .NET member holds: an array or a VBuffer is a vector, a string is text.</summary>
    public static (Type Item, bool IsVector) OfMember(Type member)
    {
        (Type item, bool vector) = member.IsArray ? (member.GetElementType()!, true)
            : member.IsGenericType && member.GetGenericTypeDefinition() == typeof(VBuffer<>) ? (member.GetGenericArguments()[0], true)
            : (member, false);
        return (item == typeof(string) ? typeof(ReadOnlyMemory<char>) : item, vector);
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
