namespace RRec.RecPO;

/// <summary>
/// Group advantages and the choice of trajectories that carry the item loss (paper 3.3; recpo-reference 6). Groups are contiguous: trajectory i belongs to user i / G.
/// </summary>
internal static class Advantages
{
    private const double StandardDeviationEpsilon = 1e-8;

    /// <summary>One advantage per reward.</summary>
    /// <param name="rewards">B x G rewards, groups contiguous.</param>
    /// <param name="groupSize">G.</param>
    /// <param name="options">Type, scale, constant-group rule and compatibility are read.</param>
    /// <exception cref="ArgumentException">The rewards are no whole number of groups.</exception>
    public static double[] Compute(ReadOnlySpan<double> rewards, int groupSize, RecPOOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(groupSize, 1);
        if (rewards.Length % groupSize != 0) throw new ArgumentException($"{rewards.Length} rewards are no whole number of groups of {groupSize}.", nameof(rewards));
        bool official = options.Compatibility == Compatibility.Official;
        double[] advantages = new double[rewards.Length];
        double varianceSum = 0;
        int groups = rewards.Length / groupSize;
        for (int g = 0; g < groups; g++)
        {
            ReadOnlySpan<double> group = rewards.Slice(g * groupSize, groupSize);
            Span<double> result = advantages.AsSpan(g * groupSize, groupSize);
            double mean = Mean(group), variance = Variance(group, mean);
            varianceSum += variance;
            if (groupSize == 1)
            {
                result[0] = 1; // no group to compare with: the ablation without reasoning
                continue;
            }

            // O19: a spread this small is rounding, and dividing by it would train noise at full strength.
            if (!official && IsConstant(group, options.ConstantGroupSpread)) continue;

            for (int i = 0; i < groupSize; i++)
                result[i] = options.Advantage switch
                {
                    AdvantageType.LeaveOneOut when official => group[i] * (1 + 1.0 / groupSize) - mean, // O4: sums to the mean reward, not to 0
                    AdvantageType.LeaveOneOut => (group[i] - mean) * groupSize / (groupSize - 1.0),
                    _ when official || options.AdvantageScale == AdvantageScale.Group => (group[i] - mean) / (Math.Sqrt(variance) + StandardDeviationEpsilon),
                    _ => group[i] - mean,
                };
        }

        if (!official && groupSize > 1 && options is { Advantage: AdvantageType.Gaussian, AdvantageScale: AdvantageScale.Batch })
        {
            double scale = 1 / (Math.Sqrt(varianceSum / groups) + StandardDeviationEpsilon);
            for (int i = 0; i < advantages.Length; i++) advantages[i] *= scale;
        }

        return advantages;
    }

    /// <summary>Which trajectories carry the item loss: the <see cref="RecPOOptions.RelabelTopK"/> largest advantages of each group, ties to the lower index.</summary>
    /// <remarks>Only advantages above 0 are chosen (O20), except under <see cref="Compatibility.Official"/>, which always chooses that many.</remarks>
    public static bool[] Relabel(ReadOnlySpan<double> advantages, int groupSize, RecPOOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(groupSize, 1);
        if (advantages.Length % groupSize != 0) throw new ArgumentException($"{advantages.Length} advantages are no whole number of groups of {groupSize}.", nameof(advantages));
        bool[] chosen = new bool[advantages.Length];
        bool anySign = options.Compatibility == Compatibility.Official;
        for (int start = 0; start < advantages.Length; start += groupSize)
        {
            for (int n = 0; n < Math.Min(options.RelabelTopK, groupSize); n++)
            {
                int best = -1;
                for (int i = start; i < start + groupSize; i++)
                    if (!chosen[i] && (best < 0 || advantages[i] > advantages[best])) best = i;
                if (anySign || advantages[best] > 0) chosen[best] = true;
            }
        }

        return chosen;
    }

    /// <summary>The share of groups that span less than <paramref name="spread"/>.</summary>
    public static double ConstantShare(ReadOnlySpan<double> rewards, int groupSize, double spread)
    {
        int constant = 0, groups = rewards.Length / groupSize;
        for (int g = 0; g < groups; g++)
            if (IsConstant(rewards.Slice(g * groupSize, groupSize), spread)) constant++;
        return groups == 0 ? 0 : (double)constant / groups;
    }

    /// <summary>The mean over groups of the standard deviation (n-1) inside a group.</summary>
    public static double MeanGroupDeviation(ReadOnlySpan<double> rewards, int groupSize)
    {
        double sum = 0;
        int groups = rewards.Length / groupSize;
        for (int g = 0; g < groups; g++)
        {
            ReadOnlySpan<double> group = rewards.Slice(g * groupSize, groupSize);
            sum += Math.Sqrt(Variance(group, Mean(group)));
        }

        return groups == 0 ? 0 : sum / groups;
    }

    private static bool IsConstant(ReadOnlySpan<double> group, double spread)
    {
        double low = double.MaxValue, high = double.MinValue;
        foreach (double r in group)
        {
            low = Math.Min(low, r);
            high = Math.Max(high, r);
        }

        return high - low < spread;
    }

    private static double Mean(ReadOnlySpan<double> group)
    {
        double sum = 0;
        foreach (double r in group) sum += r;
        return sum / group.Length;
    }

    private static double Variance(ReadOnlySpan<double> group, double mean)
    {
        if (group.Length < 2) return 0;
        double sum = 0;
        foreach (double r in group) sum += (r - mean) * (r - mean);
        return sum / (group.Length - 1);
    }
}
