using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>
/// Finds libRRecTorchShim: beside the program, at RREC_TORCH_SHIM, else in artifacts/native of a folder above the program.
/// Also sets what must be set before libtorch works: all cores (Debian's libtorch would use one), idle workers that sleep instead
/// of spinning, and an allocator that keeps freed memory; unless the user's OMP_* and MALLOC_* variables say otherwise.
/// </summary>
internal static partial class ShimLoader
{
    private static readonly Lock Gate = new();
    private static nint _library;

    internal static void Register() =>
        NativeLibrary.SetDllImportResolver(typeof(ShimLoader).Assembly, (name, _, _) => name == "RRecTorchShim" ? Load() : 0);

    private static nint Load()
    {
        lock (Gate)
        {
            if (_library != 0) return _library;
            if (OperatingSystem.IsLinux())
            {
                SetCEnvironment("OMP_WAIT_POLICY", "passive");
                // OpenBLAS's workers spin 25 ms (2^26 cycles) by default, on the cores that libtorch's other loops want: measured in a training
                // step on two cores, a quarter of all CPU time. 2^16 cycles still bridge the gap between two products.
                SetCEnvironment("OPENBLAS_THREAD_TIMEOUT", "16");
                // Debian's libtorch 2.6 brings MPI's transport library, which by default takes over the signal that .NET makes null references out of.
                SetCEnvironment("UCX_ERROR_SIGNALS", "");
                KeepFreedMemory();
            }
            string path = Candidates().FirstOrDefault(File.Exists)
                ?? throw new NotSupportedException("libRRecTorchShim.so was not found: build it with src/compat/native/build.sh, or point RREC_TORCH_SHIM to it. Looked at "
                    + string.Join(", ", Candidates()));
            nint library = NativeLibrary.Load(path);
            if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null) SetThreads(library, Environment.ProcessorCount);
            return _library = library;
        }
    }

    private static IEnumerable<string> Candidates()
    {
        const string file = "libRRecTorchShim.so";
        yield return Path.Combine(AppContext.BaseDirectory, file);
        if (Environment.GetEnvironmentVariable("RREC_TORCH_SHIM") is { Length: > 0 } set) yield return set;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            yield return Path.Combine(folder.FullName, "artifacts", "native", file);
    }

    private static unsafe void SetThreads(nint library, int threads) =>
        ((delegate* unmanaged<int, byte*>)NativeLibrary.GetExport(library, "rrec_set_num_threads"))(threads);

    /// <summary>
    /// Sets what the user has not. Environment.SetEnvironmentVariable would stay inside .NET; native runtimes read the C environment when they are loaded.
    /// </summary>
    private static unsafe void SetCEnvironment(string name, string value)
    {
        fixed (byte* n = System.Text.Encoding.UTF8.GetBytes(name + "\0"), v = System.Text.Encoding.UTF8.GetBytes(value + "\0"))
            setenv(n, v, 0);
    }

    /// <summary>
    /// By default glibc gives the memory of every large tensor back to the system and faults it in again for the next one: measured
    /// on attention of 4x6x128x32, that is 60% of the time. Now up to 1 GiB of freed memory stays with the process.
    /// </summary>
    private static void KeepFreedMemory()
    {
        const int trimThreshold = -1, topPad = -2, mmapThreshold = -3, arenaMax = -8;
        if (Environment.GetEnvironmentVariables().Keys.Cast<string>().Any(name => name.StartsWith("MALLOC_", StringComparison.Ordinal))) return;
        try
        {
            mallopt(mmapThreshold, 32 << 20);   // glibc's limit
            mallopt(trimThreshold, 1 << 30);
            mallopt(topPad, 64 << 20);
            mallopt(arenaMax, 1);               // one arena: what one thread frees another can use
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library with an allocator of its own.
        }
    }

    [DllImport("libc")] private static extern int mallopt(int parameter, int value);
    [DllImport("libc")] private static extern unsafe int setenv(byte* name, byte* value, int overwrite);
}
