using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace RRec.MLNet;

/// <summary>Where a model runs, as ML.NET says it: <c>MLContext.GpuDeviceId</c> and <c>FallbackToCpu</c>.</summary>
internal static class Devices
{
    /// <exception cref="InvalidOperationException">The GPU asked for is not there and falling back is not allowed.</exception>
    public static torch.Device Of(IHostEnvironment environment, IChannel channel)
    {
        if (environment is not IHostEnvironmentInternal { GpuDeviceId: { } id } context) return torch.CPU;
        int count = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (id >= 0 && id < count) return torch.device(DeviceType.CUDA, id);
        string missing = count == 0 ? "this libtorch sees no GPU" : $"there are GPUs 0 to {count - 1}";
        if (!context.FallbackToCpu)
            throw new InvalidOperationException($"MLContext.GpuDeviceId is {id}, but {missing}. Leave it null, or set MLContext.FallbackToCpu.");
        channel.Warning(MessageSensitivity.None, $"MLContext.GpuDeviceId is {id}, but {missing}: the CPU is used.");
        return torch.CPU;
    }
}
