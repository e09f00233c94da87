namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// Other dtypes and devices, and new tensors in the likeness of this one. A conversion to what the tensor already is returns another
    /// object for the same native tensor: each of the two is disposed by itself.
    /// </summary>
    public partial class Tensor
    {
        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            if (!copy && dtype == type) return After(Shared(), disposeAfter);
            return After(Aten.to_dtype.Call(this, type, non_blocking, copy), disposeAfter);
        }

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            InitializeDevice(device);
            if (!copy && IsOn(device)) return After(Shared(), disposeAfter);
            return After(Aten.to_device.Call(this, device, dtype, non_blocking, copy), disposeAfter);
        }

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            InitializeDevice(device);
            if (!copy && dtype == type && IsOn(device)) return After(Shared(), disposeAfter);
            return After(Aten.to_device.Call(this, device, type, non_blocking, copy), disposeAfter);
        }

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);

        public Tensor type(ScalarType dtype) => to(dtype);

        public Tensor cpu() => device_type == DeviceType.CPU ? Shared() : Aten.to_device.Call(this, CPU, dtype);

        public Tensor cuda(Device? device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);

        public Tensor alias() => Aten.alias.Call(this);
        public Tensor @bool() => to(ScalarType.Bool);
        public Tensor @byte() => to(ScalarType.Byte);
        public Tensor @short() => to(ScalarType.Int16);
        public Tensor @int() => to(ScalarType.Int32);
        public Tensor @long() => to(ScalarType.Int64);
        public Tensor half() => to(ScalarType.Float16);
        public Tensor bfloat16() => to(ScalarType.BFloat16);
        public Tensor @float() => to(ScalarType.Float32);
        public Tensor @double() => to(ScalarType.Float64);

        public Tensor zeros_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.zeros_like(this, dtype, device, requires_grad);
        public Tensor ones_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.ones_like(this, dtype, device, requires_grad);
        public Tensor empty_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.empty_like(this, dtype, device, requires_grad);
        public Tensor randn_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.randn_like(this, dtype, device, requires_grad);
        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.full_like(this, value, dtype, device, requires_grad);


        private Tensor Shared()
        {
            var other = new Tensor(NativeMethods.rrec_share(Handle));
            GC.KeepAlive(this);
            return other;
        }

        private bool IsOn(Device wanted) => device_type == wanted.type && (wanted.index < 0 ? wanted.type == DeviceType.CPU : wanted.index == device_index);

        private Tensor After(Tensor result, bool disposeThis)
        {
            if (disposeThis) Dispose();
            return result;
        }
    }
}
