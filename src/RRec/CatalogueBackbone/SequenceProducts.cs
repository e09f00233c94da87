namespace RRec.CatalogueBackbone;

/// <summary>
/// Products of the count matrices of <see cref="CoOccurrence"/> with a few columns, straight from the sequences: X'X x, H'H x, H'Y x and its transpose
/// for x [items, m], never [items, items]. Decayed sums are running sums, so a purchase costs O(m) whatever the window.
/// </summary>
internal sealed class SequenceProducts(PurchaseSequences sequences, int window, double decay, int next)
{
    private const int Block = 32;   // columns that one thread works on

    private readonly float _decay = (float)decay, _outOfWindow = (float)Math.Pow(decay, window), _outOfNext = (float)Math.Pow(decay, next);

    /// <summary>X'X x: users in common.</summary>
    public float[] Users(float[] x, int m) => Blocks(x, m, (sequence, from, start, width, to) =>
    {
        Span<float> sum = stackalloc float[Block];
        sum = sum[..width];
        sum.Clear();
        int[] distinct = [.. sequence.Distinct()];
        foreach (int item in distinct) ItemItemWeights.AddScaled(from.AsSpan(item * m + start, width), 1, sum);
        foreach (int item in distinct) ItemItemWeights.AddScaled(sum, 1, to.AsSpan(item * m + start, width));
    });

    /// <summary>H'H x.</summary>
    public float[] Histories(float[] x, int m) => Blocks(x, m, (sequence, from, start, width, to) =>
        AddToPast(Past(sequence, from, m, start, width), sequence, m, start, width, to));

    /// <summary>H'Y x.</summary>
    public float[] ToNext(float[] x, int m) => Blocks(x, m, (sequence, from, start, width, to) =>
        AddToPast(Following(sequence, from, m, start, width), sequence, m, start, width, to));

    /// <summary>Y'H x.</summary>
    public float[] FromNext(float[] x, int m) => Blocks(x, m, (sequence, from, start, width, to) =>
        AddToFollowing(Past(sequence, from, m, start, width), sequence, m, start, width, to));

    /// <summary>The trace of H'H.</summary>
    public double HistoryTrace()
    {
        double trace = 0, square = decay * decay;
        foreach (int[] sequence in sequences.Items)
            for (int end = 1; end < sequence.Length; end++) trace += (1 - Math.Pow(square, Math.Min(window, end))) / (1 - square);
        return trace;
    }

    // Row e of the result, 1 <= e < length: the decayed sum of what was bought before place e.
    private float[] Past(int[] sequence, float[] x, int m, int start, int width)
    {
        float[] sums = new float[sequence.Length * width];
        for (int end = 1; end < sequence.Length; end++)
        {
            Span<float> sum = sums.AsSpan(end * width, width);
            ItemItemWeights.AddScaled(sums.AsSpan((end - 1) * width, width), _decay, sum);
            ItemItemWeights.AddScaled(x.AsSpan(sequence[end - 1] * m + start, width), 1, sum);
            if (end - 1 - window >= 0) ItemItemWeights.AddScaled(x.AsSpan(sequence[end - 1 - window] * m + start, width), -_outOfWindow, sum);
        }
        return sums;
    }

    // Row e: the decayed sum of what was bought from place e on.
    private float[] Following(int[] sequence, float[] x, int m, int start, int width)
    {
        float[] sums = new float[sequence.Length * width];
        for (int end = sequence.Length - 1; end >= 1; end--)
        {
            Span<float> sum = sums.AsSpan(end * width, width);
            if (end + 1 < sequence.Length) ItemItemWeights.AddScaled(sums.AsSpan((end + 1) * width, width), _decay, sum);
            ItemItemWeights.AddScaled(x.AsSpan(sequence[end] * m + start, width), 1, sum);
            if (end + next < sequence.Length) ItemItemWeights.AddScaled(x.AsSpan(sequence[end + next] * m + start, width), -_outOfNext, sum);
        }
        return sums;
    }

    private void AddToPast(float[] rows, int[] sequence, int m, int start, int width, float[] to)
    {
        float[] sum = new float[width];
        for (int k = sequence.Length - 2; k >= 0; k--)
        {
            for (int c = 0; c < width; c++) sum[c] *= _decay;
            ItemItemWeights.AddScaled(rows.AsSpan((k + 1) * width, width), 1, sum);
            if (k + 1 + window < sequence.Length) ItemItemWeights.AddScaled(rows.AsSpan((k + 1 + window) * width, width), -_outOfWindow, sum);
            ItemItemWeights.AddScaled(sum, 1, to.AsSpan(sequence[k] * m + start, width));
        }
    }

    private void AddToFollowing(float[] rows, int[] sequence, int m, int start, int width, float[] to)
    {
        float[] sum = new float[width];
        for (int i = 1; i < sequence.Length; i++)
        {
            for (int c = 0; c < width; c++) sum[c] *= _decay;
            ItemItemWeights.AddScaled(rows.AsSpan(i * width, width), 1, sum);
            if (i - next >= 1) ItemItemWeights.AddScaled(rows.AsSpan((i - next) * width, width), -_outOfNext, sum);
            ItemItemWeights.AddScaled(sum, 1, to.AsSpan(sequence[i] * m + start, width));
        }
    }

    private float[] Blocks(float[] x, int m, Action<int[], float[], int, int, float[]> one)
    {
        float[] result = new float[x.Length];
        Parallel.For(0, (m + Block - 1) / Block, b =>
        {
            int start = b * Block, width = Math.Min(Block, m - start);
            foreach (int[] sequence in sequences.Items) one(sequence, x, start, width, result);
        });
        return result;
    }
}
