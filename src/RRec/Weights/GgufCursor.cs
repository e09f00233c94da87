using System.Buffers.Binary;
using System.Text;

namespace RRec.Weights;

/// <summary>
/// Reads a GGUF header front to back out of mapped memory. Every step is checked against the file's end before it is taken, and every refusal names
/// file, byte and what was being read.
/// </summary>
internal sealed unsafe class GgufCursor
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly byte* _start;
    private readonly string _path;

    public GgufCursor(byte* start, long length, string path, long at = 0)
    {
        _start = start;
        (Length, _path, At) = (length, path, at);
    }

    public long Length { get; }

    /// <summary>The next byte to read.</summary>
    public long At { get; private set; }

    public long Left => Length - At;

    public ReadOnlySpan<byte> Bytes(long count, string what)
    {
        if (count < 0 || count > Left || count > int.MaxValue) throw Error($"{what} needs {count:N0} bytes, and {Left:N0} are left");
        var span = new ReadOnlySpan<byte>(_start + At, (int)count);
        At += count;
        return span;
    }

    public void Skip(long count, string what)
    {
        if (count < 0 || count > Left) throw Error($"{what} needs {count:N0} bytes, and {Left:N0} are left");
        At += count;
    }

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, what));

    /// <summary>A number at a place that was read before.</summary>
    public uint UInt32At(long at) => BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(_start + at, 4));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8, what));

    /// <summary>A number of things that take at least so many bytes each: more than fit into the rest of the file are refused before anything is set aside for them.</summary>
    public long Count(string what, long most, int bytesEach)
    {
        ulong value = UInt64(what);
        if (value > (ulong)most) throw Error($"{what} is {value:N0}; at most {most:N0} are read");
        if ((long)value > Left / bytesEach) throw Error($"{what} is {value:N0}, which do not fit into the {Left:N0} bytes that are left");
        return (long)value;
    }

    public string Text(string what, int most)
    {
        ReadOnlySpan<byte> bytes = TextBytes(what, most);
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (ArgumentException)
        {
            throw Error($"{what} is not valid UTF-8");
        }
    }

    /// <summary>The bytes of a text: a length in 8 bytes, then the bytes.</summary>
    public ReadOnlySpan<byte> TextBytes(string what, int most)
    {
        ulong length = UInt64("the length of " + what);
        if (length > (ulong)most) throw Error($"{what} claims {length:N0} bytes; at most {most:N0} are read");
        return Bytes((long)length, what);
    }

    public InvalidDataException Error(string what) => new($"{_path}, byte {At:N0}: {what}.");
}
