using System.Globalization;

namespace RRec.TestSupport;

/// <summary>What Linux tells about this process's memory, in bytes; null where there is no such system.</summary>
internal static class ProcessMemory
{
    /// <summary>In RAM now.</summary>
    public static long? Resident => Read("VmRSS:");

    /// <summary>The same without pages of mapped files, which are the system's to take back.</summary>
    public static long? Anonymous => Read("RssAnon:");

    /// <summary>The highest <see cref="Resident"/> since the process began or <see cref="ForgetPeak"/>.</summary>
    public static long? Peak => Read("VmHWM:");

    /// <summary>The peak begins anew at what is in RAM now.</summary>
    public static void ForgetPeak()
    {
        if (OperatingSystem.IsLinux()) File.WriteAllText("/proc/self/clear_refs", "5");   // proc(5)
    }

    // VmRSS:     61234 kB
    private static long? Read(string name)
    {
        if (!OperatingSystem.IsLinux()) return null;
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? null : long.Parse(line.AsSpan(name.Length).Trim()[..^3], CultureInfo.InvariantCulture) << 10;
    }
}
