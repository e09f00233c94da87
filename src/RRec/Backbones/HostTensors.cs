using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Tensors made from host arrays, and host arrays made from tensors. On a GPU a read waits until the device has done all that it was given. What is sent is staged by
/// the driver and waits for nothing as long as it is small (64 KB; memory of ours is not pinned). Everything that happens once a token or a pass crosses here and
/// nowhere else, and is counted.
/// </summary>
internal static class HostTensors
{
    [ThreadStatic] private static long _uploads, _reads;

    /// <summary>How often this thread has sent something to a named device, and how often it has read.</summary>
    public static (long Uploads, long Reads) Crossings => (_uploads, _reads);

    public static Tensor Long(long[] values, Device? device, params long[] shape) => Sent(torch.tensor(values, shape), device);

    public static Tensor Long(IReadOnlyList<int> values, Device? device)
    {
        var copy = new long[values.Count];
        for (int i = 0; i < copy.Length; i++) copy[i] = values[i];
        return Sent(torch.tensor(copy, [copy.Length]), device);
    }

    public static Tensor Float(float[] values, Device? device, params long[] shape) => Sent(torch.tensor(values, shape), device);

    public static Tensor Double(double[] values, Device? device, params long[] shape) => Sent(torch.tensor(values, shape), device);

    /// <summary>The elements of a tensor in their order.</summary>
    public static T[] Read<T>(Tensor tensor) where T : unmanaged
    {
        _reads++;
        using DisposeScope scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, T>(tensor.detach().cpu().contiguous().bytes).ToArray();
    }

    private static Tensor Sent(Tensor here, Device? device)
    {
        if (device is null) return here;
        _uploads++;
        return device.type == DeviceType.CPU ? here : here.to(device, disposeAfter: true, non_blocking: true);
    }
}
