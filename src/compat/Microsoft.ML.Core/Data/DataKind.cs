namespace Microsoft.ML.Data;

/// <summary>Primitive types by number; the numbers are written into models.</summary>
public enum DataKind : byte
{
    SByte = 1,
    Byte = 2,
    Int16 = 3,
    UInt16 = 4,
    Int32 = 5,
    UInt32 = 6,
    Int64 = 7,
    UInt64 = 8,
    Single = 9,
    Double = 10,
    String = 11,
    Boolean = 12,
    TimeSpan = 13,
    DateTime = 14,
    DateTimeOffset = 15,
}

/// <summary><see cref="DataKind"/> and, beyond it, the row id.</summary>
internal enum InternalDataKind : byte
{
    I1 = DataKind.SByte,
    U1 = DataKind.Byte,
    I2 = DataKind.Int16,
    U2 = DataKind.UInt16,
    I4 = DataKind.Int32,
    U4 = DataKind.UInt32,
    I8 = DataKind.Int64,
    U8 = DataKind.UInt64,
    R4 = DataKind.Single,
    R8 = DataKind.Double,
    TX = DataKind.String,
    BL = DataKind.Boolean,
    TS = DataKind.TimeSpan,
    DT = DataKind.DateTime,
    DZ = DataKind.DateTimeOffset,
    UG = 16,
}

internal static class InternalDataKindExtensions
{
    private static readonly (InternalDataKind Kind, Type Type)[] Types =
    [
        (InternalDataKind.I1, typeof(sbyte)), (InternalDataKind.U1, typeof(byte)), (InternalDataKind.I2, typeof(short)),
        (InternalDataKind.U2, typeof(ushort)), (InternalDataKind.I4, typeof(int)), (InternalDataKind.U4, typeof(uint)),
        (InternalDataKind.I8, typeof(long)), (InternalDataKind.U8, typeof(ulong)), (InternalDataKind.R4, typeof(float)),
        (InternalDataKind.R8, typeof(double)), (InternalDataKind.TX, typeof(ReadOnlyMemory<char>)), (InternalDataKind.BL, typeof(bool)),
        (InternalDataKind.TS, typeof(TimeSpan)), (InternalDataKind.DT, typeof(DateTime)), (InternalDataKind.DZ, typeof(DateTimeOffset)),
        (InternalDataKind.UG, typeof(DataViewRowId)),
    ];

    public static InternalDataKind ToInternalDataKind(this DataKind dataKind) => (InternalDataKind)dataKind;

    public static DataKind ToDataKind(this InternalDataKind kind) => (DataKind)kind;

    public static bool TryGetDataKind(this Type type, out InternalDataKind kind)
    {
        Type raw = type == typeof(string) ? typeof(ReadOnlyMemory<char>) : type;
        kind = Array.Find(Types, entry => entry.Type == raw).Kind;
        return kind != 0;
    }

    /// <summary>The largest value of an integer type, 0 for others.</summary>
    public static ulong ToMaxInt(this Type type) => type.TryGetDataKind(out InternalDataKind kind) && kind <= InternalDataKind.U8
        ? ulong.MaxValue >> (64 - (8 << (((int)kind - 1) / 2)) + ((int)kind % 2))
        : 0;
}
