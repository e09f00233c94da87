namespace Microsoft.ML;

/// <summary>Random numbers from seeds. The real one has a generator of its own; nothing here depends on which.</summary>
internal static class RandomUtils
{
    public static Random Create(int? seed = null) => seed is int given ? new Random(given) : new Random();

    /// <summary>A generator of its own, seeded by the next number of <paramref name="seed"/>.</summary>
    public static Random Create(Random seed) => new(seed.Next());
}
