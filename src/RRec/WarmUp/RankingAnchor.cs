using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.WarmUp;

/// <summary>
/// The warm-up's losses as a helper of RecPO: an update that only follows rewards would forget what the warm-up taught. The reasonings are left to RecPO unless
/// <paramref name="reasoningWeight"/> says otherwise: an LLM's language is lost as soon as the ranking.
/// </summary>
/// <param name="model">The model that is trained.</param>
/// <param name="guide">The guide of the warm-up, or null.</param>
/// <param name="options">The warm-up's settings; candidates and weights are read.</param>
/// <param name="weight">Weight of the ranking losses beside RecPO's own.</param>
/// <param name="reasoningWeight">Weight of the cross entropy of the guide's reasonings, beside the ranking losses; 0 (default): none.</param>
public sealed class RankingAnchor(R2ecModel model, TeacherGuide? guide, WarmUpOptions options, double weight = 1, double reasoningWeight = 0) : IAuxiliaryLoss
{
    private readonly WarmUpObjective _objective = new(model, guide, options);

    /// <summary>Weight and settings: checkpoints are told apart by it.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{nameof(RankingAnchor)} x {weight}, language x {reasoningWeight} {System.Text.Json.JsonSerializer.Serialize(options)}");

    /// <inheritdoc/>
    public Tensor Evaluate(Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step)
    {
        Tensor logTemperature = tensor((float)Math.Log(model.Settings.Temperature), device: backbone.Device);
        return _objective.Evaluate(rows, rowIndexes, new Random(unchecked(options.Seed * 31 + step)), logTemperature, reasoningWeight, out _) * weight;
    }
}
