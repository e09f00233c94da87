using System.Runtime.InteropServices;

namespace RRec.Kernels;

/// <summary>
/// Asks Linux to keep weights in pages of 2 MiB. Each row of a weight is read once a step and lies in a page of its own; with pages of 4 KiB the processor looks up
/// addresses for as long as it reads. It is a hint: elsewhere, on old kernels, where an administrator has switched such pages off or memory is in pieces, nothing happens.
/// </summary>
internal static unsafe partial class HugePages
{
    private const int Bytes = 2 << 20, AdviseHuge = 14, AdviseCollapse = 25;   // of madvise: from the next touch on, and for what is there already (Linux 6.1)

    private static readonly bool Allowed = OperatingSystem.IsLinux() && Mode() is { } mode && !mode.Contains("[never]", StringComparison.Ordinal);

    /// <summary>Asks for a range, the pages at its ends included.</summary>
    /// <param name="from">Its address.</param>
    /// <param name="bytes">Its length; less than a large page is left alone.</param>
    public static void Use(nint from, long bytes)
    {
        if (!Allowed || bytes < Bytes) return;
        nint start = from & ~(nint)(Bytes - 1), end = (nint)((from + bytes + Bytes - 1) & ~(long)(Bytes - 1));
        // What either says does not matter.
        _ = Advise(start, (nuint)(end - start), AdviseHuge);
        _ = Advise(start, (nuint)(end - start), AdviseCollapse);
    }

    private static string? Mode()
    {
        try
        {
            return File.ReadAllText("/sys/kernel/mm/transparent_hugepage/enabled");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
