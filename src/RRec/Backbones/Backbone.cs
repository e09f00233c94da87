using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// A decoder-only language model with its weights. It serves as both heads of R2ec: the language head writes reasonings
/// (<see cref="Logits(Tensor)"/>), and the hidden state at a sequence's last token is a user's or an item's embedding.
/// </summary>
/// <remarks>
/// Results are tensors of the caller's open dispose scope. Nothing here switches gradients off: inference belongs into
/// <c>torch.no_grad()</c>. Activations are of the weights' type; hidden states and logits are returned in single precision.
/// Not safe for concurrent use.
/// </remarks>
public sealed partial class Backbone : IDisposable
{
    private readonly Decoder _decoder;
    private readonly (Rotary Full, Rotary Sliding) _ropes;
    private bool _fullFineTuning;

    private Backbone(BackboneConfig config, DecoderWeights weights, (Rotary Full, Rotary Sliding) ropes, Device device, ScalarType dtype)
    {
        (Config, Device, Type, _ropes) = (config, device, dtype, ropes);
        _decoder = new Decoder(config, weights);
        FusedAttention = device.type == DeviceType.CUDA || (Version.TryParse(torch.__version__.Split('+')[0], out Version? libtorch) && libtorch >= new Version(2, 1));
    }

    /// <summary>The decoder's shape.</summary>
    public BackboneConfig Config { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>The type of the weights and activations.</summary>
    public ScalarType Type { get; }

    /// <summary>
    /// Whether attention goes through the library's operator. That has a kernel which never holds the scores on GPUs, and on CPUs from libtorch 2.1; before, it is
    /// a plain loop and ours is faster.
    /// </summary>
    internal bool FusedAttention { get; set; }

    /// <summary>The LoRA adapter, where one is attached.</summary>
    public LoraAdapter? Adapter => _decoder.Adapter;

    /// <summary>The folder the weights were read from; null where they were not.</summary>
    public string? SourceFolder { get; internal set; }

    /// <summary>Whether the weights were made trainable or merged with an adapter since they were read: then the folder no longer tells them.</summary>
    public bool WeightsChanged { get; private set; }

    /// <summary>
    /// Reads a Hugging Face folder: config.json, generation_config.json where there is one, and safetensors in one file or in shards; or a GGUF file of the Llama
    /// architecture, its values expanded to <paramref name="dtype"/>.
    /// </summary>
    /// <param name="folder">The folder, or the path of a file that ends in .gguf.</param>
    /// <param name="device">Where to put the weights; null: CPU.</param>
    /// <param name="dtype">The type to convert them to; null: single precision.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, asks for something unsupported, holds NaN or infinite weights, or the weights do not fit the config (listed by name).</exception>
    public static Backbone Load(string folder, Device? device = null, ScalarType? dtype = null)
    {
        if (GgufFile.Is(folder))
        {
            using GgufLlama gguf = GgufLlama.Open(folder);
            return FromSource(gguf.Config, gguf, device, dtype);
        }
        BackboneConfig config = BackboneConfig.Load(folder);
        using WeightFolder files = WeightFolder.Open(folder);
        Backbone backbone = FromSource(config, new WeightMap.FolderSource(folder, files), device, dtype);
        backbone.SourceFolder = Path.GetFullPath(folder);
        return backbone;
    }

    /// <summary>Makes a backbone of tensors under the names of a Hugging Face checkpoint. They are copied.</summary>
    /// <param name="config">The decoder's shape.</param>
    /// <param name="huggingFaceWeights">E.g. <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
    /// <param name="device">Where to put the weights; null: CPU.</param>
    /// <param name="dtype">The type to convert them to; null: single precision.</param>
    /// <exception cref="InvalidDataException">The weights do not fit the config (listed by name).</exception>
    public static Backbone Create(BackboneConfig config, IReadOnlyDictionary<string, Tensor> huggingFaceWeights, Device? device = null, ScalarType? dtype = null) =>
        FromSource(config, new WeightMap.DictionarySource(huggingFaceWeights, "the given weights"), device, dtype);

    private static Backbone FromSource(BackboneConfig config, WeightMap.ISource source, Device? device, ScalarType? dtype)
    {
        ScalarType type = dtype ?? ScalarType.Float32;
        if (type is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new ArgumentException($"A backbone's weights cannot be of type {type}.", nameof(dtype));
        device ??= torch.CPU;
        return new Backbone(config, WeightMap.Load(config, source, device, type), Ropes(config, device, type), device, type);
    }

    private static (Rotary Full, Rotary Sliding) Ropes(BackboneConfig config, Device device, ScalarType dtype)
    {
        var full = new Rotary(config.Rope.InverseFrequencies(config.HeadSize), device, dtype);
        return (full, config.SlidingRope == config.Rope ? full : new Rotary(config.SlidingRope.InverseFrequencies(config.HeadSize), device, dtype));
    }

    /// <summary>Names and shapes of the checkpoint tensors that a config needs, in the order they are written.</summary>
    public static IEnumerable<(string Name, long[] Shape)> ExpectedWeights(BackboneConfig config) => WeightMap.Expected(config);

    /// <summary>
    /// The weights under a Hugging Face checkpoint's names. Views where possible: changing one in place changes the backbone. An attached
    /// adapter is not included. The tensors belong to the caller's dispose scope.
    /// </summary>
    public IReadOnlyDictionary<string, Tensor> HuggingFaceWeights()
    {
        using IDisposable noGrad = no_grad();
        return new Dictionary<string, Tensor>(WeightMap.Export(Config, _decoder.Weights), StringComparer.Ordinal);
    }

    /// <summary>Writes config.json and model.safetensors, each beside its target and renamed. An attached adapter is not included.</summary>
    public void SaveFolder(string folder)
    {
        Directory.CreateDirectory(folder);
        WholeFile.WriteText(Path.Combine(folder, "config.json"), Config.ToJson());
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.Save(Path.Combine(folder, "model.safetensors"), WeightMap.Export(Config, _decoder.Weights));
    }

    /// <summary>Token ids [..] (int64) to input embeddings [.., hidden], the family's factor included.</summary>
    public Tensor Embed(Tensor ids) => InScope(() => _decoder.Embed(ids));

    /// <summary>Hidden states after the final norm, [rows, tokens, hidden] in single precision. What stands at padding is meaningless.</summary>
    /// <param name="batch">Rows from position 0, padded on the right.</param>
    /// <param name="embeddingDelta">Added to the input embeddings, [rows, tokens, hidden]; null: nothing.</param>
    public Tensor Hidden(PaddedBatch batch, Tensor? embeddingDelta = null) => InScope(() =>
        _decoder.Run(Input(batch.Ids, embeddingDelta), Causal(batch.Tokens, null)));

    /// <summary>The hidden state at each row's last real token, [rows, hidden] in single precision.</summary>
    /// <param name="batch">Rows from position 0, padded on the right; none may be empty.</param>
    /// <param name="embeddingDelta">Added to the input embeddings, [rows, tokens, hidden]; null: nothing.</param>
    public Tensor LastHidden(PaddedBatch batch, Tensor? embeddingDelta = null) => InScope(() =>
    {
        long[] lastTokens = batch.LastTokens();
        if (Packs) return LastPacked(batch, embeddingDelta);
        int[] lengths = [.. batch.Lengths];
        Tensor at = HostTensors.Long(lastTokens, Device, batch.Rows);
        int common = embeddingDelta is null ? Common(batch, lengths.Min() - 1) : 0;
        if (common == 0) return _decoder.RunLast(Input(batch.Ids, embeddingDelta), Causal(batch.Tokens, null), new LastTokens(at, lengths));
        using KvPrefix start = CommonKeys(batch, common);
        (Tensor ids, Tensor positions) = Rest(batch, common, batch.Tokens - common);
        Tensor rest = HostTensors.Long([.. lengths.Select((n, i) => (long)i * (batch.Tokens - common) + n - common - 1)], Device, batch.Rows);
        var attention = new PrefixAttention(Config, _ropes, start, positions, batch.Tokens - 1, Type, FusedAttention, null);
        return _decoder.RunLast(Input(ids, null), attention, new LastTokens(rest, [.. lengths.Select(n => n - common)]));
    });

    /// <summary>Next-token logits of hidden states [.., hidden]: [.., vocabulary] in single precision, the final soft cap applied.</summary>
    public Tensor Logits(Tensor hidden) => InScope(() =>
        _decoder.Logits(hidden.reshape(-1, Config.HiddenSize)).view([.. hidden.shape[..^1], Config.VocabularySize]));

    /// <summary>The same for some tokens only: hidden states [n, hidden] to [n, tokens]. A tiny part of the head's work where few tokens are in question.</summary>
    internal Tensor Logits(Tensor hidden, IReadOnlyList<int> tokens) => InScope(() => _decoder.Logits(hidden, HostTensors.Long(tokens, Device)));

    /// <inheritdoc/>
    public void Dispose()
    {
        _packed?.Dispose();
        if (_twin)
        {
            DisposeTwin();
            return;
        }
        _decoder.Weights.Dispose();
        _decoder.Adapter?.Dispose();
        _ropes.Full.Dispose();
        _ropes.Sliding.Dispose();
    }

    // ids [r, t] to [r, t, hidden]
    private Tensor Input(Tensor ids, Tensor? delta)
    {
        Tensor x = _decoder.Embed(ids);
        return delta is null ? x : x + delta.to(x.dtype);
    }

    private CausalAttention Causal(int tokens, KvPrefix? keep) => new(Config, _ropes.Full, _ropes.Sliding, tokens, Type, Device, FusedAttention, keep);

    private static Tensor InScope(Func<Tensor> compute)
    {
        using DisposeScope scope = NewDisposeScope();
        return compute().MoveToOuterDisposeScope();
    }
}
