using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Weights;

/// <summary>
/// Weights that are not numbers are found while loading, by name, rather than as nonsense in a ranking. The sum of a tensor is not finite when one of its values is not, and
/// costs one pass over what was just written; only a sum that fails (it may overflow in half precision) is followed by a look at the values.
/// </summary>
internal static class FiniteWeights
{
    public static Tensor Check(Tensor weights, string source, string name)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (double.IsFinite(weights.sum().to(ScalarType.Float64).item<double>()) || weights.isfinite().all().item<bool>()) return weights;
        ScalarType type = weights.dtype;
        weights.Dispose();
        throw new InvalidDataException($"{source}: tensor '{name}' holds values that are not finite (NaN or infinity) as {type}.");
    }
}
