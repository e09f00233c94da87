using System.Globalization;
using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.RecPO;
using RRec.Text;
using RRec.WarmUp;
using TorchSharp;

namespace RRec;

/// <summary>Everything that <see cref="R2ecTraining"/> needs besides the data, by stage: backbone, warm-up, RecPO, model.</summary>
public sealed record R2ecTrainingOptions
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
    /// the device multiplies fastest (<see cref="WeightTypes.Fastest"/>), else <c>float32</c>. Default <c>float32</c>; <c>float16</c> needs a GPU or libtorch 2.1. Ignored with <see cref="InitialModel"/>.
    /// </summary>
    public string WeightType { get; init; } = "float32";

    /// <summary>How the model reads and answers; null (default): what suits the backbone, or the initial model's own.</summary>
    public R2ecSettings? Settings { get; init; }

    /// <summary>Continue from this model instead of a backbone: it is copied, not changed, and no warm-up runs. Null (default): start anew. Excludes <see cref="Backbone"/>.</summary>
    public R2ecModel? InitialModel { get; init; }

    /// <summary>
    /// The supervised training before RecPO. Null (default): the defaults of <see cref="WarmUpOptions"/> for a backbone made here, none for a given folder.
    /// Ignored with <see cref="InitialModel"/>. A given folder's warm-up follows a linear teacher fitted to the training rows and writes the statements that it suggests,
    /// unless <see cref="WarmUpOptions.TeacherWeight"/> is 0; where there is a teacher the learned temperature replaces that of <see cref="Settings"/>.
    /// </summary>
    public WarmUpOptions? WarmUp { get; init; }

    /// <summary>
    /// Weight of the warm-up's losses beside RecPO's own, so that following rewards does not forget the ranking (and, with a given <see cref="Backbone"/>, the language).
    /// 0 or more; default 1; 0: none. Only where there was a warm-up with a teacher, and where <see cref="RecPO"/> brings no auxiliary loss of its own.
    /// </summary>
    public double AnchorWeight { get; init; } = 1;

    /// <summary>RecPO's settings; null (default): <see cref="RecPOOptions.Cpu"/> for a backbone made from a catalogue, <see cref="RecPOOptions.Paper"/> for a given folder.</summary>
    public RecPOOptions? RecPO { get; init; }

    /// <summary>Whether RecPO runs at all; false stops after the warm-up. Default true.</summary>
    public bool RunRecPO { get; init; } = true;

    /// <summary>Seeds everything random. Stages whose options are given (<see cref="CatalogueBackbone"/>, <see cref="WarmUp"/>, <see cref="RecPO"/>) bring their own seed. Default 0.</summary>
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

    /// <summary>Every setting that breaks its rule, those of the stages included (<c>WarmUp.Steps is -1: ...</c>); empty where all are fine. Stages that do not run are not looked at.</summary>
    public IReadOnlyList<string> Violations()
    {
        List<string> found = [];
        if (Backbone is not null && InitialModel is not null) found.Add("Backbone and InitialModel are both given: a training starts from one of them.");
        if (Backbone is not null && !Directory.Exists(Backbone) && !(Weights.GgufFile.Is(Backbone) && File.Exists(Backbone)))
            found.Add($"Backbone is '{Backbone}': there is no such folder or .gguf file.");
        if (Backbone is null && (Adapter ?? (object?)Chat ?? Prompts) is not null) found.Add("Adapter, Chat and Prompts belong to a given Backbone, and there is none.");
        if (Adapter is not null && !Directory.Exists(Adapter)) found.Add($"Adapter is '{Adapter}': there is no such folder.");
        if (WeightType is not ("float32" or "bfloat16" or "float16" or "auto")) found.Add($"WeightType is '{WeightType}': it must be float32, bfloat16, float16 or auto.");
        if (InitialModel is null) AddDeviceViolations(found);
        bool makes = Backbone is null && InitialModel is null;
        if (makes && BackboneOutput is not null && (BackboneOutput.Trim().Length == 0 || File.Exists(BackboneOutput))) found.Add($"BackboneOutput is '{BackboneOutput}': it must be a folder, which is made where it is missing.");
        if (!(AnchorWeight >= 0 && double.IsFinite(AnchorWeight))) found.Add(FormattableString.Invariant($"AnchorWeight is {AnchorWeight}: it must be 0 or more and finite."));
        Add(nameof(Settings), Settings?.Violations());
        if (InitialModel is null) Add(nameof(CatalogueBackbone), CatalogueBackbone?.Violations());
        if (InitialModel is null) Add(nameof(WarmUp), WarmUp?.Violations());
        if (RunRecPO) Add(nameof(RecPO), RecPO?.Violations());
        return found;

        void Add(string stage, IReadOnlyList<string>? violations) => found.AddRange((violations ?? []).Select(v => $"{stage}.{v}"));
    }

    private void AddDeviceViolations(List<string> found)
    {
        string[] parts = Device.Split(':');
        int index = 0;
        bool known = parts[0] is "cpu" or "cuda" && (parts.Length == 1 || (parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index)));
        int gpus = known && parts[0] == "cuda" && torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (!known || (parts[0] == "cuda" && index >= gpus)) found.Add($"Device is '{Device}': it must be cpu, or cuda:N with N below the number of GPUs that libtorch can use ({gpus}).");
    }

    /// <summary>The gate that every training passes.</summary>
    /// <exception cref="ArgumentException">Names all violations at once.</exception>
    public void Validate()
    {
        IReadOnlyList<string> found = Violations();
        if (found.Count > 0) throw new ArgumentException("R2ec options:" + Environment.NewLine + string.Join(Environment.NewLine, found));
    }
}
