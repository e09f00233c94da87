using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// What is worth saying after a history. Not the attributes that the next purchase is likely to have (the ranking knows most of that already), but those whose
/// mention would improve the ranking: one linear function per attribute of the history's attributes, fitted so that adding its value to the scores of
/// the items that have the attribute raises a smooth NDCG on rows that the teacher has not seen (<see cref="LeftOutRows"/>).
/// Linear in recency-weighted means of the history, because that is what attention heads can be wired to compute.
/// </summary>
internal sealed class AttributePredictor
{
    /// <summary>Scale of the preferences: as logits of a policy they are neither uniform nor certain.</summary>
    private const double Sharpness = 3;

    // The fit: rows a step, its passes over the rows, Adam's rate and decay.
    private const int Batch = 256, FewestSteps = 60;
    private const double Passes = 2, Rate = 2e-3, WeightDecay = 0.1;

    private AttributePredictor(double[] decays, float[][] weights, float[] bias)
    {
        Decays = decays;
        PreferenceWeights = weights;
        PreferenceBias = bias;
    }

    /// <summary>How much each line back counts in each of the means: as the teacher weighs them, nearly alike, and almost the last line alone.</summary>
    public double[] Decays { get; }

    /// <summary>Per mean: row-major [its attribute, attribute wished for]; preferences = sum of means x these + <see cref="PreferenceBias"/>.</summary>
    public float[][] PreferenceWeights { get; }

    public float[] PreferenceBias { get; }

    /// <param name="attributes">What can be said.</param>
    /// <param name="leftOut">Rows beside teachers that have not seen them.</param>
    /// <param name="means">How many means the decoder has heads for, 1 to 3.</param>
    /// <param name="options">Window, decay, seed.</param>
    /// <param name="temperature">The teacher's temperature.</param>
    public static AttributePredictor Fit(SpokenAttributes attributes, IReadOnlyList<LeftOutRows> leftOut, int means, CatalogueBackboneOptions options, double temperature)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        double[] decays = new[] { options.Decay, 0.97, 0.1 }[..means];
        int count = attributes.Count, width = count * means;
        if (count == 0 || leftOut.All(l => l.Targets.Length == 0)) return new AttributePredictor(decays, [.. decays.Select(_ => new float[count * count])], new float[count]);
        Fold[] folds = [.. leftOut.Where(l => l.Targets.Length > 0).Select(l => new Fold(l, attributes, decays, options))];
        Tensor all = cat([.. folds.Select(f => f.Features)]), mean = all.mean([0]), spread = all.std(0, false, false) + 1e-5f;   // [width]
        foreach (Fold fold in folds) fold.Features.sub_(mean).div_(spread);

