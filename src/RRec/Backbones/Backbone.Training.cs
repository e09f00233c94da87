using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

// What is trained: a LoRA adapter on frozen weights, or everything.
public sealed partial class Backbone
{
    /// <summary>Attaches a fresh adapter, which changes nothing until it is trained, and freezes the rest.</summary>
    /// <param name="options">Rank, scale and targets.</param>
    /// <param name="seed">Of A's random numbers.</param>
    /// <exception cref="InvalidOperationException">An adapter is attached already.</exception>
    public void AttachLora(LoraOptions options, int seed) => Attach(LoraAdapter.Create(Config, options, seed, Device));

    /// <summary>Attaches an adapter from a folder as peft writes it.</summary>
    /// <exception cref="InvalidDataException">The files are damaged, use an unsupported option (named), or do not fit this backbone.</exception>
    public void LoadAdapter(string folder) => Attach(PeftAdapter.Load(folder, Config, Device));

    /// <summary>Writes the attached adapter as peft does: adapter_config.json and adapter_model.safetensors.</summary>
    /// <param name="folder">Made where missing.</param>
    /// <param name="baseModel">What adapter_config.json names as its base model; null: nothing.</param>
    public void SaveAdapter(string folder, string? baseModel = null) =>
        PeftAdapter.Save(folder, Adapter ?? throw new InvalidOperationException("No adapter is attached."), baseModel);

    /// <summary>Adds the adapter into the weights and removes it: same numbers up to rounding, fewer operations.</summary>
    public void MergeAdapter()
    {
        if (Adapter is null) return;
        WeightsChanged = true;
        using IDisposable noGrad = no_grad();
        for (int i = 0; i < Config.Layers; i++)
        {
            LayerWeights w = _decoder.Weights.Layers[i];
            LoraLayer lora = Adapter.Layers[i];
            lora.Qkv?.MergeInto(w.Qkv);
            lora.Output?.MergeInto(w.Output);
            lora.GateUp?.MergeInto(w.GateUp);
            lora.Down?.MergeInto(w.Down);
        }
        DetachAdapter();
    }

    /// <summary>Removes the adapter without merging it.</summary>
    public void DetachAdapter()
    {
        _decoder.Adapter?.Dispose();
        _decoder.Adapter = null;
    }

    /// <summary>Makes every weight trainable. Needs floating weights of at least single precision to be of use with small steps.</summary>
    /// <exception cref="InvalidOperationException">An adapter is attached.</exception>
    /// <param name="only">Which of the names that <see cref="TrainableParameters"/> gives are trained; null: all.</param>
    /// <exception cref="ArgumentException">None of them.</exception>
    public void UseFullFineTuning(Func<string, bool>? only = null)
    {
        if (Adapter is not null) throw new InvalidOperationException("An adapter is attached; merge or detach it before training all weights.");
        if (only is not null && !_decoder.Weights.All().Any(w => only(w.Name)))
            throw new ArgumentException($"No weight's name fits what is to be trained; there are {string.Join(", ", _decoder.Weights.All().Select(w => w.Name))}.", nameof(only));
        Freeze();
        foreach ((string name, Tensor t) in _decoder.Weights.All())
            if (only is null || only(name)) t.requires_grad_();
        _fullFineTuning = true;
        WeightsChanged = true;
    }

    /// <summary>Freezes every weight again.</summary>
    public void Freeze()
    {
        foreach ((string _, Tensor t) in _decoder.Weights.All())
        {
            t.requires_grad_(false);
            t.grad = null;
        }
        _fullFineTuning = false;
    }

    /// <summary>
    /// What an optimiser works on, in a fixed order: the adapter's A and B under peft's names, or, with full fine-tuning, the weights, of
    /// which query/key/value and gate/up are one tensor each (<c>qkv_proj</c>, <c>gate_up_proj</c>). Empty where nothing is trained.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Parameter)> TrainableParameters() =>
        Adapter is not null ? [.. Adapter.Parameters()] : _fullFineTuning ? [.. _decoder.Weights.All().Where(w => w.Tensor.requires_grad)] : [];

    private void Attach(LoraAdapter adapter)
    {
        if (Adapter is not null || _fullFineTuning)
        {
            adapter.Dispose();
            throw new InvalidOperationException(_fullFineTuning ? "All weights are being trained; freeze them before attaching an adapter." : "An adapter is attached already; merge or detach it first.");
        }
        _decoder.Adapter = adapter;
    }
}
