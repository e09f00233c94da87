using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Index expressions, with Python's rules.</summary>
    public unsafe partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => At(stackalloc long[] { i1 });
            set => Put(stackalloc long[] { i1 }, value);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => At(stackalloc long[] { i1, i2 });
            set => Put(stackalloc long[] { i1, i2 }, value);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => At(stackalloc long[] { i1, i2, i3 });
            set => Put(stackalloc long[] { i1, i2, i3 }, value);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => At(stackalloc long[] { i1, i2, i3, i4 });
            set => Put(stackalloc long[] { i1, i2, i3, i4 }, value);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            NativeIndex* native = stackalloc NativeIndex[indices.Length];
            for (int i = 0; i < indices.Length; i++) native[i] = Filled(indices[i]);
            Tensor result = Index(native, indices.Length);
            GC.KeepAlive(indices);
            return result;
        }

        public Tensor index(params Tensor[] indices) => index(Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            NativeIndex* native = stackalloc NativeIndex[indices.Length];
            for (int i = 0; i < indices.Length; i++) native[i] = Filled(indices[i]);
            IndexPut(native, indices.Length, value);
            GC.KeepAlive(indices);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor));

        /// <summary>With <paramref name="accumulate"/> values at equal places add up.</summary>
        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) =>
            Aten.index_put_.InPlace(this, Arg.OptionalTensors(indices), value, accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using Tensor number = Aten.scalar_tensor.Call(value, dtype, Arg.None, device);
            return index_put_(number, indices);
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices) => index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor));

        private static NativeIndex Filled(TensorIndex index)
        {
            if (index.Of is not null) index.Native.Tensor = index.Of.Handle;
            return index.Native;
        }

        private Tensor At(ReadOnlySpan<long> at)
        {
            NativeIndex* native = stackalloc NativeIndex[at.Length];
            for (int i = 0; i < at.Length; i++) native[i] = new NativeIndex { Kind = 3, Start = at[i] };
            return Index(native, at.Length);
        }

        private void Put(ReadOnlySpan<long> at, Tensor value)
        {
            NativeIndex* native = stackalloc NativeIndex[at.Length];
            for (int i = 0; i < at.Length; i++) native[i] = new NativeIndex { Kind = 3, Start = at[i] };
            IndexPut(native, at.Length, value);
        }

        private Tensor Index(NativeIndex* indices, int count)
        {
            nint result;
            NativeMethods.Check(NativeMethods.rrec_index(Handle, indices, count, &result));
            GC.KeepAlive(this);
            return new Tensor(result);
        }

        private void IndexPut(NativeIndex* indices, int count, Tensor value)
        {
            NativeMethods.Check(NativeMethods.rrec_index_put(Handle, indices, count, value.Handle));
            GC.KeepAlive(this);
            GC.KeepAlive(value);
        }
    }
}
