using RRec.Data;

namespace RRec.WarmUp;

/// <summary>
/// How likely an item is to be among a step's candidates: as somebody's next purchase, which popular items often are, or by the uniform draw.
/// Subtracting the logarithm from the logits of a sampled softmax makes it learn the probability of the whole catalogue's softmax; without
/// that, an item is pushed down as often as it is bought, and popularity, half of what a short training can learn, is unlearned
/// (the sampling correction of Bengio and Senecal 2008, equation 8, and of Yi et al., RecSys 2019, section 3).
/// </summary>
internal sealed class CandidateOdds
{
    private readonly double[] _share;

    /// <param name="items">Items of the catalogue.</param>
    /// <param name="train">Rows whose targets tell how often an item is the next purchase.</param>
    public CandidateOdds(int items, IReadOnlyList<PurchaseRow> train)
    {
        _share = new double[items];
        foreach (PurchaseRow row in train) _share[row.Target] += 1.0 / train.Count;
    }

    /// <summary>Natural logarithms of the odds, one per candidate.</summary>
    /// <param name="candidates">Items.</param>
    /// <param name="labels">Purchases that the step predicts.</param>
    /// <param name="options">How many candidates of each kind.</param>
    public float[] Log(int[] candidates, int labels, WarmUpOptions options)
    {
        double missedUniformly = Math.Pow(1 - 1.0 / _share.Length, options.UniformCandidates);
        int drawn = Math.Min(labels, options.LabelCandidates);
        return [.. candidates.Select(c => (float)Math.Log(Math.Max(1e-9, 1 - Math.Pow(1 - _share[c], drawn) * missedUniformly)))];
    }
}
