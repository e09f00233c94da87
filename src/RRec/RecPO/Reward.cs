using RRec.Metrics;

namespace RRec.RecPO;

/// <summary>One trajectory's reward and what it is made of.</summary>
/// <param name="Rank">The target's 1-based rank among the candidates.</param>
/// <param name="Ndcg">1/log2(rank+1), or 0 beyond k.</param>
/// <param name="Softmax">The target's probability in a softmax over all candidates at the ranking temperature.</param>
/// <param name="Value">(1-w) NDCG + w softmax.</param>
internal readonly record struct RewardParts(int Rank, double Ndcg, double Softmax, double Value);

/// <summary>
/// The fused reward (paper 3.3; recpo-reference 6): R = (1-w) NDCG@k + w softmax, both over all items that are not masked. Scores come in f32,
/// sums and the reward are f64, so that group advantages are not made of rounding (O11, O19).
/// </summary>
internal static class Reward
{
    // What the authors write over masked scores: the lowest finite number, so that masked items rank last, in index order here.
    private const float Masked = float.MinValue;

    /// <summary>The reward of one trajectory.</summary>
    /// <param name="scores">Cosine / temperature for every item; <c>[items]</c>.</param>
    /// <param name="target">The item bought next.</param>
    /// <param name="masked">Items that are no candidates; repeats are fine. The target is kept even if listed (O7).</param>
    /// <param name="k">NDCG's cut-off; larger than the catalogue means the catalogue.</param>
    /// <param name="softmaxWeight">w.</param>
    /// <param name="maskTarget">True masks a listed target as the authors do: softmax 0, a rank behind all candidates.</param>
    /// <param name="padScore">The score of a padding item that is a candidate too, before all others where scores tie (O6); null: there is none.</param>
    /// <remarks>Ties count lower indexes before the target, so a rank does not depend on a library's sort (O12).</remarks>
    public static RewardParts Of(ReadOnlySpan<float> scores, int target, ReadOnlySpan<int> masked, int k, double softmaxWeight, bool maskTarget = false, float? padScore = null)
    {
        if ((uint)target >= (uint)scores.Length) throw new ArgumentOutOfRangeException(nameof(target), target, $"The target must be an index below {scores.Length}.");
        return Of(scores, [target], masked, k, softmaxWeight, maskTarget, padScore);
    }

    /// <summary>The mean reward for several purchases; the rank is the first one's. All but the first must be candidates.</summary>
    internal static RewardParts Of(ReadOnlySpan<float> scores, ReadOnlySpan<int> targets, ReadOnlySpan<int> masked, int k, double softmaxWeight, bool maskTarget, float? padScore)
    {
        float[] candidates = scores.ToArray();
        int target = targets[0];
        foreach (int item in masked) candidates[item] = Masked;
        if (!maskTarget) candidates[target] = scores[target];
        float largest = padScore ?? Masked;
        foreach (float score in candidates) largest = Math.Max(largest, score);
        double sum = padScore is { } pad ? Math.Exp((double)pad - largest) : 0;
        foreach (float score in candidates)
            if (score != Masked) sum += Math.Exp((double)score - largest);
        int cutoff = Math.Min(k, scores.Length + (padScore is null ? 0 : 1)), first = 0;
        double ndcg = 0, softmax = 0;
        foreach (int t in targets)
        {
            int rank = RankOf(candidates, t, padScore);
            if (first == 0) first = rank;
            ndcg += RankingMetrics.NdcgOf(rank, cutoff) / targets.Length;
            if (candidates[t] != Masked) softmax += Math.Exp((double)candidates[t] - largest) / sum / targets.Length;
        }

        return new RewardParts(first, ndcg, softmax, (1 - softmaxWeight) * ndcg + softmaxWeight * softmax);
    }

    private static int RankOf(float[] candidates, int target, float? padScore)
    {
        float own = candidates[target];
        int rank = padScore >= own ? 2 : 1;
        for (int i = 0; i < candidates.Length; i++)
            if (candidates[i] > own || (candidates[i] == own && i < target)) rank++;
        return rank;
    }
}
