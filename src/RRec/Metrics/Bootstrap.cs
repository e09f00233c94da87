namespace RRec.Metrics;

/// <summary>A mean and the range that holds it with 95% confidence.</summary>
/// <param name="Mean">Mean over rows.</param>
/// <param name="Low">2.5th percentile of the resampled means.</param>
/// <param name="High">97.5th percentile of the resampled means.</param>
public readonly record struct Interval(double Mean, double Low, double High)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Mean:0.0000} [{Low:0.0000}, {High:0.0000}]");
}

/// <summary>
/// Bootstrap by user (quality-baselines.md, protocol 6). Rows of one user resemble each other, so whole users are drawn with replacement and the mean is over the rows
/// of the drawn users; intervals by row would be far too narrow. Two models are compared by the interval of their difference on the same rows.
/// </summary>
public static class Bootstrap
{
    /// <summary>The interval of a mean.</summary>
    /// <param name="values">One value per row.</param>
    /// <param name="users">The user of each row; null treats every row as a user of its own.</param>
    /// <param name="resamples">How many resamples; 2,000 by default.</param>
    /// <param name="seed">Seeds the draws; the same seed gives the same interval.</param>
    /// <exception cref="ArgumentException">No rows, or lengths that differ.</exception>
    public static Interval ByUser(IReadOnlyList<double> values, IReadOnlyList<string>? users, int resamples = 2000, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        if (values.Count == 0) throw new ArgumentException("No values.", nameof(values));
        if (users is not null && users.Count != values.Count)
            throw new ArgumentException($"{values.Count} values but {users.Count} users: one user per row is needed.", nameof(users));

        // Sums per user once; a resample then costs one addition per drawn user.
        Dictionary<string, int> numberOf = new(StringComparer.Ordinal);
        List<double> sums = [];
        List<int> counts = [];
        double total = 0;
        for (int i = 0; i < values.Count; i++)
        {
            int user = sums.Count;
            if (users is not null && !numberOf.TryAdd(users[i], user)) user = numberOf[users[i]];
            if (user == sums.Count)
            {
                sums.Add(0);
                counts.Add(0);
            }

            sums[user] += values[i];
            counts[user]++;
            total += values[i];
        }

        Random random = new(seed);
        double[] means = new double[resamples];
        for (int r = 0; r < resamples; r++)
        {
            double sum = 0;
            long rows = 0;
            for (int u = 0; u < sums.Count; u++)
            {
                int drawn = random.Next(sums.Count);
                sum += sums[drawn];
                rows += counts[drawn];
            }

            means[r] = sum / rows;
        }

        Array.Sort(means);
        return new Interval(total / values.Count, Percentile(means, 0.025), Percentile(means, 0.975));
    }

    /// <summary>The interval of the mean difference <paramref name="a"/> minus <paramref name="b"/> on the same rows.</summary>
    public static Interval Paired(IReadOnlyList<double> a, IReadOnlyList<double> b, IReadOnlyList<string>? users, int resamples = 2000, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Count != b.Count) throw new ArgumentException($"{a.Count} against {b.Count} values: a paired comparison needs the same rows on both sides.", nameof(b));
        double[] difference = new double[a.Count];
        for (int i = 0; i < difference.Length; i++) difference[i] = a[i] - b[i];
        return ByUser(difference, users, resamples, seed);
    }

    // Linear interpolation between order statistics, as numpy's default.
    private static double Percentile(double[] sorted, double q)
    {
        double position = q * (sorted.Length - 1);
        int below = (int)Math.Floor(position);
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
}
