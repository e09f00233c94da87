using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.WarmUp;

/// <summary>
/// The warm-up's ranking losses as a helper of RecPO: an update that only follows rewards would forget what the warm-up taught. The
/// reasonings are left to RecPO.
/// </summary>
/// <param name="model">The model that is trained.</param>
/// <param name="guide">A catalogue backbone's guide, or null.</param>
/// <param name="options">The warm-up's settings; candidates and weights are read.</param>
/// <param name="weight">Weight beside RecPO's own losses.</param>
public sealed class RankingAnchor(R2ecModel model, CatalogueBackboneGuide? guide, WarmUpOptions options, double weight = 1) : IAuxiliaryLoss
{
    private readonly WarmUpObjective _objective = new(model, guide, options);

    /// <summary>Weight and settings: checkpoints are told apart by it.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{nameof(RankingAnchor)} x {weight} {System.Text.Json.JsonSerializer.Serialize(options)}");

    /// <inheritdoc/>
    public Tensor Evaluate(Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step)
    {
        Tensor logTemperature = tensor((float)Math.Log(model.Settings.Temperature), device: backbone.Device);
        return _objective.Evaluate(rows, rowIndexes, new Random(unchecked(options.Seed * 31 + step)), logTemperature, 0, out _) * weight;
    }
}
