using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>What the factories share, and those that are not "one value for given sizes".</summary>
public static unsafe partial class torch
{
    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    /// <summary>Without a dtype: 64-bit integers if all three are integers, else the default floating point type.</summary>
    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Aten.arange_start_step.Call(start, stop, step, dtype, Arg.None, device), requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Aten.linspace.Call(start, end, steps, dtype, Arg.None, device), requires_grad);

    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Grad(Aten.eye_m.Call(rows, columns < 0 ? rows : columns, dtype, Arg.None, device), requires_grad);

    /// <summary>Whole numbers from <paramref name="low"/> to below <paramref name="high"/>; 64-bit integers unless a dtype is given.</summary>
    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null, string[]? names = null) =>
        Grad(Aten.randint_low_generator.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad);

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null, string[]? names = null) => randint(0, high, size, dtype, device, requires_grad, generator, names);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        Grad(Aten.randperm_generator.Call(n, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad);


    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Grad(Aten.zeros_like.Call(input, dtype, Arg.None, device), requires_grad);

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Grad(Aten.ones_like.Call(input, dtype, Arg.None, device), requires_grad);

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Grad(Aten.empty_like.Call(input, dtype, Arg.None, device), requires_grad);

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Grad(Aten.full_like.Call(input, value, dtype, Arg.None, device), requires_grad);


    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Aten.randn_like.Call(input, dtype, Arg.None, device), requires_grad);



    private static Tensor Sized(Op op, ReadOnlySpan<long> size, bool hasExtra, Arg extra, ScalarType? dtype, Device? device, bool requiresGrad)
    {
        fixed (long* sizes = size)
        {
            Arg shape = Arg.Fixed(sizes, size.Length);
            Tensor made = hasExtra ? op.Call(shape, extra, dtype ?? ScalarType.Float32, Arg.None, device) : op.Call(shape, dtype ?? ScalarType.Float32, Arg.None, device);
            return Grad(made, requiresGrad);
        }
    }

    private static Tensor Grad(Tensor tensor, bool requiresGrad) => requiresGrad ? tensor.requires_grad_() : tensor;

    /// <summary>A CPU tensor with a copy of the values, then converted and moved as asked.</summary>
    private static Tensor Make<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> sizes, ScalarType own, ScalarType? dtype, Device? device, bool requiresGrad)
        where T : unmanaged
    {
        nint handle;
        fixed (T* data = values)
        fixed (long* shape = sizes)
            NativeMethods.Check(NativeMethods.rrec_from_memory(data, (long)values.Length * sizeof(T), shape, sizes.Length, (int)own, &handle));
        var tensor = new Tensor(handle);
        if (dtype is { } other && other != own) tensor = Replace(tensor, tensor.to(other));
        if (device is not null && device.type != DeviceType.CPU) tensor = Replace(tensor, tensor.to(device));
        return Grad(tensor, requiresGrad);
    }

    private static Tensor Replace(Tensor old, Tensor changed)
    {
        old.Dispose();
        return changed;
    }

    private static ReadOnlySpan<T> SpanOf<T>(IList<T> list) => list switch
    {
        T[] array => array,
        List<T> values => CollectionsMarshal.AsSpan(values),
        _ => list.ToArray(),
    };

    /// <summary>The elements of an array of any rank in row-major order.</summary>
    private static ReadOnlySpan<T> SpanOf<T>(Array array) where T : unmanaged =>
        array.Length == 0 ? default : MemoryMarshal.CreateReadOnlySpan(ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array)), array.Length);

    private static long[] SizesOf(Array array)
    {
        var sizes = new long[array.Rank];
        for (int d = 0; d < sizes.Length; d++) sizes[d] = array.GetLongLength(d);
        return sizes;
    }
}
