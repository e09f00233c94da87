namespace RRec.RecPO;

/// <summary>Which training rows a step uses: a new shuffle of all rows each epoch, from seed and epoch alone, so that a step number is the whole state.</summary>
internal sealed class TrainingRows(int count, int usersPerStep, int seed)
{
    private int _epoch = -1;
    private int[] _order = [];

    /// <summary>Rows per step; never more than there are.</summary>
    public int PerStep { get; } = Math.Min(count, usersPerStep);

    /// <summary>The rows of a 1-based step.</summary>
    public int[] Of(int step)
    {
        int[] rows = new int[PerStep];
        long first = (long)(step - 1) * PerStep;
        for (int i = 0; i < rows.Length; i++) rows[i] = At(first + i);
        return rows;
    }

    private int At(long position)
    {
        int epoch = (int)(position / count);
        if (epoch != _epoch)
        {
            _order = [.. Enumerable.Range(0, count)];
            new Random(NoiseKey.Seed(seed, purpose: 1, epoch)).Shuffle(_order);
            _epoch = epoch;
        }

        return _order[position % count];
    }
}
