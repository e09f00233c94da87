namespace RRec.Ranking;

/// <summary>
/// Exact selection on one row of f32 scores. Excluded entries carry <see cref="float.NegativeInfinity"/>. Order: higher score first, equal scores by lower index,
/// so that results do not depend on a library's sort (O12).
/// </summary>
public static class TopK
{
    /// <summary>The best <paramref name="k"/> indexes, best first; fewer where fewer are not excluded.</summary>
    /// <param name="scores"><c>[items]</c>; <see cref="float.NegativeInfinity"/> excludes, NaN is refused.</param>
    /// <param name="k">1 or more.</param>
    /// <exception cref="ArgumentException">A score is not a number.</exception>
    public static int[] Select(ReadOnlySpan<float> scores, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        BestItems best = new(Math.Min(k, scores.Length));
        for (int i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i])) throw new ArgumentException($"Score {i} is not a number: the model's weights or embeddings are broken.", nameof(scores));
            if (scores[i] > best.Least) best.Add(scores[i], i);
        }
        return best.Drain().Items;
    }

    /// <summary>The 1-based rank of <paramref name="item"/>: 1 + higher scores + equal scores of lower index.</summary>
    public static int RankOf(ReadOnlySpan<float> scores, int item)
    {
        float own = scores[item];
        int rank = 1;
        for (int i = 0; i < item; i++)
            if (scores[i] >= own) rank++;
        for (int i = item + 1; i < scores.Length; i++)
            if (scores[i] > own) rank++;
        return rank;
    }
}
