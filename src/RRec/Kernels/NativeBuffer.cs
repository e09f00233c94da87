using System.Runtime.InteropServices;

namespace RRec.Kernels;

/// <summary>Single-precision numbers outside the managed heap, at an address that suits vectors; grows, and then forgets what it held.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private float* _data;
    private long _length;

    /// <summary>At least this many numbers, of any value.</summary>
    public float* Of(long length)
    {
        if (length <= _length) return _data;
        Free();
        _data = (float*)NativeMemory.AlignedAlloc(checked((nuint)length * sizeof(float)), 64);
        _length = length;
        GC.AddMemoryPressure(length * sizeof(float));
        return _data;
    }

    private void Free()
    {
        if (_data is null) return;
        NativeMemory.AlignedFree(_data);
        GC.RemoveMemoryPressure(_length * sizeof(float));
        _data = null;
        _length = 0;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    ~NativeBuffer() => Free();
}
