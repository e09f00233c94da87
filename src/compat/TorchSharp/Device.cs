namespace TorchSharp;

public static partial class torch
{
    public class Device
    {
        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index;
        }

        public Device(string deviceType, int index = -1) : this(ParseType(deviceType), index) { }

        /// <summary>"cpu", "cuda", "cuda:1".</summary>
        public Device(string description)
        {
            string[] parts = description.Split(':');
            if (parts.Length > 2) throw new ArgumentException($"'{description}' is not a device: expected a type and an optional index, as in cuda:0", nameof(description));
            type = ParseType(parts[0]);
            index = parts.Length == 2 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : -1;
        }

        public Device(int index) : this(DeviceType.CUDA, index) { }

        public DeviceType type { get; }
        public int index { get; }

        internal long Packed => ((long)type << 32) | (uint)index;

        internal static Device Unpack(long packed) => new((DeviceType)(packed >> 32), (int)packed);

        public override string ToString() => type == DeviceType.CPU ? "cpu" : index == -1 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";

        public static implicit operator Device(string description) => new(description);

        private static DeviceType ParseType(string name) =>
            Enum.TryParse(name, ignoreCase: true, out DeviceType type) && !char.IsAsciiDigit(name[0]) ? type : throw new ArgumentException($"Unknown device type '{name}'");
    }

    public static readonly Device CPU = new(DeviceType.CPU, -1);
    public static readonly Device META = new(DeviceType.META, -1);

    public static Device CUDA => InitializeDevice(new Device(DeviceType.CUDA, -1));

    public static Device device(string description) => InitializeDevice(new Device(description));
    public static Device device(string deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));
    public static Device device(DeviceType deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));
    public static Device device(int index) => new(DeviceType.CUDA, index);

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CUDA => cuda.is_available(),
        DeviceType.MPS => false,
        _ => true,
    };

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType)) throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on the current machine.");
    }

    public static Device InitializeDevice(Device? device)
    {
        device ??= CPU;
        InitializeDeviceType(device.type);
        return device;
    }

    public static class cuda
    {
        public static bool is_available() => device_count() > 0;
        public static int device_count() => NativeMethods.rrec_cuda_device_count();

        /// <summary>Waits until the device (default: the current one) has done all that was queued.</summary>
        public static unsafe void synchronize(Device? device = null)
        {
            InitializeDeviceType(DeviceType.CUDA);
            NativeMethods.Check(NativeMethods.rrec_cuda_synchronize(device?.index ?? -1));
        }

        public static void manual_seed(long seed) => torch.manual_seed(seed);
    }
}
