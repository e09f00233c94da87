namespace Microsoft.ML.Data;

internal static class ColumnTypeExtensions
{
    public static DataViewType GetItemType(this DataViewType columnType) => (columnType as VectorDataViewType)?.ItemType ?? columnType;

    public static InternalDataKind GetRawKind(this DataViewType columnType)
    {
        columnType.RawType.TryGetDataKind(out InternalDataKind kind);
        return kind;
    }

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
