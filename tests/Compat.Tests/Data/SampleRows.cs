using Microsoft.ML.Data;

namespace Compat.Tests.Data;

/// <summary>The class of goldens/mlnet whose recorded schema, rows and files are compared with. Fields come before properties.</summary>
public sealed class Row
{
    public string? Text { get; set; }
    public float Number { get; set; }
    [VectorType(3)] public float[] Fixed { get; set; } = [];
    public string[] Free { get; set; } = [];
    public DateTime When { get; set; }
    public long Long { get; set; }
    public bool Flag { get; set; }
    [KeyType(5)] public uint Key { get; set; }
    public double Real;
    public int Int;

    public static Row[] Three =>
    [
        new()
        {
            Text = "a", Number = 1.5f, Fixed = [1, 2, 3], Free = ["x", "y"], When = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc), Long = 7,
            Flag = true, Key = 2, Real = 0.1, Int = -3,
        },
        new() { Text = null, Number = float.NaN, Fixed = [4, 5, 6], Free = null!, Long = long.MinValue, Key = 0, Real = double.PositiveInfinity },
        new() { Text = "ü, \"q\"", Number = 2, Fixed = [0, 0, 9], Free = ["z", "", null!], Long = 8, Key = 7, Real = -2, Int = 1 },
    ];
}

public sealed class Named
{
    [ColumnName("Renamed")] public string? Text { get; set; }
    [NoColumn] public object? Ignored { get; set; }
    public ReadOnlyMemory<char> Chars;
}

public sealed class Csv
{
    [LoadColumn(0)] public long UserId { get; set; }
    [LoadColumn(1)] public long MovieId { get; set; }
    [LoadColumn(2)] public float Rating { get; set; }
    [LoadColumn(3)] public long Timestamp { get; set; }
}

public sealed class TextCsv
{
    [LoadColumn(0)] public string? Id { get; set; }
    [LoadColumn(1)] public string? Title { get; set; }
    [LoadColumn(2)] public string? Genres { get; set; }
}

public sealed class Other
{
    public string? Elsewhere { get; set; }
}

public sealed class WrongType
{
    public float Text { get; set; }
}

public sealed class WrongVector
{
    public float[]? Text { get; set; }
}

public sealed class BadMember
{
    public object? Thing { get; set; }
}

public sealed class WrongLength
{
    [VectorType(3)] public float[]? V { get; set; }
}
