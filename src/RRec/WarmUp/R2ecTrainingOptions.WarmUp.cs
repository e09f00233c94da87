using RRec.WarmUp;

namespace RRec;

public sealed partial record R2ecTrainingOptions
{
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

    private void AddWarmUpViolations(List<string> found)
    {
        if (WarmUp is not null) found.AddRange(WarmUp.Violations());
        if (!(AnchorWeight >= 0 && double.IsFinite(AnchorWeight))) found.Add($"AnchorWeight is {AnchorWeight}: it must be 0 or more.");
        if (CatalogueBackbone is null || Backbone is not null || InitialModel is not null) return;
        try
        {
            CatalogueBackbone.Validate();
        }
        catch (ArgumentException e)
        {
            found.Add(e.Message);
        }
    }
}
