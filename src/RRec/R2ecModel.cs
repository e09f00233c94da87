using RRec.Backbones;
using RRec.Data;
using RRec.Ranking;
using RRec.RecPO;
using RRec.Text;

namespace RRec;

/// <summary>
/// R2ec (arXiv 2505.16994): one decoder with two heads. The language head writes a reasoning about a purchase history; the state at its end is compared with the state
/// at the end of every item's text, and all items are ranked by cosine / temperature.
/// </summary>
/// <remarks>The model owns its backbone and item table and disposes both. It is not safe for use by several threads at once.</remarks>
public sealed partial class R2ecModel : IDisposable
{
    private ItemTable? _items;
    private Owners _owners = new();
    private bool _disposed;

    /// <summary>Puts a model together from its parts.</summary>
    /// <param name="backbone">The decoder; owned from here on.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="chat">How turns are written around prompts.</param>
    /// <param name="prompts">The prompts' wording.</param>
    /// <param name="catalogue">The items that can be recommended.</param>
    /// <param name="settings">How it reads and answers.</param>
    /// <param name="vectors">The item table's vectors where they are known already (a saved model), f32 <c>[items, hidden]</c>, owned from here on; null: encoded when first needed.</param>
    /// <exception cref="ArgumentException">Settings out of range, or vectors of another shape.</exception>
    public R2ecModel(Backbone backbone, HuggingFaceTokenizer tokenizer, ChatFormat chat, PromptFormat prompts, Catalogue catalogue, R2ecSettings settings, TorchSharp.torch.Tensor? vectors = null)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(chat);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(settings);
        IReadOnlyList<string> violations = settings.Violations();
        if (violations.Count > 0) throw new ArgumentException(string.Join(Environment.NewLine, violations), nameof(settings));
        (Backbone, Tokenizer, Chat, Prompts, Catalogue, Settings) = (backbone, tokenizer, chat, prompts, catalogue, settings);
        Writer = new PromptWriter(tokenizer, chat, prompts, catalogue);
        ItemPrompts = new ItemPrompts(Writer, catalogue.Count, settings.MaxItemTokens);
        if (vectors is null) return;
        if (vectors.shape is not [var rows, var width] || rows != catalogue.Count || width != backbone.Config.HiddenSize)
            throw new ArgumentException($"The item table is [{string.Join(", ", vectors.shape)}]; this catalogue and backbone need [{catalogue.Count}, {backbone.Config.HiddenSize}].", nameof(vectors));
        _items = new ItemTable(backbone, ItemPrompts, vectors);
    }

    /// <summary>The decoder.</summary>
    public Backbone Backbone { get; }

    /// <summary>Its tokenizer.</summary>
    public HuggingFaceTokenizer Tokenizer { get; }

    /// <summary>How turns are written.</summary>
    public ChatFormat Chat { get; }

    /// <summary>The prompts' wording.</summary>
    public PromptFormat Prompts { get; }

    /// <summary>Writes prompts as token ids.</summary>
    public PromptWriter Writer { get; }

    /// <summary>The items.</summary>
    public Catalogue Catalogue { get; }

    /// <summary>How it reads and answers.</summary>
    public R2ecSettings Settings { get; internal set; }

    /// <summary>Whether the item table has been encoded.</summary>
    public bool HasItems => _items is not null;

    /// <summary>The item table; encoded at first use (see <see cref="EncodeItems"/> for progress and cancellation).</summary>
    public ItemTable Items => _items ?? EncodeItems();

    /// <summary>How RecPO went, where this model came out of it in this process; not saved.</summary>
    public RecPOResult? Training { get; internal set; }

    internal ItemPrompts ItemPrompts { get; }

    /// <summary>What the makers of a catalogue backbone know besides it; null for other backbones. Not saved.</summary>
    internal Teaching? Teaching { get; set; }

    /// <summary>Opens a Hugging Face folder: weights, tokenizer, chat format and, where it has them, prompt wording; or a GGUF file, which holds the first three.</summary>
    /// <param name="folder">The folder, or the path of a file that ends in .gguf.</param>
    /// <param name="catalogue">The items.</param>
    /// <param name="settings">How it reads and answers.</param>
    /// <param name="device">Null: the CPU.</param>
    /// <param name="weightType">The type of the weights in memory; null: f32.</param>
    /// <param name="chat">How turns are marked; null: what the folder says.</param>
    /// <param name="prompts">The wording of prompts; null: what the folder says, or the paper's.</param>
    public static R2ecModel Open(string folder, Catalogue catalogue, R2ecSettings settings, TorchSharp.torch.Device? device = null, TorchSharp.torch.ScalarType? weightType = null,
        ChatFormat? chat = null, PromptFormat? prompts = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(folder);
        chat ??= ChatFormat.Detect(folder);
        prompts ??= PromptFormat.LoadOrDefault(folder);
        Backbone backbone = Backbone.Load(folder, device ?? TorchSharp.torch.CPU, weightType ?? TorchSharp.torch.ScalarType.Float32);
        try
        {
            return new R2ecModel(backbone, tokenizer, chat, prompts, catalogue, settings);
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    /// <summary>A model of its own with the same weights, adapter included, and the same or another catalogue.</summary>
    internal R2ecModel Copy(Catalogue catalogue, R2ecSettings? settings)
    {
        Backbone backbone;
        using (TorchSharp.torch.NewDisposeScope())
        {
            backbone = Backbone.Create(Backbone.Config, Backbone.HuggingFaceWeights(), Backbone.Device, Backbone.Type);
            backbone.SourceFolder = Backbone.WeightsChanged ? null : Backbone.SourceFolder;
        }

        try
        {
            if (Backbone.Adapter is { } adapter)
            {
                backbone.AttachLora(adapter.Options, seed: 0);
                using var quiet = TorchSharp.torch.no_grad();
                foreach (((_, TorchSharp.torch.Tensor to), (_, TorchSharp.torch.Tensor from)) in backbone.TrainableParameters().Zip(adapter.Parameters())) to.copy_(from);
            }

            return new R2ecModel(backbone, Tokenizer, Chat, Prompts, catalogue, settings ?? Settings) { Teaching = Teaching?.Share() };
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    /// <summary>Encodes the whole item table with the present weights, anew where it exists.</summary>
    /// <exception cref="OperationCanceledException">Stopped; a table that existed is then of mixed age.</exception>
    public ItemTable EncodeItems(IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        if (_items is null) _items = ItemTable.Encode(Backbone, ItemPrompts, progress, cancel);
        else _items.Refresh(null, progress, cancel);
        return _items;
    }

    /// <summary>Takes over a table that was encoded before (a checkpoint's).</summary>
    internal void AdoptItems(TorchSharp.torch.Tensor vectors) => _items = new ItemTable(Backbone, ItemPrompts, vectors.to(Backbone.Device));

    /// <summary>The prompt of a history as ids, with the model's window and budget. Room for reasoning and answer is left (O8).</summary>
    internal int[] PromptOf(in UserHistory history) => Writer.UserPrompt(history, Settings.Window, Settings.MaxPromptTokens);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _items?.Dispose();
        if (_owners.Release()) Backbone.Dispose();
        Teaching?.Release();
        Teaching = null;
    }
}
