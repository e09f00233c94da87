using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Threads, gradient modes, scopes and the version: what is of the process or the thread, not of a tensor.</summary>
public static partial class torch
{
    /// <summary>The version of the libtorch at work.</summary>
    public static unsafe string __version__ => Marshal.PtrToStringUTF8((nint)NativeMethods.rrec_version())!;

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.OfThread.Enter();
    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.OfThread.CurrentDisposeScope;

    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using DisposeScope scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }

    public static int get_num_threads() => NativeMethods.rrec_get_num_threads();
    public static unsafe void set_num_threads(int num) => NativeMethods.Check(NativeMethods.rrec_set_num_threads(num));

    public static bool is_grad_enabled() => NativeMethods.rrec_grad_mode() != 0;
    public static bool is_inference_mode_enabled() => NativeMethods.rrec_inference_mode() != 0;

    public static IDisposable no_grad() => new GradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    /// <summary>Must be left on the thread that entered it, innermost first.</summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    private sealed class GradMode : IDisposable
    {
        private readonly int _before = NativeMethods.rrec_grad_mode();
        private bool _left;

        internal GradMode(bool enabled) => NativeMethods.rrec_set_grad_mode(enabled ? 1 : 0);

        public void Dispose()
        {
            if (_left) return;
            _left = true;
            NativeMethods.rrec_set_grad_mode(_before);
        }
    }

    private sealed class InferenceMode(bool mode) : IDisposable
    {
        private nint _guard = NativeMethods.rrec_inference_mode_enter(mode ? 1 : 0);

        public void Dispose()
        {
            if (_guard != 0) NativeMethods.rrec_inference_mode_leave(_guard);
            _guard = 0;
        }
    }
}
