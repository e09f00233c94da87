namespace RRec.CatalogueBackbone;

/// <summary>Chooses how much a named attribute counts: the value that ranks left-out training users best once the predictor has spoken.</summary>
internal static class StatementStrength
{
    private static readonly double[] Shares = [0.125, 0.25, 0.375, 0.5, 0.75, 1];

    /// <returns>In units of the teacher's scores.</returns>
    public static double Choose(ItemItemModel[] teachers, int[] foldOfUser, PurchaseSequences sequences, SpokenAttributes attributes,
        AttributePredictor predictor, CatalogueBackboneOptions options, double temperature)
    {
        if (attributes.Count == 0 || options.NamedAttributes == 0) return Shares[0] * temperature;
        (int User, int End)[] rows = [.. Enumerable.Range(0, sequences.Count)
            .SelectMany(u => Enumerable.Range(1, Math.Max(0, sequences.Items[u].Length - 1)).Select(end => (u, end)))];
        new Random(options.Seed + 6).Shuffle(rows);
        rows = rows[..Math.Min(4000, rows.Length)];
        double[,] gains = new double[rows.Length, Shares.Length];
        Parallel.For(0, rows.Length, r =>
        {
            (int user, int end) = rows[r];
            int[] sequence = sequences.Items[user];
            ReadOnlySpan<int> history = sequence.AsSpan(0, end);
            float[] scores = teachers[teachers.Length == 1 ? 0 : foldOfUser[user]].Score(history);
            bool[] named = new bool[attributes.Count];
            foreach (int a in predictor.Name(attributes, history, options.NamedAttributes, options)) named[a] = true;
            int[] matches = [.. attributes.OfItem.Select(of => of.Count(a => named[a]))];
            bool[] bought = new bool[scores.Length];
            foreach (int item in history) bought[item] = true;
            int target = sequence[end];
            for (int s = 0; s < Shares.Length; s++)
            {
                float strength = (float)(Shares[s] * temperature), own = scores[target] + strength * matches[target];
                int rank = 1;
                for (int i = 0; i < scores.Length; i++) if (!bought[i] && i != target && scores[i] + strength * matches[i] >= own) rank++;
                gains[r, s] = 1 / Math.Log2(rank + 1);
            }
        });
        double Mean(int s) => Enumerable.Range(0, rows.Length).Sum(r => gains[r, s]);
        return temperature * Shares[Enumerable.Range(0, Shares.Length).MaxBy(Mean)];
    }
}
