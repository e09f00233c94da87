using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>Reads safetensors from a stream that cannot seek, such as a zip entry: one pass, tensors in the order of their data.</summary>
internal static class SafetensorsStream
{
    /// <summary>
    /// Reads all tensors. They are detached from dispose scopes: the caller owns and disposes them.
    /// </summary>
    /// <param name="stream">Positioned at the 8-byte header length; read up to the end of the last tensor.</param>
    /// <param name="source">What to call the stream in error messages.</param>
    /// <param name="dtype">The type floating tensors are converted to; null keeps the stream's types.</param>
    /// <param name="maxBytes">The largest data section accepted: a hostile header cannot make this method allocate more.</param>
    /// <exception cref="InvalidDataException">The header is damaged or hostile, or the stream ends early.</exception>
    public static Dictionary<string, Tensor> Read(Stream stream, string source, ScalarType? dtype = null, long maxBytes = long.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] first = new byte[8];
        int got = stream.ReadAtLeast(first, 8, throwOnEndOfStream: false);
        byte[] json = ReadHeader(stream, SafetensorsHeader.ParseLength(first.AsSpan(0, got), null, source), source);
        SafetensorsHeader header = SafetensorsHeader.Parse(json, null, source);
        long total = header.InFileOrder.Count == 0 ? 0 : header.InFileOrder[^1].End;
        if (total > maxBytes) throw new InvalidDataException($"{source}: the header claims {total} bytes of tensors; at most {maxBytes} can be there.");
        var result = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (TensorInfo info in header.InFileOrder)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor raw = empty(info.Shape, dtype: SafetensorsTypes.ToScalarType(info, source));
                TensorBytes.Fill(raw, info.Length, (_, target) =>
                {
                    if (stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length)
                        throw new InvalidDataException($"{source}: the data ends inside tensor '{info.Name}'.");
                });
                Tensor value = dtype is ScalarType wanted && is_floating_point(raw.dtype) && wanted != raw.dtype ? raw.to(wanted) : raw;
                result.Add(info.Name, value.DetachFromDisposeScope());
            }
            return result;
        }
        catch
        {
            foreach (Tensor t in result.Values) t.Dispose();
            throw;
        }
    }

    // Grows with what really arrives, so that a claimed 100 MB header of a 50-byte stream allocates little.
    private static byte[] ReadHeader(Stream stream, int length, string source)
    {
        using var buffer = new MemoryStream();
        byte[] block = new byte[Math.Min(length, 1 << 16)];
        while (buffer.Length < length)
        {
            int n = stream.Read(block, 0, (int)Math.Min(block.Length, length - buffer.Length));
            if (n == 0) throw new InvalidDataException($"{source}: the stream ends inside the header, after {buffer.Length} of {length} bytes.");
            buffer.Write(block, 0, n);
        }
        return buffer.ToArray();
    }
}
