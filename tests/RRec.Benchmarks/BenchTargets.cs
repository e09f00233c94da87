using System.Globalization;

namespace RRec.Benchmarks;

/// <summary>A target: what a line's ratio or share of its bound should be.</summary>
/// <param name="What">For people.</param>
/// <param name="Name">The line's name.</param>
/// <param name="Shape">Part of the line's shape.</param>
/// <param name="Value">The limit.</param>
/// <param name="AtMost">Below it, instead of above.</param>
/// <param name="Of">The figure.</param>
internal sealed record Target(string What, string Name, string Shape, double Value, bool AtMost, Func<AllBench.Line, double?> Of);

/// <summary>What the speed of this repository is measured by.</summary>
internal static class BenchTargets
{
    public static IReadOnlyList<Target> All { get; } =
    [
        Ratio("step, share of TRL's scaled time", "step", "smollm2", 0.20),
        Share("update, prompts once instead of G = 4 times, share of the counted gain", "update-shared-gain", "G=4", 0.85),
        Share("update, prompts once instead of G = 8 times, share of the counted gain", "update-shared-gain", "G=8", 0.85),
        Ratio("update's peak memory, vocabulary of 150k against 8k", "update-memory", "vocabulary 150k", 1.5),
        Share("decoding SmolLM2, B = 1, share of the bound", "decode-smollm2", "P=1 G=1", 0.70),
        Share("decoding SmolLM2, B = 8", "decode-smollm2", "P=8 G=1", 0.70),
        Share("decoding SmolLM2, B = 64", "decode-smollm2", "P=64 G=1", 0.70),
        Share("decoding SmolLM2, 4 prompts x G = 4", "decode-smollm2", "P=4 G=4", 0.70),
        Share("items, catalogue backbone, share of the products' rate", "items-catalogue", "", 0.85),
        Share("items, SmolLM2", "items-smollm2", "", 0.85),
        Share("top-k of 1,000,000 items, share of the products' rate", "topk", "", 0.60),
        Share("GPU, Qwen2.5-3B, prefill, share of peak", "gpu-prefill", "qwen2.5-3b", 0.40),
        Share("GPU, Qwen2.5-3B, update", "gpu-update", "qwen2.5-3b", 0.30),
        Share("GPU, Qwen2.5-3B, decoding, share of bandwidth", "gpu-decode", "qwen2.5-3b", 0.25),
        Share("GPU, Gemma 2 2B, prefill, share of peak", "gpu-prefill", "gemma-2-2b", 0.40),
        Share("GPU, Gemma 2 2B, update", "gpu-update", "gemma-2-2b", 0.30),
        Share("GPU, Gemma 2 2B, decoding, share of bandwidth", "gpu-decode", "gemma-2-2b", 0.25),
    ];

    public static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static Target Ratio(string what, string name, string shape, double most) => new(what, name, shape, most, true, l => l.Ratio);

    private static Target Share(string what, string name, string shape, double least) => new(what, name, shape, least, false, l => l.ShareOfBound);
}
