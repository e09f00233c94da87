namespace RRec.CatalogueBackbone;

/// <summary>
/// What a reasoning should say after a history, in words: attributes of the next purchase whose mention improves the ranking (<see cref="AttributePredictor"/>), and what
/// naming them adds to the teacher's scores. Knows words, not tokens: how they are written is a matter of the backbone.
/// </summary>
internal sealed class Statements(SpokenAttributes attributes, AttributePredictor predictor, CatalogueBackboneOptions options, double strength)
{
    /// <summary>Everything that can be said.</summary>
    public IReadOnlyList<string> Words => attributes.Words;

    /// <summary>What a named attribute adds to the teacher's score of the items that have it.</summary>
    public double Strength => strength;

    private int Named => Math.Min(options.NamedAttributes, attributes.Count);

    /// <summary>The statements that help most, the best first.</summary>
    public int[] Best(ReadOnlySpan<int> history) => predictor.Name(attributes, history, Named, options);

    /// <summary>Statements drawn from the predictor's preferences, without replacement: reasonings as a policy at this temperature would write them.</summary>
    public int[] Draw(ReadOnlySpan<int> history, Random random, double temperature = 1)
    {
        float[] preferences = predictor.Preferences(attributes, history, options);
        return [.. preferences.Select((p, a) => (a, key: p - temperature * Math.Log(-Math.Log(1 - random.NextDouble() * 0.999999 - 5e-7))))
            .OrderByDescending(x => x.key).Take(Named).Select(x => x.a)];
    }

    /// <summary>Adds what the named attributes give to the scores of some items.</summary>
    public void AddScores(int[] named, int[] items, Span<float> scores)
    {
        for (int i = 0; i < items.Length; i++)
            foreach (int a in attributes.OfItem[items[i]])
                if (named.Contains(a)) scores[i] += (float)strength;
    }

    /// <summary>Learns what to say on rows that each teacher has not seen; null where there is nothing to say: no attribute that splits the purchases, or none wanted.</summary>
    public static Statements? Fit(SpokenAttributes attributes, IReadOnlyList<LeftOutRows> leftOut, int means, CatalogueBackboneOptions options, double temperature)
    {
        if (attributes.Count == 0 || options.NamedAttributes == 0) return null;
        AttributePredictor predictor = AttributePredictor.Fit(attributes, leftOut, means, options, temperature);
        return new Statements(attributes, predictor, options, StatementStrength.Choose(leftOut, attributes, predictor, options, temperature));
    }
}
