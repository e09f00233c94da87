namespace RRec.Generation;

/// <summary>
/// Random numbers by counting: the number for (key, position) is a function of both and of nothing else, so a trajectory is the same
/// whatever rows share its batch. The mixer is SplitMix64's (Steele, Lea, Flood 2014).
/// </summary>
internal static class Noise
{
    /// <summary>A key made of several numbers, e.g. seed, step, row and sample; order matters.</summary>
    public static ulong Key(params ReadOnlySpan<ulong> parts)
    {
        ulong key = 0x243F6A8885A308D3;
        foreach (ulong part in parts) key = Mix(key + 0x9E3779B97F4A7C15 + Mix(part + 0x9E3779B97F4A7C15));
        return key;
    }

    /// <summary>A number in [0, 1), uniform, with 53 random bits.</summary>
    public static double Uniform(ulong key, int position) => (Mix(key + (ulong)(position + 1) * 0x9E3779B97F4A7C15) >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
