using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

internal static class ColumnTypeExtensions
{
    public static bool IsStandardScalar(this DataViewType columnType)
        => columnType is NumberDataViewType or TextDataViewType or BooleanDataViewType or RowIdDataViewType
            or TimeSpanDataViewType or DateTimeDataViewType or DateTimeOffsetDataViewType;

    public static ulong GetKeyCount(this DataViewType columnType) => (columnType as KeyDataViewType)?.Count ?? 0;

    public static int GetKeyCountAsInt32(this DataViewType columnType, IExceptionContext? ectx = null)
    {
        ulong count = columnType.GetKeyCount();
        ectx.Check(count <= int.MaxValue, $"The key type '{columnType}' has more values than an Int32 can count.");
        return (int)count;
    }

    public static DataViewType GetItemType(this DataViewType columnType) => (columnType as VectorDataViewType)?.ItemType ?? columnType;

    public static int GetVectorSize(this DataViewType columnType) => (columnType as VectorDataViewType)?.Size ?? 0;

    public static int GetValueCount(this DataViewType columnType) => (columnType as VectorDataViewType)?.Size ?? 1;

    public static bool IsKnownSizeVector(this DataViewType columnType) => columnType.GetVectorSize() > 0;

    public static InternalDataKind GetRawKind(this DataViewType columnType)
    {
        columnType.RawType.TryGetDataKind(out InternalDataKind kind);
        return kind;
    }

    /// <summary>Equal but for the way a vector's slots are arranged in dimensions.</summary>
    public static bool SameSizeAndItemType(this DataViewType columnType, DataViewType? other)
        => columnType.Equals(other)
            || (columnType is VectorDataViewType one && other is VectorDataViewType two && one.Size == two.Size && one.ItemType.Equals(two.ItemType));

    public static PrimitiveDataViewType PrimitiveTypeFromType(Type type)
        => type.TryGetDataKind(out InternalDataKind kind) ? PrimitiveTypeFromKind(kind) : throw new InvalidOperationException($"'{type}' is not a primitive type.");

    public static PrimitiveDataViewType PrimitiveTypeFromKind(InternalDataKind kind) => kind switch
    {
        InternalDataKind.TX => TextDataViewType.Instance,
        InternalDataKind.BL => BooleanDataViewType.Instance,
        InternalDataKind.TS => TimeSpanDataViewType.Instance,
        InternalDataKind.DT => DateTimeDataViewType.Instance,
        InternalDataKind.DZ => DateTimeOffsetDataViewType.Instance,
        InternalDataKind.UG => RowIdDataViewType.Instance,
        InternalDataKind.I1 => NumberDataViewType.SByte,
        InternalDataKind.U1 => NumberDataViewType.Byte,
        InternalDataKind.I2 => NumberDataViewType.Int16,
        InternalDataKind.U2 => NumberDataViewType.UInt16,
        InternalDataKind.I4 => NumberDataViewType.Int32,
        InternalDataKind.U4 => NumberDataViewType.UInt32,
        InternalDataKind.I8 => NumberDataViewType.Int64,
        InternalDataKind.U8 => NumberDataViewType.UInt64,
        InternalDataKind.R4 => NumberDataViewType.Single,
        InternalDataKind.R8 => NumberDataViewType.Double,
        _ => throw new InvalidOperationException($"{(int)kind} is not the number of a primitive type."),
    };
}
