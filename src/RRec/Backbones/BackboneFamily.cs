namespace RRec.Backbones;

/// <summary>
/// What sets one family of decoders apart from the others, as one row of data: the decoder itself is written once. A new family of this
/// kind is a new row; one that computes something else is refused by its <c>model_type</c>.
/// </summary>
internal sealed record BackboneFamily(string ModelType)
{
    /// <summary>Query, key and value projections have biases.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Queries and keys are normalised per head before the rotation.</summary>
    public bool QkNorm { get; init; }

    /// <summary>Norms before and after attention and before and after the MLP, instead of only before.</summary>
    public bool FourNorms { get; init; }

    /// <summary>Norm weights are stored as w for a factor 1+w; the 1 is added at load and taken off at save.</summary>
    public bool OnePlusNorm { get; init; }

    /// <summary>Embeddings are multiplied by sqrt(hidden size).</summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>tanh-gelu instead of silu; what config.json says is checked against it.</summary>
    public bool Gelu { get; init; }

    /// <summary>Whether the head is the embedding matrix where config.json does not say.</summary>
    public bool TiedByDefault { get; init; }

    /// <summary>Where config.json does not list <c>layer_types</c>: is layer i of this config a sliding one?</summary>
    public Func<ConfigReader, int, bool> Slides { get; init; } = (_, _) => false;

    // The defaults below are those of the configuration classes of transformers, for keys that config.json leaves out.

    public int? DefaultSlidingWindow { get; init; }

    public int? DefaultHeadSize { get; init; }

    public double? DefaultQueryPreAttentionScalar { get; init; }

    public double? DefaultAttentionSoftCap { get; init; }

    public double? DefaultFinalSoftCap { get; init; }

    public double DefaultRopeTheta { get; init; } = 10000;

    /// <summary>Sliding layers rotate with their own base (<c>rope_local_base_freq</c>) and without rope scaling.</summary>
    public double? DefaultLocalRopeTheta { get; init; }

    public static readonly IReadOnlyList<BackboneFamily> All =
    [
        new("llama"),
        new("mistral") { Slides = (c, _) => c.IntOrNull("sliding_window") is not null, DefaultSlidingWindow = 4096 },
        new("qwen2") { QkvBias = true, Slides = QwenSlides, DefaultSlidingWindow = 4096 },
        new("qwen3") { QkNorm = true, Slides = QwenSlides, DefaultSlidingWindow = 4096, DefaultHeadSize = 128 },
        new("gemma2")
        {
            FourNorms = true, OnePlusNorm = true, ScaleEmbedding = true, Gelu = true, TiedByDefault = true,
            Slides = (_, layer) => layer % 2 == 0, DefaultSlidingWindow = 4096, DefaultHeadSize = 256,
            DefaultQueryPreAttentionScalar = 256, DefaultAttentionSoftCap = 50, DefaultFinalSoftCap = 30,
        },
        new("gemma3_text")
        {
            FourNorms = true, OnePlusNorm = true, ScaleEmbedding = true, Gelu = true, TiedByDefault = true, QkNorm = true,
            Slides = (c, layer) => (layer + 1) % (c.IntOrNull("sliding_window_pattern") ?? c.IntOrNull("_sliding_window_pattern") ?? 6) != 0,
            DefaultSlidingWindow = 4096, DefaultHeadSize = 256, DefaultQueryPreAttentionScalar = 256,
            DefaultRopeTheta = 1_000_000, DefaultLocalRopeTheta = 10_000,
        },
    ];

    private static bool QwenSlides(ConfigReader c, int layer) =>
        c.Flag("use_sliding_window", false) && layer >= (c.IntOrNull("max_window_layers") ?? 28);
}
