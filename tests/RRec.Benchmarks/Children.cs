using System.Diagnostics;

namespace RRec.Benchmarks;

/// <summary>Processes of this program, for what wants one of its own.</summary>
internal static class Children
{
    /// <summary>How to start this program with other arguments.</summary>
    /// <param name="read">Its output is for the caller to read.</param>
    /// <param name="arguments">What follows the program's name.</param>
    public static ProcessStartInfo Start(bool read, params IEnumerable<string> arguments)
    {
        string self = Environment.ProcessPath!;
        bool host = Path.GetFileNameWithoutExtension(self) == "dotnet";   // else a package with a .NET of its own
        return new ProcessStartInfo(self, host ? [typeof(Children).Assembly.Location, .. arguments] : arguments) { RedirectStandardOutput = read };
    }
}
