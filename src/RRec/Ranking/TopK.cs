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
        k = Math.Min(k, scores.Length);

        // A heap of the k best so far with the worst at the root. Indexes ascend, so an equal score that comes later never enters.
        int[] heap = new int[k];
        int count = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            float score = scores[i];
            if (float.IsNaN(score)) throw new ArgumentException($"Score {i} is not a number: the model's weights or embeddings are broken.", nameof(scores));
            if (float.IsNegativeInfinity(score)) continue;
            if (count < k)
            {
                heap[count] = i;
                SiftUp(heap, count++, scores);
            }
            else if (score > scores[heap[0]])
            {
                heap[0] = i;
                SiftDown(heap, count, scores);
            }
        }

        int[] best = new int[count];
        for (int n = count - 1; n >= 0; n--)
        {
            best[n] = heap[0];
            heap[0] = heap[n];
            SiftDown(heap, n, scores);
        }

        return best;
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

    // "Worse" is a lower score, or the same score at a higher index.
    private static bool Worse(int a, int b, ReadOnlySpan<float> scores) => scores[a] < scores[b] || (scores[a] == scores[b] && a > b);

    private static void SiftUp(int[] heap, int at, ReadOnlySpan<float> scores)
    {
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (!Worse(heap[at], heap[parent], scores)) return;
            (heap[at], heap[parent]) = (heap[parent], heap[at]);
            at = parent;
        }
    }

    private static void SiftDown(int[] heap, int count, ReadOnlySpan<float> scores)
    {
        int at = 0;
        while (true)
        {
            int worst = at, left = 2 * at + 1, right = left + 1;
            if (left < count && Worse(heap[left], heap[worst], scores)) worst = left;
            if (right < count && Worse(heap[right], heap[worst], scores)) worst = right;
            if (worst == at) return;
            (heap[at], heap[worst]) = (heap[worst], heap[at]);
            at = worst;
        }
    }
}
