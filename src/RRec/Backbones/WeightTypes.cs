using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>Which type of frozen weights a device multiplies fastest. Adapters, norms' sums and losses are in single precision whatever it is.</summary>
public static class WeightTypes
{
    private static readonly Lazy<double> Measured = new(Measure);

    /// <summary>
    /// How many times as fast as single precision this CPU multiplies bf16. Measured once (about 50 ms), not read off a flag: there are processors with bf16
    /// instructions on which a libtorch's bf16 product is many times slower.
    /// </summary>
    public static double BFloat16Speedup => Measured.Value;

    /// <summary>bf16 on a GPU, and on a CPU where its product is at least 1.3 times as fast as single precision's; else single precision.</summary>
    public static ScalarType Fastest(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.type == DeviceType.CUDA || BFloat16Speedup >= 1.3 ? ScalarType.BFloat16 : ScalarType.Float32;
    }

    /// <summary>Whether this libtorch has products of that type on that device: older ones have none of half precision on a CPU.</summary>
    internal static bool Multiplies(ScalarType type, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        try
        {
            Tensor one = ones([2, 2], dtype: type, device: device);
            HostTensors.Read<float>(one.mm(one).to(ScalarType.Float32));
            return true;
        }
        catch (Exception e) when (e is System.Runtime.InteropServices.ExternalException or NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>
    /// Whether a decoder is small enough that all of its weights are trained where nothing else is said: below 50 million. Those need single precision; an adapter does not.
    /// </summary>
    internal static bool TrainsInFull(BackboneConfig config) => Backbone.ExpectedWeights(config).Sum(w => w.Shape.Aggregate(1L, (a, b) => a * b)) < 50_000_000;

    /// <summary>The same of weights in memory: those of half precision are left alone.</summary>
    internal static bool TrainsInFull(Backbone backbone) => backbone.Type is ScalarType.Float32 or ScalarType.Float64 && TrainsInFull(backbone.Config);

    private static double Measure() => Seconds(ScalarType.Float32) / Seconds(ScalarType.BFloat16);

    private static double Seconds(ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor a = ones([512, 512], dtype: type), b = ones([512, 512], dtype: type);
        return Timing.Least(() => a.mm(b).Dispose());
    }
}
