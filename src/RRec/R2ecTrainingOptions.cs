using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.RecPO;
using RRec.Text;
using TorchSharp;

namespace RRec;

/// <summary>Everything that <see cref="R2ecTraining"/> needs besides the data, by stage: backbone, warm-up, RecPO, model.</summary>
public sealed partial record R2ecTrainingOptions
{
    /// <summary>A Hugging Face folder of a supported family. Null (default): a small backbone is made from the catalogue and the training rows.</summary>
    public string? Backbone { get; init; }

    /// <summary>A PEFT adapter folder to start from; RecPO and warm-up continue it. Null (default): none. Needs <see cref="Backbone"/>.</summary>
    public string? Adapter { get; init; }

    /// <summary>How the backbone's chat turns are marked; null (default): what its folder says. Needs <see cref="Backbone"/>.</summary>
    public ChatFormat? Chat { get; init; }

    /// <summary>The wording of user and item prompts; null (default): what the backbone's folder says, or the paper's. Needs <see cref="Backbone"/>.</summary>
    public PromptFormat? Prompts { get; init; }

    /// <summary>Where a made backbone is written. Null (default): a temporary folder that is deleted at the end. Ignored with <see cref="Backbone"/> or <see cref="InitialModel"/>.</summary>
    public string? BackboneOutput { get; init; }

    /// <summary>In which folder a made backbone lies until it has been read. Default: the system's folder for temporary files. Ignored with <see cref="BackboneOutput"/>.</summary>
    public string TemporaryFolder { get; init; } = Path.GetTempPath();

    /// <summary>
    /// How a backbone is made; null (default): the defaults. With <see cref="Backbone"/> only what it says of the linear teacher counts, which the warm-up follows;
    /// ignored with <see cref="InitialModel"/>.
    /// </summary>
    public CatalogueBackboneOptions? CatalogueBackbone { get; init; }

    /// <summary>The device, e.g. <c>cpu</c> or <c>cuda:0</c>. Default <c>cpu</c>. Ignored with <see cref="InitialModel"/>, which stays on its own.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// The type of the weights in memory: <c>float32</c>, <c>bfloat16</c>, <c>float16</c>, or <c>auto</c>: for a given <see cref="Backbone"/> whose adapter is trained what
    /// the device multiplies fastest (<see cref="WeightTypes.Fastest"/>), else <c>float32</c>. Default <c>float32</c>. Ignored with <see cref="InitialModel"/>.
    /// </summary>
    public string WeightType { get; init; } = "float32";

    /// <summary>How the model reads and answers; null (default): what suits the backbone, or the initial model's own.</summary>
    public R2ecSettings? Settings { get; init; }

    /// <summary>Continue from this model instead of a backbone: it is copied, not changed, and no warm-up runs. Null (default): start anew. Excludes <see cref="Backbone"/>.</summary>
    public R2ecModel? InitialModel { get; init; }

    /// <summary>RecPO's settings; null (default): <see cref="RecPOOptions.Cpu"/> for a backbone made here, <see cref="RecPOOptions.Paper"/> for a given folder.</summary>
    public RecPOOptions? RecPO { get; init; }

    /// <summary>Whether RecPO runs at all; false stops after the warm-up. Default true.</summary>
    public bool RunRecPO { get; init; } = true;

    /// <summary>Seeds whatever is random and has no seed of its own.</summary>
    public int Seed { get; init; }

    internal torch.ScalarType ScalarType => WeightType switch
    {
        "auto" when Backbone is { } folder && !TrainsInFull(folder) => WeightTypes.Fastest(new torch.Device(Device)),
        "bfloat16" => torch.ScalarType.BFloat16,
        "float16" => torch.ScalarType.Float16,
        _ => torch.ScalarType.Float32,
    };

    // As RecPO and warm-up will decide.
    private bool TrainsInFull(string folder) => (RecPO?.Tuning ?? Tuning.Auto) switch
    {
        Tuning.Full => true,
        Tuning.Lora => false,
        _ => Adapter is null && !Weights.GgufFile.Is(folder) && WeightTypes.TrainsInFull(BackboneConfig.Load(folder)),
    };

    /// <summary>Every setting that breaks its rule, those of the stages included; empty where all are fine.</summary>
    public IReadOnlyList<string> Violations()
    {
        List<string> found = [];
        if (Backbone is not null && InitialModel is not null) found.Add("Backbone and InitialModel are both given: a training starts from one of them.");
        if (Backbone is not null && !Directory.Exists(Backbone) && !(Weights.GgufFile.Is(Backbone) && File.Exists(Backbone)))
            found.Add($"Backbone is '{Backbone}': there is no such folder or .gguf file.");
        if (Backbone is null && (Adapter ?? (object?)Chat ?? Prompts) is not null) found.Add("Adapter, Chat and Prompts belong to a given Backbone, and there is none.");
        if (Adapter is not null && !Directory.Exists(Adapter)) found.Add($"Adapter is '{Adapter}': there is no such folder.");
        if (WeightType is not ("float32" or "bfloat16" or "float16" or "auto")) found.Add($"WeightType is '{WeightType}': it must be float32, bfloat16, float16 or auto.");
        if (Settings is not null) found.AddRange(Settings.Violations());
        AddWarmUpViolations(found);
        if (RunRecPO && RecPO is not null) found.AddRange(RecPO.Violations());
        return found;
    }

    /// <summary>The gate that every training passes.</summary>
    /// <exception cref="ArgumentException">Names all violations at once.</exception>
    public void Validate()
    {
        IReadOnlyList<string> found = Violations();
        if (found.Count > 0) throw new ArgumentException("R2ec options:" + Environment.NewLine + string.Join(Environment.NewLine, found));
    }
}
