namespace RRec.CatalogueBackbone;

/// <summary>
/// Chooses how much a named attribute counts: what the options say, or by what naming gains on rows that neither the teacher nor the predictor has seen: each group of left-out rows is judged with a
/// predictor fitted on the others. (Judged on its own rows a predictor gains three times as much as it will.) Over a wide range of strengths the gain is nearly the same while its
/// spread between users grows, so the smallest strength with most of the best gain is taken.
/// </summary>
internal static class StatementStrength
{
    private static readonly double[] Shares = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1];

    /// <summary>This much of the best gain is enough.</summary>
    private const double Enough = 0.75;

    /// <summary>Rows of one teacher that are looked at.</summary>
    private const int Sample = 2000;

    /// <summary>Scores of one teacher, at most: a large catalogue has fewer rows looked at.</summary>
    private const int Scores = 40_000_000;

    /// <param name="leftOut">Rows beside teachers that have not seen them.</param>
    /// <param name="attributes">What can be said.</param>
    /// <param name="predictor">The one that will speak; used where there is but one group of rows.</param>
    /// <param name="options">How many statements, window, seed.</param>
    /// <param name="temperature">The teacher's temperature.</param>
    /// <returns>In units of the teacher's scores.</returns>
    public static double Choose(IReadOnlyList<LeftOutRows> leftOut, SpokenAttributes attributes, AttributePredictor predictor, CatalogueBackboneOptions options, double temperature)
    {
        if (options.AttributeStrength > 0) return options.AttributeStrength;
        if (attributes.Count == 0 || options.NamedAttributes == 0) return Shares[1] * temperature;
        double[] gains = new double[Shares.Length];
        foreach (LeftOutRows left in leftOut)
        {
            AttributePredictor speaker = leftOut.Count == 1 ? predictor : AttributePredictor.Fit(attributes, [.. leftOut.Where(other => other != left)], predictor.Decays.Length, options, temperature);
            SpokenAttributes then = attributes.At(left.Purchases);
            int rows = Math.Min(Math.Clamp(Scores / left.Teacher.ItemCount, 1, Sample), left.Targets.Length);
            double[,] gain = new double[rows, Shares.Length];
            Parallel.For(0, rows, sample =>
            {
                int r = (int)((long)sample * left.Targets.Length / rows), target = left.Targets[r];
                ReadOnlySpan<int> history = left.Histories[r].Span;
                float[] scores = left.Teacher.Score(history);
                bool[] named = new bool[attributes.Count];
                foreach (int a in speaker.Name(then, history, options.NamedAttributes, options)) named[a] = true;
                int[] matches = [.. then.OfItem.Select(of => of.Count(a => named[a]))];
                bool[] bought = new bool[scores.Length];
                foreach (int item in history) bought[item] = true;
                for (int s = 0; s < Shares.Length; s++)
                {
                    float strength = (float)(Shares[s] * temperature), own = scores[target] + strength * matches[target];
                    int rank = 1;
                    for (int i = 0; i < scores.Length; i++) if (!bought[i] && i != target && scores[i] + strength * matches[i] >= own) rank++;
                    gain[sample, s] = rank > Cutoff ? 0 : 1 / Math.Log2(rank + 1);
                }
            });
            for (int r = 0; r < rows; r++)
                for (int s = 0; s < Shares.Length; s++) gains[s] += gain[r, s];
        }
        return temperature * Shares[Pick(gains)];
    }

    /// <summary>The first strength above none with <see cref="Enough"/> of the best gain; where nothing gains, the smallest, so that RecPO has something to begin with.</summary>
    internal static int Pick(ReadOnlySpan<double> gains)
    {
        double best = 0;
        foreach (double gain in gains[1..]) best = Math.Max(best, gain - gains[0]);
        for (int s = 1; s < gains.Length; s++)
            if (gains[s] - gains[0] >= Enough * best) return best > 0 ? s : 1;
        return 1;
    }

    private const int Cutoff = 10;
}
