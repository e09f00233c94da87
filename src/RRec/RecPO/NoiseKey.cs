namespace RRec.RecPO;

/// <summary>Keys of random streams. A sample's noise depends on (seed, step, row, trajectory) alone, never on how rows are batched (O14).</summary>
internal static class NoiseKey
{
    /// <summary>The key of one trajectory.</summary>
    public static ulong Of(int seed, int step, int row, int sample)
    {
        ulong key = Mix((uint)seed + 0x9E3779B97F4A7C15UL);
        key = Mix(key ^ (uint)step);
        key = Mix(key ^ ((ulong)(uint)row << 1));
        return Mix(key ^ ((ulong)(uint)sample << 2));
    }

    /// <summary>A seed for <see cref="Random"/> from the same mixing.</summary>
    public static int Seed(int seed, int purpose, int step) => (int)(Of(seed, step, purpose, -1) & int.MaxValue);

    // The finaliser of SplitMix64: a bijection whose output bits depend on all input bits.
    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
