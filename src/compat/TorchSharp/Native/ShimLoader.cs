using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>
/// Finds libRRecTorchShim: beside the program, at RREC_TORCH_SHIM, else in artifacts/native of a folder above the program.
/// Also sets what must be set before libtorch's thread pool exists: all cores (Debian's libtorch would use one), and idle
/// workers that sleep instead of spinning, unless the user's OMP_* variables say otherwise.
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
            // Environment.SetEnvironmentVariable stays inside .NET; the OpenMP runtime reads the C environment when it is loaded.
            if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null) SetCEnvironment("OMP_WAIT_POLICY", "passive");
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

    private static unsafe void SetCEnvironment(string name, string value)
    {
        fixed (byte* n = System.Text.Encoding.UTF8.GetBytes(name + "\0"), v = System.Text.Encoding.UTF8.GetBytes(value + "\0"))
            setenv(n, v, 0);
    }

    [DllImport("libc")] private static extern unsafe int setenv(byte* name, byte* value, int overwrite);
}
