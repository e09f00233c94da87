using System.Text.Json;
using System.Text.Json.Nodes;

namespace RRec.Backbones;

/// <summary>
/// The shape of a decoder, read from a Hugging Face <c>config.json</c>: the layout of the Hub's repositories (<c>rope_theta</c>,
/// <c>rope_scaling</c>) and that of transformers 5 (<c>rope_parameters</c>, <c>layer_types</c>). What this decoder does not compute is
/// refused by name; nothing in the file is silently ignored that would change a number.
/// </summary>
public sealed partial record BackboneConfig
{
    internal BackboneFamily Family { get; private init; } = null!;

    /// <summary>The family: <c>llama</c>, <c>mistral</c>, <c>qwen2</c>, <c>qwen3</c>, <c>gemma2</c> or <c>gemma3_text</c>.</summary>
    public string ModelType => Family.ModelType;

    /// <summary>Rows of the embedding matrix; token ids lie below it.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Length of a hidden state.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads of a layer.</summary>
    public required int Heads { get; init; }

    /// <summary>Key/value heads of a layer; divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Length of one head's query; even.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The epsilon of all norms.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>Whether the language head is the embedding matrix.</summary>
    public required bool TiedHead { get; init; }

    /// <summary>Attention logits are the dot product times this.</summary>
    public required double QueryScale { get; init; }

    /// <summary>Attention logits x become cap * tanh(x / cap); null: they stay.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary>The same for the language head's logits.</summary>
    public double? FinalSoftCap { get; init; }

    /// <summary>Sliding layers see this many tokens back, the token itself counted; null: no layer slides.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Per layer: does it slide?</summary>
    public required IReadOnlyList<bool> LayerSlides { get; init; }

    /// <summary>Rotation of the layers that see everything.</summary>
    public required RopeSettings Rope { get; init; }

    /// <summary>Rotation of the sliding layers; the same as <see cref="Rope"/> except in Gemma 3.</summary>
    public required RopeSettings SlidingRope { get; init; }

    /// <summary>The most positions the model was trained for.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Ids that end a text. The folder's generation_config.json adds to those of config.json.</summary>
    public required IReadOnlyList<int> EndOfSequenceIds { get; init; }

    /// <summary>The padding id, where the file names one.</summary>
    public int? PadId { get; init; }

    internal string Json { get; init; } = "";

