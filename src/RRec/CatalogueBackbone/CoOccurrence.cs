namespace RRec.CatalogueBackbone;

/// <summary>The count matrices of the teacher's regressions, summed sparsely from the sequences; all row-major [items, items].</summary>
internal static class CoOccurrence
{
    /// <summary>X'X for the binary user-item matrix X: entry (i, j) = users that bought both.</summary>
    public static float[] Users(PurchaseSequences sequences)
    {
        int n = sequences.ItemCount;
        float[] gram = new float[(long)n * n];
        foreach (int[] sequence in sequences.Items)
        {
            int[] distinct = [.. sequence.Distinct()];
            foreach (int a in distinct)
            {
                Span<float> row = gram.AsSpan(a * n, n);
                foreach (int b in distinct) row[b]++;
            }
        }
        return gram;
    }

    /// <summary>
    /// H'H and H'Y. A row of H is a history (last <paramref name="window"/> purchases, the k-th back weighted decay^k); the same row of Y
    /// holds the next <paramref name="next"/> purchases, the j-th weighted decay^j.
    /// </summary>
    public static (float[] HistoryGram, float[] HistoryToNext) Histories(PurchaseSequences sequences, int window, double decay, int next)
    {
        int n = sequences.ItemCount;
        float[] gram = new float[(long)n * n], toNext = new float[(long)n * n];
        float[] weight = [.. Enumerable.Range(0, Math.Max(window, next)).Select(k => (float)Math.Pow(decay, k))];
        foreach (int[] sequence in sequences.Items)
            for (int end = 1; end < sequence.Length; end++)
            {
                int lines = Math.Min(window, end), following = Math.Min(next, sequence.Length - end);
                for (int k = 0; k < lines; k++)
                {
                    int a = sequence[end - 1 - k];
                    Span<float> gramRow = gram.AsSpan(a * n, n), nextRow = toNext.AsSpan(a * n, n);
                    for (int j = 0; j < lines; j++) gramRow[sequence[end - 1 - j]] += weight[k] * weight[j];
                    for (int j = 0; j < following; j++) nextRow[sequence[end + j]] += weight[k] * weight[j];
                }
            }
        return (gram, toNext);
    }
}
