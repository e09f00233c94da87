using System.Runtime.CompilerServices;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A libtorch tensor. Its handle is one reference to the native tensor; it is released by Dispose, by the dispose scope that
    /// was current when it was made, or at last by the finalizer.
    /// </summary>
    public partial class Tensor : IDisposable
    {
        private static long _totalCount;
        private nint _handle;

        internal Tensor(nint handle)
        {
            _handle = handle;
            Interlocked.Increment(ref _totalCount);
            DisposeScopeManager.OfThread.Register(this);
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope? OwningDisposeScope { get; set; }
        internal int PlaceInScope { get; set; }

        /// <summary>Tensors alive in the process.</summary>
        public static long TotalCount => _totalCount;

        /// <summary>Takes over one reference to a native tensor.</summary>
        public static Tensor UnsafeCreateTensor(nint handle) => new(handle);

        internal static Tensor? OrNull(nint handle) => handle == 0 ? null : new Tensor(handle);

        public string? name { get; set; }
        public bool IsInvalid => _handle == 0;

        public nint Handle => _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public nint DecoupleFromNativeHandle()
        {
            nint handle = Handle;
            GC.SuppressFinalize(this);
            Interlocked.Decrement(ref _totalCount);
            _handle = 0;
            return handle;
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) return;
            DisposeScopeManager.OfThread.Disposing(OwningDisposeScope is not null);
            if (disposing) OwningDisposeScope?.MarkAsDisposed(this);
            Interlocked.Decrement(ref _totalCount);
            NativeMethods.rrec_dispose(handle);
        }

        /// <summary>The scope has already forgotten this tensor.</summary>
        internal void DisposeFromScope()
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            OwningDisposeScope = null;
            if (handle == 0) return;
            DisposeScopeManager.OfThread.Disposing(inScope: true);
            Interlocked.Decrement(ref _totalCount);
            NativeMethods.rrec_dispose(handle);
            GC.SuppressFinalize(this);
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is not null) OwningDisposeScope.MoveToOther(other, this);
            else other?.Attach(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public long Dimensions => NativeMethods.rrec_dim(Handle);
        public long dim() => Dimensions;
        public long NumberOfElements => NativeMethods.rrec_numel(Handle);
        public long numel() => NumberOfElements;
        public long ElementSize => NativeMethods.rrec_element_size(Handle);
        public ScalarType dtype => (ScalarType)NativeMethods.rrec_dtype(Handle);
        public Device device => Device.Unpack(NativeMethods.rrec_device(Handle));
        public DeviceType device_type => (DeviceType)(NativeMethods.rrec_device(Handle) >> 32);
        public int device_index => (int)NativeMethods.rrec_device(Handle);
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_contiguous() => NativeMethods.rrec_is_contiguous(Handle) != 0;

        public unsafe long[] shape
        {
            get
            {
                nint handle = Handle;
                int dims = NativeMethods.rrec_dim(handle);
                if (dims == 0) return [];
                var sizes = new long[dims];
                fixed (long* s = sizes) NativeMethods.rrec_sizes(handle, s);
                return sizes;
            }
        }

        public long[] size() => shape;
        public unsafe long size(int dim)
        {
            nint handle = Handle;
            int dims = NativeMethods.rrec_dim(handle);
            int at = dim < 0 ? dim + dims : dim;
            if ((uint)at >= (uint)dims) return shape[dim];   // throws IndexOutOfRangeException
            long* sizes = stackalloc long[dims];
            NativeMethods.rrec_sizes(handle, sizes);
            return sizes[at];
        }

        public unsafe long[] stride()
        {
            nint handle = Handle;
            var strides = new long[NativeMethods.rrec_dim(handle)];
            fixed (long* s = strides) NativeMethods.rrec_strides(handle, s);
            return strides;
        }

        public long stride(int dim) => stride() is var all && dim < 0 ? all[dim + all.Length] : all[dim];

        public bool requires_grad
        {
            get => NativeMethods.rrec_requires_grad(Handle) != 0;
            set => SetRequiresGrad(value);
        }

        public bool is_leaf => NativeMethods.rrec_is_leaf(Handle) != 0;

        public Tensor requires_grad_(bool requires_grad = true)
        {
            SetRequiresGrad(requires_grad);
            return this;
        }


        public unsafe Tensor? grad
        {
            get
            {
                nint grad;
                NativeMethods.Check(NativeMethods.rrec_grad(Handle, &grad));
                return OrNull(grad);
            }
            set
            {
                NativeMethods.Check(NativeMethods.rrec_set_grad(Handle, value?.Handle ?? 0));
                GC.KeepAlive(value);
            }
        }

        public void backward() => autograd.backward([this]);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);

        private unsafe void SetRequiresGrad(bool value) => NativeMethods.Check(NativeMethods.rrec_set_requires_grad(Handle, value ? 1 : 0));

        public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

        /// <summary>Equal shape and elements.</summary>
        public bool Equals(Tensor target) => target is not null && Aten.equal.CallScalar(this, target).ToBoolean();

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        public override string ToString() => $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";
    }
}