    /// <summary>Reads a folder's config.json, and generation_config.json where there is one.</summary>
    /// <exception cref="FileNotFoundException">There is no config.json.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or asks for something that this decoder does not compute.</exception>
    public static BackboneConfig Load(string folder)
    {
        string path = Path.Combine(folder, "config.json"), generation = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(path)) throw new FileNotFoundException($"Folder '{folder}' has no config.json; a Hugging Face model folder is needed.", path);
        BackboneConfig config = Parse(File.ReadAllText(path), path);
        if (!File.Exists(generation)) return config;
        using JsonDocument more = ConfigReader.Document(File.ReadAllText(generation), generation);
        int[] ids = new ConfigReader(more.RootElement, generation).Ids("eos_token_id", config.VocabularySize);
        return config with { EndOfSequenceIds = [.. config.EndOfSequenceIds.Union(ids)] };
    }

    /// <summary>Reads the text of a config.json.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">What to call it in error messages.</param>
    public static BackboneConfig Parse(string json, string source)
    {
        using JsonDocument document = ConfigReader.Document(json, source);
        var c = new ConfigReader(document.RootElement, source);
        string type = c.TextOrNull("model_type") ?? throw c.Error("'model_type' is missing");
        BackboneFamily family = BackboneFamily.All.FirstOrDefault(f => f.ModelType == type)
            ?? throw c.Error($"model_type '{type}' is not supported; supported are {string.Join(", ", BackboneFamily.All.Select(f => f.ModelType))}");
        RefuseUnknown(c, family);
        int layers = Bounded(c, "num_hidden_layers", 1_000), heads = Bounded(c, "num_attention_heads", 10_000), hidden = Bounded(c, "hidden_size", 1 << 20);
        int keyValueHeads = c.IntOrNull("num_key_value_heads") ?? heads;
        if (heads % keyValueHeads != 0) throw c.Error($"num_attention_heads {heads} is not a multiple of num_key_value_heads {keyValueHeads}");
        int headSize = c.IntOrNull("head_dim") ?? family.DefaultHeadSize ?? hidden / heads;
        if (headSize is < 2 or > 4096 || headSize % 2 != 0) throw c.Error($"the head size is {headSize}; an even number from 2 to 4096 is needed");
        bool[] slides = Sliding(c, family, layers);
        (RopeSettings full, RopeSettings sliding) = Ropes(c, family);
        return new BackboneConfig
        {
            Family = family, Json = json,
            VocabularySize = Bounded(c, "vocab_size", 100_000_000), HiddenSize = hidden, IntermediateSize = Bounded(c, "intermediate_size", 1 << 22),
            Layers = layers, Heads = heads, KeyValueHeads = keyValueHeads, HeadSize = headSize,
            NormEpsilon = c.NumberOrNull("rms_norm_eps") ?? 1e-6,
            TiedHead = c.Flag("tie_word_embeddings", family.TiedByDefault),
            QueryScale = 1 / Math.Sqrt(c.NumberOrNull("query_pre_attn_scalar") ?? family.DefaultQueryPreAttentionScalar ?? headSize),
            AttentionSoftCap = c.Mentions("attn_logit_softcapping") ? c.NumberOrNull("attn_logit_softcapping") : family.DefaultAttentionSoftCap,
            FinalSoftCap = c.Mentions("final_logit_softcapping") ? c.NumberOrNull("final_logit_softcapping") : family.DefaultFinalSoftCap,
            SlidingWindow = slides.Contains(true) ? c.IntOrNull("sliding_window") ?? family.DefaultSlidingWindow ?? throw c.Error("layers slide, but 'sliding_window' is missing") : null,
            LayerSlides = slides, Rope = full, SlidingRope = sliding,
            MaxPositions = c.IntOrNull("max_position_embeddings") ?? 32768,
            EndOfSequenceIds = c.Ids("eos_token_id", c.Int("vocab_size")),
            PadId = c.Ids("pad_token_id", c.Int("vocab_size")) is [int pad] ? pad : null,
        };
    }

    /// <summary>The config.json this was read from, as it was.</summary>
    public string ToJson() => Json;

    /// <summary>The config of a Qwen2 decoder, for backbones that are made rather than downloaded.</summary>
    /// <param name="vocabularySize">Rows of the embedding matrix.</param>
    /// <param name="hiddenSize">Length of a hidden state.</param>
    /// <param name="intermediateSize">Width inside the MLP.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="heads">Query heads; divides <paramref name="hiddenSize"/>.</param>
    /// <param name="keyValueHeads">Key/value heads; divides <paramref name="heads"/>.</param>
    /// <param name="endOfSequenceId">The id that ends a text.</param>
    /// <param name="padId">The padding id.</param>
    /// <param name="ropeTheta">The base of the rotation.</param>
    /// <param name="normEpsilon">The epsilon of all norms.</param>
    /// <param name="tiedHead">Whether the language head is the embedding matrix.</param>
    /// <param name="maxPositions">The longest text.</param>
    public static BackboneConfig Qwen2(int vocabularySize, int hiddenSize, int intermediateSize, int layers, int heads, int keyValueHeads,
        int endOfSequenceId, int? padId = null, double ropeTheta = 10000, double normEpsilon = 1e-6, bool tiedHead = true, int maxPositions = 4096)
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("Qwen2ForCausalLM"), ["model_type"] = "qwen2", ["vocab_size"] = vocabularySize, ["hidden_size"] = hiddenSize,
            ["intermediate_size"] = intermediateSize, ["num_hidden_layers"] = layers, ["num_attention_heads"] = heads, ["num_key_value_heads"] = keyValueHeads,
            ["hidden_act"] = "silu", ["rms_norm_eps"] = normEpsilon, ["rope_theta"] = ropeTheta, ["tie_word_embeddings"] = tiedHead,
            ["use_sliding_window"] = false, ["max_position_embeddings"] = maxPositions, ["eos_token_id"] = endOfSequenceId, ["torch_dtype"] = "float32",
        };
        if (padId is int pad) json["pad_token_id"] = pad;
        return Parse(json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }), "a made Qwen2 config");
    }

    private static int Bounded(ConfigReader c, string key, int most)
    {
        int value = c.Int(key);
        return value <= most ? value : throw c.Error($"'{key}' is {value}; at most {most} is supported");
    }

    private static bool[] Sliding(ConfigReader c, BackboneFamily family, int layers)
    {
        string[]? types = c.TextsOrNull("layer_types");
        if (types is null) return [.. Enumerable.Range(0, layers).Select(i => family.Slides(c, i))];
        if (types.Length != layers) throw c.Error($"'layer_types' has {types.Length} entries for {layers} layers");
        return [.. types.Select(t => t switch
        {
            "full_attention" => false,
            "sliding_attention" => true,
            _ => throw c.Error($"layer type '{t}' is not supported; supported are full_attention and sliding_attention"),
        })];
    }

    private static (RopeSettings Full, RopeSettings Sliding) Ropes(ConfigReader c, BackboneFamily family)
    {
        ConfigReader? all = c.ObjectOrNull("rope_parameters");
        ConfigReader? perKind = all?.ObjectOrNull("full_attention");
        if (perKind is not null)
        {
            return (RopeSettings.Read(perKind, family.DefaultRopeTheta),
                    RopeSettings.Read(all!.ObjectOrNull("sliding_attention"), family.DefaultLocalRopeTheta ?? family.DefaultRopeTheta));
        }
        double theta = c.NumberOrNull("rope_theta") ?? family.DefaultRopeTheta;
        RopeSettings full = RopeSettings.Read(all ?? c.ObjectOrNull("rope_scaling"), theta);
        // Gemma 3's sliding layers keep their own base and are never stretched.
        RopeSettings sliding = family.DefaultLocalRopeTheta is double local ? new RopeSettings { Theta = c.NumberOrNull("rope_local_base_freq") ?? local } : full;
        return (full, sliding);
    }
}
