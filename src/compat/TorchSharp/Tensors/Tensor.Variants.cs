namespace TorchSharp;

public static partial class torch
{
    /// <summary>Methods whose arguments do not map one to one to an operator.</summary>
    public unsafe partial class Tensor
    {
        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Aten.div_Tensor.Call(this, target) : Aten.div_Tensor_mode.Call(this, target, rounding_mode.ToString());
        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Aten.div_Scalar.Call(this, target) : Aten.div_Scalar_mode.Call(this, target, rounding_mode.ToString());
        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Aten.div__Tensor.InPlace(this, target) : Aten.div__Tensor_mode.InPlace(this, target, rounding_mode.ToString());
        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Aten.div__Scalar.InPlace(this, target) : Aten.div__Scalar_mode.InPlace(this, target, rounding_mode.ToString());

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Sum(&dim, 1, keepdim, type);

        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null)
        {
            fixed (long* dims = dim) return Sum(dims, dim.Length, keepdim, type);
        }

        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null)
        {
            long* dims = stackalloc long[] { dim0, dim1 };
            return Sum(dims, 2, keepdim, type);
        }

        private Tensor Sum(long* dims, int count, bool keepdim, ScalarType? type) => Aten.sum_dim_IntList.Call(this, Arg.Fixed(dims, count), keepdim, type);

        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Aten.var_dim.Call(this, Arg.Fixed(&dim, 1), unbiased, keepdim);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Aten.var_dim.Call(this, dimensions, unbiased, keepdim);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Aten.std_dim.Call(this, Arg.Fixed(&dim, 1), unbiased, keepdim);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Aten.std_dim.Call(this, dimensions, unbiased, keepdim);

        public Tensor norm(float p = 2) => Aten.norm_Scalar.Call(this, (double)p);

        public Tensor norm(int dim, bool keepdim = false, float p = 2)
        {
            long only = dim;
            return Aten.norm_ScalarOpt_dim.Call(this, (double)p, Arg.Fixed(&only, 1), keepdim);
        }

        public Tensor logsumexp(long dim, bool keepdim = false) => Aten.logsumexp.Call(this, Arg.Fixed(&dim, 1), keepdim);

        public Tensor amax(params long[] dims) => Aten.amax.Call(this, dims, false);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) =>
            @out is null ? Aten.amax.Call(this, dims, keepdim) : Aten.amax_out.Into(@out, this, dims, keepdim, @out);



        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null)
        {
            var (output, inverse, counts) = dim is { } along
                ? Aten.unique_dim.Call3(this, along, sorted, return_inverse, return_counts)
                : Aten._unique2.Call3(this, sorted, return_inverse, return_counts);
            if (!return_inverse) inverse?.Dispose();
            if (!return_counts) counts?.Dispose();
            return (output, return_inverse ? inverse : null, return_counts ? counts : null);
        }

        public bool allclose(Tensor target, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false) =>
            Aten.allclose.CallScalar(this, target, rtol, atol, equal_nan).ToBoolean();

        public bool is_nonzero() =>
            numel() == 1 ? Aten.is_nonzero.CallScalar(this).ToBoolean() : throw new InvalidOperationException("is_nonzero() called on non-singleton tensor");

        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false)
        {
            fixed (long* s = sizes) return Aten.expand.Call(this, Arg.Fixed(s, sizes.Length), isImplicit);
        }

        public Tensor roll(long shifts, long? dims = null)
        {
            long along = dims ?? 0;
            return Aten.roll.Call(this, Arg.Fixed(&shifts, 1), Arg.Fixed(&along, dims is null ? 0 : 1));
        }

        public Tensor[] split(params long[] sizes) => split(sizes, 0);

        public Tensor squeeze(long? dim = null) => dim is { } only ? Aten.squeeze_dim.Call(this, only) : Aten.squeeze.Call(this);

        public Tensor unflatten(long dim, params long[] sizes)
        {
            long[] old = shape;
            long at = dim < 0 ? dim + old.Length : dim;
            return view([.. old[..(int)at], .. sizes, .. old[((int)at + 1)..]]);
        }


        public Tensor T => Aten.numpy_T.Call(this);
        public Tensor mT => Aten.mT.Call(this);
    }
}
