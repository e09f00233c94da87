namespace RRec.CatalogueBackbone;

/// <summary>Chooses how much a named attribute counts: what the options say, or the value that ranks left-out rows best once the predictor has spoken.</summary>
internal static class StatementStrength
{
    private static readonly double[] Shares = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1];

    /// <summary>Rows of one teacher that are looked at.</summary>
    private const int Sample = 2000;

    /// <summary>Scores of one teacher, at most: a large catalogue has fewer rows looked at.</summary>
    private const int Scores = 40_000_000;

    /// <returns>In units of the teacher's scores.</returns>
    public static double Choose(IReadOnlyList<LeftOutRows> leftOut, SpokenAttributes attributes, AttributePredictor predictor, CatalogueBackboneOptions options, double temperature)
    {
        if (options.AttributeStrength > 0) return options.AttributeStrength;
        if (attributes.Count == 0 || options.NamedAttributes == 0) return Shares[0] * temperature;
        double[] gains = new double[Shares.Length];
        foreach (LeftOutRows left in leftOut)
        {
            SpokenAttributes then = attributes.At(left.Purchases);
            int rows = Math.Min(Math.Clamp(Scores / left.Teacher.ItemCount, 1, Sample), left.Targets.Length);
            double[,] gain = new double[rows, Shares.Length];
            Parallel.For(0, rows, sample =>
            {
                int r = (int)((long)sample * left.Targets.Length / rows), target = left.Targets[r];
                ReadOnlySpan<int> history = left.Histories[r].Span;
                float[] scores = left.Teacher.Score(history);
                bool[] named = new bool[attributes.Count];
                foreach (int a in predictor.Name(then, history, options.NamedAttributes, options)) named[a] = true;
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
        return temperature * Shares[Array.IndexOf(gains, gains.Max())];
    }

    private const int Cutoff = 10;
}
