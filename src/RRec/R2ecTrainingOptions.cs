using RRec.RecPO;

namespace RRec;

/// <summary>Everything that <c>R2ecTraining</c> needs besides the data, by stage: backbone, warm-up, RecPO, model.</summary>
public sealed partial record R2ecTrainingOptions
{
    /// <summary>A Hugging Face folder of a supported family. Null (default): a small backbone is made from the catalogue and the training rows.</summary>
    public string? Backbone { get; init; }

    /// <summary>Where a made backbone is written. Null (default): a temporary folder that is deleted at the end. Ignored with <see cref="Backbone"/>.</summary>
    public string? BackboneOutput { get; init; }

    /// <summary>The device, e.g. <c>cpu</c> or <c>cuda:0</c>. Default <c>cpu</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The type of frozen weights: <c>float32</c>, <c>bfloat16</c> or <c>float16</c>. Default <c>float32</c>.</summary>
    public string WeightType { get; init; } = "float32";

    /// <summary>How the model reads and answers; null (default): the backbone's own if it has them, else the defaults of <see cref="R2ecSettings"/>.</summary>
    public R2ecSettings? Settings { get; init; }

    /// <summary>RecPO's settings; null (default): <see cref="RecPOOptions.Cpu"/> for a backbone made here, <see cref="RecPOOptions.Paper"/> for a given folder.</summary>
    public RecPOOptions? RecPO { get; init; }

    /// <summary>Whether RecPO runs at all; false stops after the warm-up. Default true.</summary>
    public bool RunRecPO { get; init; } = true;

    /// <summary>Seeds whatever is random and has no seed of its own.</summary>
    public int Seed { get; init; }
}