        Tensor weights = zeros(width, count), bias = zeros(count);
        DenseAdam adamWeights = new(weights, WeightDecay), adamBias = new(bias, WeightDecay);
        Random random = new(options.Seed + 2);
        int rows = folds.Sum(f => f.Rows.Targets.Length), steps = Math.Max(FewestSteps, (int)(Passes * rows / Batch));
        double scale = 2 / temperature;   // scores of the teacher to the logits in which ranks are smoothed
        for (int step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            int pick = random.Next(rows), at = 0;
            while (pick >= folds[at].Rows.Targets.Length) pick -= folds[at++].Rows.Targets.Length;
            (Tensor features, Tensor scores, Tensor target, Tensor holds) = folds[at].Draw(random, Batch, scale);
            Tensor said = features.matmul(weights) + bias;                                                     // [batch, count]
            Tensor slope = SmoothGainSlope(scores.add_(said.matmul(holds.t())), target, holds, (double)folds[at].Rows.Teacher.ItemCount / holds.shape[0]) / -Batch;
            double rate = Rate * 0.5 * (1 + Math.Cos(Math.PI * step / steps));
            adamWeights.Step(features.t().matmul(slope), rate);
            adamBias.Step(slope.sum(dim: 0), rate);
        }
        Tensor plain = weights / spread.unsqueeze(1) * Sharpness;
        float[] flat = plain.data<float>().ToArray();
        float[] shift = (bias * Sharpness - mean.unsqueeze(0).matmul(plain).squeeze(0)).data<float>().ToArray();
        return new AttributePredictor(decays, [.. Enumerable.Range(0, means).Select(m => flat[(m * count * count)..((m + 1) * count * count)])], shift);
    }

    /// <summary>
    /// Slope of 1 / log2(1 + r) by what is said, where r = 1 + sum over the other items of sigmoid(their score - the target's): a rank that moves smoothly.
    /// </summary>
    /// <param name="scores">[rows, items]; closed items far below.</param>
    /// <param name="target">[rows] int64.</param>
    /// <param name="holds">[items, attributes].</param>
    /// <param name="standsFor">How many items each of these stands for, where they are a sample.</param>
    private static Tensor SmoothGainSlope(Tensor scores, Tensor target, Tensor holds, double standsFor)
    {
        Tensor above = (scores - scores.gather(1, target.unsqueeze(1))).sigmoid();     // [rows, items]; one half at the target
        Tensor rank = (above.sum(1).unsqueeze(1) - 0.5f) * standsFor + 1;              // [rows, 1]
        Tensor log = (rank + 1).log();
        Tensor byRank = -(float)Math.Log(2) / (log * log * (rank + 1));                // of the gain, by the rank
        Tensor byScore = above * (1 - above) * (byRank * standsFor);                                 // the target's own score takes all of it back
        return byScore.matmul(holds) - byScore.sum(1).unsqueeze(1) * holds.index_select(0, target);
    }

    /// <summary>Recency-weighted mean of the attribute indicators over the last purchases.</summary>
    public static void Features(SpokenAttributes attributes, ReadOnlySpan<int> history, int window, double decay, Span<float> features)
    {
        features.Clear();
        int take = Math.Min(window, history.Length);
        double weight = 1, total = 0;
        for (int age = 0; age < take; age++, weight *= decay)
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
        float[] preferences = (float[])PreferenceBias.Clone();
        for (int m = 0; m < Decays.Length; m++)
        {
            Features(attributes, history, options.Window, Decays[m], features);
            for (int f = 0; f < count; f++)
                for (int a = 0; a < count; a++) preferences[a] += features[f] * PreferenceWeights[m][f * count + a];
        }
        return preferences;
    }

    /// <summary>The attributes to name, most preferred first.</summary>
    public int[] Name(SpokenAttributes attributes, ReadOnlySpan<int> history, int howMany, CatalogueBackboneOptions options)
    {
        float[] preferences = Preferences(attributes, history, options);
        return [.. Enumerable.Range(0, preferences.Length).OrderByDescending(a => preferences[a]).ThenBy(a => a).Take(howMany)];
    }

    /// <summary>The rows of one teacher as tensors.</summary>
    private sealed class Fold
    {
        private readonly double[] _cumulative;

        public Fold(LeftOutRows rows, SpokenAttributes attributes, double[] decays, CatalogueBackboneOptions options)
        {
            Rows = rows;
            int count = attributes.Count, items = rows.Teacher.ItemCount;
            SpokenAttributes then = attributes.At(rows.Purchases);
            float[] holds = new float[(long)items * count], features = new float[(long)rows.Targets.Length * count * decays.Length];
            for (int i = 0; i < items; i++)
                foreach (int a in then.OfItem[i]) holds[i * count + a] = 1;
            Parallel.For(0, rows.Targets.Length, r =>
            {
                for (int m = 0; m < decays.Length; m++)
                    AttributePredictor.Features(then, rows.Histories[r].Span, options.Window, decays[m], features.AsSpan((r * decays.Length + m) * count, count));
            });
            Holds = tensor(holds, [items, count]);
            Features = tensor(features, [rows.Targets.Length, count * decays.Length]);
            double sum = 0;
            _cumulative = [.. rows.Weights.Select(w => sum += w)];
        }

        public LeftOutRows Rows { get; }

        /// <summary>[items, attributes]: 1 where the attribute holds.</summary>
        public Tensor Holds { get; }

        /// <summary>[rows, means x attributes].</summary>
        public Tensor Features { get; }

        /// <summary>A batch: its rows' features, scores of all items or of a sample that holds the targets, the targets' places in it, and its part of <see cref="Holds"/>.</summary>
        public (Tensor Features, Tensor Scores, Tensor Target, Tensor Holds) Draw(Random random, int batch, double scale)
        {
            int[] drawn = [.. Enumerable.Range(0, batch).Select(_ => Math.Min(_cumulative.Length - 1, Math.Abs(Array.BinarySearch(_cumulative, random.NextDouble() * _cumulative[^1]) is var at && at < 0 ? ~at : at)))];
            int all = Rows.Teacher.ItemCount;
            int[]? part = all <= FactorDistillation.AllItems ? null
                : [.. Enumerable.Range(0, FactorDistillation.Part).Select(_ => random.Next(all)).Concat(drawn.Select(r => Rows.Targets[r])).Distinct().Order()];
            int Place(int item) => part is null ? item : Array.BinarySearch(part, item);
            float[] scores = Rows.Teacher.ScoreMany([.. drawn.Select(r => Rows.Histories[r])], part);
            int items = part?.Length ?? all;
            for (int i = 0; i < drawn.Length; i++)
            {
                int target = Place(Rows.Targets[drawn[i]]);
                float own = scores[i * items + target];
                foreach (int known in Rows.Histories[drawn[i]].Span)
                    if (Place(known) is >= 0 and var closed) scores[i * items + closed] = -1e4f;
                scores[i * items + target] = own;
            }
            return (Features.index_select(0, tensor(drawn.Select(r => (long)r).ToArray())), tensor(scores, [drawn.Length, items]).mul_((float)scale),
                tensor(drawn.Select(r => (long)Place(Rows.Targets[r])).ToArray()),
                part is null ? Holds : Holds.index_select(0, tensor(part.Select(i => (long)i).ToArray())));
        }
    }
}
