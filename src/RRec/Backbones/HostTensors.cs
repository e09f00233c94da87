using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Tensors made from host arrays, and host arrays made from tensors. On a GPU both wait until the device has done all that it was given, so everything that runs
/// there once a token or a pass crosses here and nowhere else, and is counted.
/// </summary>
internal static class HostTensors
{
    [ThreadStatic] private static long _uploads, _reads;

    /// <summary>How often this thread has sent something to a named device, and how often it has read.</summary>
    public static (long Uploads, long Reads) Crossings => (_uploads, _reads);

    public static Tensor Long(long[] values, Device? device, params long[] shape) => torch.tensor(values, shape, device: Counted(device));

    public static Tensor Long(IReadOnlyList<int> values, Device? device)
    {
        var copy = new long[values.Count];
        for (int i = 0; i < copy.Length; i++) copy[i] = values[i];
        return torch.tensor(copy, [copy.Length], device: Counted(device));
    }

    public static Tensor Float(float[] values, Device? device, params long[] shape) => torch.tensor(values, shape, device: Counted(device));

    public static Tensor Double(double[] values, Device? device, params long[] shape) => torch.tensor(values, shape, device: Counted(device));

    /// <summary>The elements of a tensor in their order.</summary>
    public static T[] Read<T>(Tensor tensor) where T : unmanaged
    {
        _reads++;
        using DisposeScope scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, T>(tensor.detach().cpu().contiguous().bytes).ToArray();
    }

    private static Device? Counted(Device? device)
    {
        if (device is not null) _uploads++;
        return device;
    }
}
