using System.IO.MemoryMappedFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>
/// A safetensors file on disk, memory-mapped: opening reads the header only, and a tensor's bytes go from the page cache straight into the
/// tensor that is returned, so loading a folder never holds its weights twice.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly long _dataStart;
    private byte* _pointer;

    private SafetensorsFile(string path, SafetensorsHeader header, MemoryMappedFile map, long dataStart)
    {
        Path = path;
        _header = header;
        _dataStart = dataStart;
        _map = map;
        _view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        _pointer += _view.PointerOffset;
    }

    /// <summary>The file's path as given.</summary>
    public string Path { get; }

    /// <summary>The tensors' names, in the order of their data.</summary>
    public IEnumerable<string> Names => _header.InFileOrder.Select(t => t.Name);

    /// <summary>The free text pairs of the header, e.g. <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The header is damaged or hostile; the message names file, tensor and rule.</exception>
    public static SafetensorsFile Open(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        long length = stream.Length;
        Span<byte> first = stackalloc byte[8];
        int got = stream.ReadAtLeast(first, 8, throwOnEndOfStream: false);
        int headerLength = SafetensorsHeader.ParseLength(first[..got], length, path);
        byte[] json = new byte[headerLength];
        stream.ReadExactly(json);
        SafetensorsHeader header = SafetensorsHeader.Parse(json, length - 8 - headerLength, path);
        MemoryMappedFile map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        try
        {
            return new SafetensorsFile(path, header, map, 8 + headerLength);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file holds a tensor of that name.</summary>
    public bool Contains(string name) => _header.Tensors.ContainsKey(name);

    /// <summary>Type, shape and place of a tensor.</summary>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    public TensorInfo Info(string name) => _header.Tensors.TryGetValue(name, out TensorInfo? info)
        ? info : throw new KeyNotFoundException($"{Path}: there is no tensor '{name}'.");

    /// <summary>
    /// A tensor's values in a new tensor, converted where <paramref name="dtype"/> differs from the file's type.
    /// </summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="dtype">The type wanted; null keeps the file's.</param>
    /// <param name="device">Where to put it; null: CPU.</param>
    public Tensor Read(string name, ScalarType? dtype = null, Device? device = null)
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        TensorInfo info = Info(name);
        using DisposeScope scope = NewDisposeScope();
        Tensor raw = empty(info.Shape, dtype: SafetensorsTypes.ToScalarType(info, Path));
        TensorBytes.Fill(raw, info.Length, (offset, target) => new ReadOnlySpan<byte>(_pointer + _dataStart + info.Begin + offset, target.Length).CopyTo(target));
        Tensor result = dtype is ScalarType wanted && wanted != raw.dtype ? raw.to(wanted) : raw;
        if (device is not null && device.type != DeviceType.CPU) result = result.to(device);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>Unmaps the file. Tensors already read stay valid.</summary>
    public void Dispose()
    {
        if (_pointer is null) return;
        _pointer = null;
        _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map!.Dispose();
    }
}

/// <summary>Moves bytes in and out of CPU tensors of any type and size; a .NET span ends at 2 GB, a tensor does not.</summary>
internal static class TensorBytes
{
    private const int BlockBytes = 1 << 30;

    public delegate void FillBlock(long offset, Span<byte> target);

    public delegate void ReadBlock(long offset, ReadOnlySpan<byte> source);

    public static void Fill(Tensor tensor, long length, FillBlock fill) => Each(tensor, length, (offset, span) => fill(offset, span));

    public static void Read(Tensor tensor, long length, ReadBlock read) => Each(tensor, length, (offset, span) => read(offset, span));

    private static void Each(Tensor tensor, long length, FillBlock action)
    {
        if (length == 0) return;
        if (length <= BlockBytes)
        {
            action(0, tensor.bytes);
            return;
        }
        using DisposeScope scope = NewDisposeScope();
        long size = tensor.ElementSize, elements = length / size, step = BlockBytes / size;
        Tensor flat = tensor.view(-1);
        for (long at = 0; at < elements; at += step)
        {
            using Tensor part = flat.narrow(0, at, Math.Min(step, elements - at));
            action(at * size, part.bytes);
        }
    }
}
