using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Which attributes the next purchase has, from the attributes of the last ones: one logistic regression each, on the recency-weighted
/// mean of the history's attribute indicators. Linear, because that is what one attention head can be wired to compute.
/// What a reasoning should say is not the likeliest attributes but those that are likelier than usual: the log-odds over the prior
/// times the root of the prior.
/// </summary>
internal sealed class AttributePredictor
{
    /// <summary>Scale of the preferences: as logits of a policy they are neither uniform nor certain.</summary>
    private const double Sharpness = 6;

    private AttributePredictor(float[] weights, float[] bias, float[] prior)
    {
        int count = prior.Length;
        Prior = prior;
        PreferenceWeights = new float[weights.Length];
        PreferenceBias = new float[count];
        for (int a = 0; a < count; a++)
        {
            double root = Sharpness * Math.Sqrt(prior[a]), logOdds = Math.Log(prior[a] / (1 - prior[a]));
            PreferenceBias[a] = (float)(root * (bias[a] - logOdds));
            for (int f = 0; f < count; f++) PreferenceWeights[f * count + a] = (float)(root * weights[f * count + a]);
        }
    }

    /// <summary>Share of the training purchases that have each attribute.</summary>
    public float[] Prior { get; }

    /// <summary>Row-major [feature attribute, attribute]: preferences = features x these + <see cref="PreferenceBias"/>.</summary>
    public float[] PreferenceWeights { get; }

    public float[] PreferenceBias { get; }

    public static AttributePredictor Fit(SpokenAttributes attributes, PurchaseSequences sequences, CatalogueBackboneOptions options)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int count = attributes.Count;
        List<(int User, int End)> rows = [.. Enumerable.Range(0, sequences.Count)
            .SelectMany(u => Enumerable.Range(1, Math.Max(0, sequences.Items[u].Length - 1)).Select(end => (u, end)))];
        Random random = new(options.Seed + 2);
        if (rows.Count > 200_000) rows = [.. random.GetItems(rows.ToArray(), 200_000)];
        float[] features = new float[(long)rows.Count * count], wanted = new float[(long)rows.Count * count];
        Parallel.For(0, rows.Count, r =>
        {
            (int user, int end) = rows[r];
            Features(attributes, sequences.Items[user].AsSpan(0, end), options, features.AsSpan(r * count, count));
            foreach (int a in attributes.OfItem[sequences.Items[user][end]]) wanted[r * count + a] = 1;
        });
        float[] prior = new float[count];
        for (int i = 0; i < wanted.Length; i++) prior[i % count] += wanted[i];
        for (int a = 0; a < count; a++) prior[a] = (float)Math.Clamp(prior[a] / Math.Max(1, rows.Count), 1e-4, 1 - 1e-4);

        Tensor x = tensor(features, [rows.Count, count]), y = tensor(wanted, [rows.Count, count]);
        Tensor weights = zeros(count, count), bias = tensor(prior.Select(p => (float)Math.Log(p / (1 - p))).ToArray());
        // Newton with one common curvature: the Gram matrix of the features times the variance of each label, a few damped steps.
        if (rows.Count > 0)
        {
            Tensor gram = x.t().matmul(x) / rows.Count;
            for (int step = 0; step < 60; step++)
            {
                using var inner = NewDisposeScope();
                Tensor error = y - (x.matmul(weights) + bias).sigmoid();                                  // [rows, count]
                Tensor slope = x.t().matmul(error) / rows.Count - weights * Ridge;                        // [features, count]
                Tensor curvature = gram * 0.25 + eye(count) * Ridge;
                weights.add_(linalg.solve(curvature, slope));
                bias.add_(error.mean([0]), 4f);
            }
        }
        return new AttributePredictor(weights.data<float>().ToArray(), bias.data<float>().ToArray(), prior);
    }

    private const double Ridge = 1e-4;

    /// <summary>Recency-weighted mean of the attribute indicators over the last purchases.</summary>
    public static void Features(SpokenAttributes attributes, ReadOnlySpan<int> history, CatalogueBackboneOptions options, Span<float> features)
    {
        features.Clear();
        int take = Math.Min(options.Window, history.Length);
        double weight = 1, total = 0;
        for (int age = 0; age < take; age++, weight *= options.Decay)
        {
            total += weight;
            foreach (int a in attributes.OfItem[history[^(age + 1)]]) features[a] += (float)weight;
        }
        if (total > 0)
            foreach (ref float f in features) f /= (float)total;
    }

    /// <summary>How much to be said each attribute is after this history; comparable between attributes.</summary>
    public float[] Preferences(SpokenAttributes attributes, ReadOnlySpan<int> history, CatalogueBackboneOptions options)
    {
        int count = attributes.Count;
        Span<float> features = stackalloc float[SpokenAttributes.Limit];
        features = features[..count];
        Features(attributes, history, options, features);
        float[] preferences = (float[])PreferenceBias.Clone();
        for (int f = 0; f < count; f++)
            for (int a = 0; a < count; a++) preferences[a] += features[f] * PreferenceWeights[f * count + a];
        return preferences;
    }

    /// <summary>The attributes to name, most preferred first.</summary>
    public int[] Name(SpokenAttributes attributes, ReadOnlySpan<int> history, int howMany, CatalogueBackboneOptions options)
    {
        float[] preferences = Preferences(attributes, history, options);
        return [.. Enumerable.Range(0, preferences.Length).OrderByDescending(a => preferences[a]).ThenBy(a => a).Take(howMany)];
    }
}
