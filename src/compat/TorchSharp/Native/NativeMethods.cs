using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace TorchSharp;

/// <summary>
/// The entry points of src/compat/native. A function that can fail returns null or the message; see <see cref="Check"/>.
/// Functions that only read a field skip the runtime's transition (SuppressGCTransition): they return in nanoseconds.
/// </summary>
internal static unsafe partial class NativeMethods
{
    private const string Shim = "RRecTorchShim";

    static NativeMethods()
    {
        ShimLoader.Register();
    }

    /// <summary>Throws what the published package throws: an ExternalException with libtorch's message.</summary>
    internal static void Check(byte* error)
    {
        if (error != null) Throw(error);
    }

    private static void Throw(byte* error) => throw new ExternalException(Marshal.PtrToStringUTF8((nint)error));

    [DllImport(Shim)] internal static extern byte* rrec_op(byte* name, byte* overload, nint* op);
    [DllImport(Shim)] internal static extern byte* rrec_call(nint op, NativeValue* arguments, int count, NativeValue* results, int resultCount);
    [DllImport(Shim)] internal static extern void rrec_free(nint memory);

    [DllImport(Shim)] internal static extern void rrec_dispose(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern nint rrec_share(nint tensor);
    [DllImport(Shim)] internal static extern byte* rrec_from_memory(void* data, long bytes, long* sizes, int dims, int dtype, nint* result);
    [DllImport(Shim), SuppressGCTransition] internal static extern int rrec_dim(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern long rrec_numel(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern int rrec_dtype(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern long rrec_element_size(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern int rrec_is_contiguous(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern long rrec_device(nint tensor);
    [DllImport(Shim), SuppressGCTransition] internal static extern void rrec_sizes(nint tensor, long* sizes);
    [DllImport(Shim), SuppressGCTransition] internal static extern void rrec_strides(nint tensor, long* strides);
    [DllImport(Shim)] internal static extern byte* rrec_data(nint tensor, void** data);
    [DllImport(Shim)] internal static extern byte* rrec_index(nint tensor, NativeIndex* indices, int count, nint* result);
    [DllImport(Shim)] internal static extern byte* rrec_index_put(nint tensor, NativeIndex* indices, int count, nint value);

    [DllImport(Shim)] internal static extern byte* rrec_generator_new(ulong seed, long device, nint* result);
    [DllImport(Shim)] internal static extern nint rrec_generator_default();
    [DllImport(Shim)] internal static extern void rrec_generator_dispose(nint generator);
    [DllImport(Shim)] internal static extern void rrec_generator_manual_seed(nint generator, long seed);
    [DllImport(Shim)] internal static extern long rrec_generator_initial_seed(nint generator);
    [DllImport(Shim)] internal static extern long rrec_generator_seed(nint generator);
    [DllImport(Shim)] internal static extern byte* rrec_generator_get_state(nint generator, nint* state);
    [DllImport(Shim)] internal static extern byte* rrec_generator_set_state(nint generator, nint state);
    [DllImport(Shim)] internal static extern byte* rrec_manual_seed(long seed);

    [DllImport(Shim)] internal static extern int rrec_get_num_threads();
    [DllImport(Shim)] internal static extern byte* rrec_set_num_threads(int threads);
    [DllImport(Shim)] internal static extern int rrec_uses_openblas();
    [DllImport(Shim)] internal static extern int rrec_cuda_device_count();
    [DllImport(Shim)] internal static extern byte* rrec_cuda_synchronize(int index);
    [DllImport(Shim)] internal static extern byte* rrec_version();

    [DllImport(Shim)] internal static extern int rrec_requires_grad(nint tensor);
    [DllImport(Shim)] internal static extern byte* rrec_set_requires_grad(nint tensor, int value);
    [DllImport(Shim)] internal static extern int rrec_is_leaf(nint tensor);
    [DllImport(Shim)] internal static extern byte* rrec_grad(nint tensor, nint* grad);
    [DllImport(Shim)] internal static extern byte* rrec_set_grad(nint tensor, nint grad);
    [DllImport(Shim)] internal static extern byte* rrec_backward(nint* tensors, int count, nint* gradients, int gradientCount,
        int retainGraph, int createGraph, nint* inputs, int inputCount);
    [DllImport(Shim)] internal static extern byte* rrec_autograd_grad(nint* outputs, int count, nint* inputs, int inputCount,
        nint* gradients, int gradientCount, int retainGraph, int createGraph, int allowUnused, nint* results);
    [DllImport(Shim), SuppressGCTransition] internal static extern int rrec_grad_mode();
    [DllImport(Shim), SuppressGCTransition] internal static extern void rrec_set_grad_mode(int enabled);
    [DllImport(Shim)] internal static extern int rrec_inference_mode();
    [DllImport(Shim)] internal static extern nint rrec_inference_mode_enter(int enabled);
    [DllImport(Shim)] internal static extern void rrec_inference_mode_leave(nint guard);
}
