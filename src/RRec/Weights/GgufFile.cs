using System.Buffers.Binary;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>
/// A GGUF file on disk, memory-mapped: opening reads and checks the header only (<see cref="GgufHeader"/>), metadata is decoded when asked for, and a tensor's values go
/// block by block from the page cache into the tensor that is returned. What the metadata mean is left to the callers: see Backbones/GgufLlama.cs and Text/GgufTokenizer.cs.
/// </summary>
internal sealed unsafe class GgufFile : IDisposable
{
    public const string Extension = ".gguf";

    // Values converted at a time: what loading needs beyond the weights themselves.
    private const long BlockValues = 1 << 20;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly GgufHeader _header;
    private readonly long _length;
    private byte* _pointer;

    private GgufFile(string path, long length)
    {
        (Path, _length) = (path, length);
        _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        try
        {
            _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
            _pointer += _view.PointerOffset;
            _header = GgufHeader.Parse(Cursor(0));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, GgufTensor> Tensors => _header.Tensors;

    public IEnumerable<string> Keys => _header.Metadata.Keys;

    /// <summary>Whether a path is one of a GGUF file, by its ending.</summary>
    public static bool Is(string path) => path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path);

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The header is damaged, hostile or asks for types that are not read; names file and place.</exception>
    public static GgufFile Open(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists) throw new FileNotFoundException($"There is no GGUF file at {path}.", path);
        if (info.Length < 24) throw new InvalidDataException($"{path} has {info.Length} bytes; a GGUF file begins with 24.");
        return new GgufFile(path, info.Length);
    }

    public bool Has(string key) => _header.Metadata.ContainsKey(key);

    /// <summary>A whole number from 0 to 2^31 - 1; null where the key is missing.</summary>
    public int? IntegerOrNull(string key)
    {
        if (!TryOne(key, out GgufValue v)) return null;
        Int128? number = v.Kind switch
        {
            GgufKind.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(At(v)),
            GgufKind.Int64 => BinaryPrimitives.ReadInt64LittleEndian(At(v)),
            GgufKind.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(At(v)),
            GgufKind.Int32 => BinaryPrimitives.ReadInt32LittleEndian(At(v)),
            GgufKind.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(At(v)),
            GgufKind.Int16 => BinaryPrimitives.ReadInt16LittleEndian(At(v)),
            GgufKind.UInt8 => At(v)[0],
            GgufKind.Int8 => (sbyte)At(v)[0],
            _ => null,
        };
        return number is Int128 n && n >= 0 && n <= int.MaxValue ? (int)n : throw Wrong(key, $"is {number?.ToString() ?? v.Kind.ToString()}; a whole number from 0 to {int.MaxValue} is needed");
    }

    public int Integer(string key) => IntegerOrNull(key) ?? throw Wrong(key, "is missing");

    /// <summary>A finite number. A single becomes the double of its shortest decimal form (1e-5, not 9.99999974e-6): what the original config had.</summary>
    public double? NumberOrNull(string key)
    {
        if (!TryOne(key, out GgufValue v)) return null;
        double number = v.Kind switch
        {
            GgufKind.Float32 => double.Parse(BinaryPrimitives.ReadSingleLittleEndian(At(v)).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            GgufKind.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(At(v)),
            _ => throw Wrong(key, $"is {v.Kind}; a floating-point number is needed"),
        };
        return double.IsFinite(number) ? number : throw Wrong(key, $"is {number}; a finite number is needed");
    }

    public string? TextOrNull(string key) => !TryOne(key, out GgufValue v) ? null
        : v.Kind == GgufKind.Text ? Cursor(v.At).Text($"'{key}'", int.MaxValue) : throw Wrong(key, $"is {v.Kind}; text is needed");

    public bool? FlagOrNull(string key) => !TryOne(key, out GgufValue v) ? null
        : v.Kind == GgufKind.Bool ? At(v)[0] != 0 : throw Wrong(key, $"is {v.Kind}; true or false is needed");

    /// <summary>A list of texts, decoded one after the other.</summary>
    public IEnumerable<string> Texts(string key)
    {
        GgufValue v = List(key, GgufKind.Text);
        GgufCursor c = Cursor(v.At);
        for (long i = 0; i < v.Count; i++) yield return c.Text($"'{key}'[{i}]", int.MaxValue);
    }

    /// <summary>A list of 32-bit numbers; empty where the key is missing.</summary>
    public int[] Integers(string key) => Has(key) ? MemoryMarshal.Cast<byte, int>(Cursor(List(key, GgufKind.Int32).At).Bytes(4 * List(key, GgufKind.Int32).Count, $"'{key}'")).ToArray() : [];

    public InvalidDataException Wrong(string key, string what) => new($"{Path}: the metadata '{key}' {what}.");

    /// <summary>A tensor's values in a new tensor of the type wanted.</summary>
    /// <param name="name">The tensor's name in the file.</param>
    /// <param name="dtype">The type wanted; what is stored in another goes through single precision, rounded to nearest even.</param>
    /// <param name="device">Where to put it.</param>
    /// <param name="sourceRow">Which row of the file each row is, for tensors whose rows stand in another order; null: the same.</param>
    public Tensor Read(string name, ScalarType dtype, Device device, Func<long, long>? sourceRow = null)
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        GgufTensor t = _header.Tensors[name];
        long rowBytes = t.Length / t.Rows, step = Math.Min(t.Rows, Math.Max(1, BlockValues / t.Columns));
        using DisposeScope scope = NewDisposeScope();
        Tensor result = empty(t.Shape, dtype: dtype, device: device), rows = result.view(t.Rows, t.Columns), block = empty([step, t.Columns], dtype: ScalarType.Float32);
        for (long at = 0; at < t.Rows; at += step)
        {
            long count = Math.Min(step, t.Rows - at);
            Span<float> values = MemoryMarshal.Cast<byte, float>(block.bytes);
            for (long r = 0; r < count; r++)
                t.Type.ToSingle(_pointer + t.Begin + rowBytes * (sourceRow?.Invoke(at + r) ?? at + r), values.Slice((int)(r * t.Columns), (int)t.Columns));
            using DisposeScope part = NewDisposeScope();
            rows.narrow(0, at, count).copy_(block.narrow(0, 0, count));
        }
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>Unmaps the file. Tensors already read stay valid.</summary>
    public void Dispose()
    {
        if (_pointer is not null) _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _pointer = null;
        _view?.Dispose();
        _map.Dispose();
    }

    private GgufCursor Cursor(long at)
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new GgufCursor(_pointer, _length, Path, at);
    }

    private ReadOnlySpan<byte> At(GgufValue value) => Cursor(value.At).Bytes(GgufHeader.Bytes(value.Kind), "a value");

    private bool TryOne(string key, out GgufValue value)
    {
        if (!_header.Metadata.TryGetValue(key, out value)) return false;
        return value.IsList ? throw Wrong(key, "is a list; one value is needed") : true;
    }

    private GgufValue List(string key, GgufKind kind)
    {
        if (!_header.Metadata.TryGetValue(key, out GgufValue v)) throw Wrong(key, "is missing");
        return v.IsList && v.Kind == kind ? v : throw Wrong(key, $"is {(v.IsList ? "a list of " : "")}{v.Kind}; a list of {kind} is needed");
    }
}
