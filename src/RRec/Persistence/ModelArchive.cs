using RRec.Backbones;
using RRec.Data;
using RRec.Text;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Persistence;

/// <summary>
/// A whole R2ec model as named entries (docs/model-format.md). Everything that shapes an answer is in them, so that a model answers the same
/// wherever it is loaded: settings, catalogue, tokenizer, chat format, prompts, decoder, adapter, item table.
/// </summary>
/// <remarks>Big entries are streamed. The manifest comes last: without it nothing loads, so a half-written model is none.</remarks>
public static class ModelArchive
{
    /// <summary>The version of the layout that is written and read.</summary>
    public const int Version = 1;

    /// <summary>Weights above this many bytes are stored by reference under <see cref="BackboneStorage.Auto"/>.</summary>
    public const long LargestEmbedded = 500_000_000;

    private const string Settings = "settings.json", Tokenizer = "tokenizer.json", Chat = "chat.json", Prompts = "prompts.json", Config = "config.json",
        Weights = "model.safetensors", AdapterConfig = "adapter_config.json", AdapterWeights = "adapter_model.safetensors", Items = "items.safetensors";

    /// <summary>Writes a model. The same model gives the same bytes.</summary>
    /// <param name="model">The model; its item table is encoded first where it has none yet.</param>
    /// <param name="entries">Where to.</param>
    /// <param name="storage">Whether the backbone's weights are embedded.</param>
    /// <exception cref="InvalidOperationException">A reference was asked for, but the weights were changed by training or come from no folder that still exists.</exception>
    public static void Save(R2ecModel model, IModelEntryWriter entries, BackboneStorage storage = BackboneStorage.Auto)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(entries);
        bool reference = UsesReference(model.Backbone, storage);
        EntryWriter writer = new(entries, model.Backbone.Type);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        writer.WriteText(Settings, model.Settings.ToJson());
        writer.Write(CatalogueFile.FileName, stream => CatalogueFile.Write(stream, model.Catalogue));
        writer.Write(Tokenizer, stream => stream.Write(model.Tokenizer.SourceJson.Span));
        writer.WriteText(Chat, model.Chat.ToJson());
        writer.WriteText(Prompts, model.Prompts.ToJson());
        writer.WriteText(Config, model.Backbone.Config.ToJson());
        if (reference) writer.WriteText(BackboneReference.FileName, BackboneReference.Of(model.Backbone.SourceFolder!).ToJson());
        else writer.Write(Weights, stream => SafetensorsWriter.Save(stream, model.Backbone.HuggingFaceWeights()));
        if (model.Backbone.Adapter is not null) WriteAdapter(model.Backbone, writer);
        writer.Write(Items, stream => SafetensorsWriter.Save(stream, [KeyValuePair.Create("items", model.Items.Vectors)]));
        writer.Finish();
    }

    /// <summary>Reads a model that <see cref="Save"/> wrote.</summary>
    /// <param name="entries">Where from.</param>
    /// <param name="device">Where to put it; null: the CPU.</param>
    /// <exception cref="InvalidDataException">An entry is missing, damaged, too new or does not fit the others; the message names source and entry.</exception>
    /// <exception cref="FileNotFoundException">The backbone is stored by reference and is not where it was, nor in <c>RREC_MODELS</c>.</exception>
    public static R2ecModel Load(IModelEntryReader entries, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(entries);
        EntryReader reader = new(entries);
        string At(string name) => $"{reader.Source}: {name}";
        R2ecSettings settings = R2ecSettings.Parse(reader.ReadText(Settings), At(Settings));
        Catalogue? catalogue = null;
        reader.Read(CatalogueFile.FileName, stream => catalogue = CatalogueFile.Read(stream, At(CatalogueFile.FileName)));
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Parse(reader.ReadBytes(Tokenizer, 256 << 20), At(Tokenizer));
        ChatFormat chat = ChatFormat.FromJson(reader.ReadText(Chat), At(Chat));
        PromptFormat prompts = PromptFormat.FromJson(reader.ReadText(Prompts), At(Prompts));
        BackboneConfig config = BackboneConfig.Parse(reader.ReadText(Config), At(Config));
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        Tensor vectors = ReadItems(reader, catalogue!.Count, config.HiddenSize, device ?? CPU);
        Backbone backbone = reader.Has(BackboneReference.FileName)
            ? Backbone.Load(BackboneReference.Parse(reader.ReadText(BackboneReference.FileName), At(BackboneReference.FileName)).Find(reader.Source), device, reader.WeightType)
            : ReadWeights(reader, config, device);
        try
        {
            if (reader.Has(AdapterConfig)) ReadAdapter(reader, backbone);
            return new R2ecModel(backbone, tokenizer, chat, prompts, catalogue, settings, vectors.DetachFromDisposeScope());
        }
        catch (ArgumentException e)
        {
            backbone.Dispose();
            throw new InvalidDataException($"{reader.Source}: its parts do not fit together: {e.Message}", e);
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    private static bool UsesReference(Backbone backbone, BackboneStorage storage)
    {
        bool possible = backbone is { SourceFolder: not null, WeightsChanged: false } && Directory.Exists(backbone.SourceFolder);
        if (storage == BackboneStorage.Auto) return possible && BackboneReference.WeightBytes(backbone.SourceFolder!) > LargestEmbedded;
        if (storage == BackboneStorage.Reference && !possible)
        {
            throw new InvalidOperationException(backbone.WeightsChanged
                ? "The backbone cannot be stored by reference: training changed its weights. Use BackboneStorage.Embed."
                : $"The backbone cannot be stored by reference: {(backbone.SourceFolder is { } folder ? $"its folder '{folder}' is gone" : "it was not read from a folder")}. Use BackboneStorage.Embed.");
        }

        return storage == BackboneStorage.Reference;
    }

    // An adapter is small: it goes by way of a folder as peft writes it.
    private static void WriteAdapter(Backbone backbone, EntryWriter writer)
    {
        using TemporaryFolder folder = new(writer.TemporaryFolder);
        backbone.SaveAdapter(folder.Path);
        foreach (string name in new[] { AdapterConfig, AdapterWeights })
        {
            writer.Write(name, stream =>
            {
                using FileStream file = File.OpenRead(Path.Combine(folder.Path, name));
                file.CopyTo(stream);
            });
        }
    }

    private static void ReadAdapter(EntryReader reader, Backbone backbone)
    {
        using TemporaryFolder folder = new(reader.TemporaryFolder);
        foreach (string name in new[] { AdapterConfig, AdapterWeights })
        {
            reader.Read(name, stream =>
            {
                using FileStream file = File.Create(Path.Combine(folder.Path, name));
                stream.CopyTo(file);
            });
        }

        backbone.LoadAdapter(folder.Path);
    }

    private static Tensor ReadItems(EntryReader reader, int items, int hidden, Device device)
    {
        string source = $"{reader.Source}: {Items}";
        Tensor? vectors = null;
        reader.Read(Items, stream =>
        {
            // Catalogue and config, read before, say how large it may be.
            Dictionary<string, Tensor> tensors = SafetensorsStream.Read(stream, source, maxBytes: 4L * items * hidden);
            if (tensors.Remove("items", out Tensor? found)) vectors = found.to(device);
            foreach (Tensor other in tensors.Values) other.Dispose();
        });
        if (vectors is null || vectors.dtype != ScalarType.Float32 || vectors.shape is not [var rows, var width] || rows != items || width != hidden)
            throw new InvalidDataException($"{source}: needs one f32 tensor 'items' of [{items}, {hidden}].");
        return vectors;
    }

    // By way of a file, from which the backbone takes one tensor after the other: the weights are in memory once, not twice.
    private static Backbone ReadWeights(EntryReader reader, BackboneConfig config, Device? device)
    {
        using TemporaryFolder folder = new(reader.TemporaryFolder);
        File.WriteAllText(Path.Combine(folder.Path, Config), config.ToJson());
        reader.Read(Weights, stream =>
        {
            using FileStream file = File.Create(Path.Combine(folder.Path, Weights));
            stream.CopyTo(file, 1 << 20);
        });
        try
        {
            Backbone backbone = Backbone.Load(folder.Path, device, reader.WeightType);
            backbone.SourceFolder = null;
            return backbone;
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{reader.Source}: {Weights}: {e.Message}", e);
        }
    }
}

/// <summary>A new folder inside another one, that goes with its owner.</summary>
internal sealed class TemporaryFolder(string parent) : IDisposable
{
    public string Path { get; } = Directory.CreateDirectory(System.IO.Path.Combine(parent, "rrec-" + Guid.NewGuid().ToString("n"))).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
