using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Pulls the factors towards the teacher's ranking: cross entropy of softmax(h U V') to softmax(h W / T) over all items that are not in
/// the history. The gradient is written out (two products), so no graph is built. Above <see cref="AllItems"/> items each step judges a random part of
/// them, half drawn by purchases.
/// </summary>
internal static class FactorDistillation
{
    internal const int AllItems = 16_384, Part = 8_192;

    public static void Run(TeacherFactors factors, ItemItemModel teacher, PurchaseSequences sequences, CatalogueBackboneOptions options,
        double temperature, Action<int, double>? progress, CancellationToken cancellation)
    {
        int n = teacher.ItemCount, rank = factors.Rank, batch = options.DistillationBatch;
        if (options.DistillationSteps == 0 || sequences.Count == 0) return;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor u = tensor(factors.Users, [n, rank]), v = tensor(factors.Items, [n, rank]);
        DenseAdam adamU = new(u), adamV = new(v);
        double rateU = 0.16 * Math.Max(1e-12, teacher.Weights.StandardDeviation()) / temperature, rateV = 0.02 / Math.Sqrt(n);
        HistorySampler sampler = new(sequences, options.Window, options.Seed + 1);
        float[] ageWeight = [.. Enumerable.Range(0, options.Window).Select(age => (float)Math.Pow(options.Decay, age))];
        for (int step = 0; step < options.DistillationSteps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            ReadOnlyMemory<int>[] histories = [.. Enumerable.Range(0, batch).Select(_ => (ReadOnlyMemory<int>)sampler.Next())];
            (Tensor rows, Tensor items, Tensor weights) = Sparse(histories, ageWeight);
            int[]? part = n > AllItems ? sampler.Items(Part) : null;
            Tensor masked = zeros(batch, n, dtype: ScalarType.Bool).index_put_(true, [rows, items]);
            Tensor judged = v;
            if (part is not null) (masked, judged) = (masked.index_select(1, Long(part)), v.index_select(0, Long(part)));
            Tensor wanted = (tensor(teacher.ScoreMany(histories, part), [batch, judged.shape[0]]) / temperature).masked_fill_(masked, -1e4f).softmax(-1);
            Tensor user = zeros(batch, rank).index_add_(0, rows, u.index_select(0, items) * weights, 1);      // [batch, rank]
            Tensor predicted = user.matmul(judged.t()).masked_fill_(masked, -1e4f).log_softmax(-1);                 // [batch, items judged]
            Tensor gradient = (predicted.exp() - wanted) / batch;                                              // of the logits
            Tensor gradientV = gradient.t().matmul(user);
            if (part is not null) gradientV = zeros_like(v).index_copy_(0, Long(part), gradientV);
            Tensor perEntry = gradient.matmul(judged).index_select(0, rows) * weights;
            Tensor gradientU = zeros_like(u).index_add_(0, items, perEntry, 1);
            double f = (double)step / options.DistillationSteps, schedule = 0.05 + 0.95 * 0.5 * (1 + Math.Cos(Math.PI * f));
            adamU.Step(gradientU, rateU * schedule);
            adamV.Step(gradientV, rateV * schedule);
            if (progress is not null && (step % 20 == 19 || step == 0))
            {
                Tensor divergence = (wanted * ((wanted + 1e-12f).log() - predicted)).sum() / batch;
                progress(step + 1, divergence.item<float>());
            }
        }
        factors.Replace(u.data<float>().ToArray(), v.data<float>().ToArray());
    }

    private static Tensor Long(int[] values) => tensor(Array.ConvertAll(values, x => (long)x));

    private static (Tensor Rows, Tensor Items, Tensor Weights) Sparse(ReadOnlyMemory<int>[] histories, float[] ageWeight)
    {
        int total = histories.Sum(h => h.Length), at = 0;
        long[] rows = new long[total], items = new long[total];
        float[] weights = new float[total];
        for (int row = 0; row < histories.Length; row++)
        {
            ReadOnlySpan<int> history = histories[row].Span;
            for (int age = 0; age < history.Length; age++, at++) (rows[at], items[at], weights[at]) = (row, history[^(age + 1)], ageWeight[age]);
        }
        return (tensor(rows), tensor(items), tensor(weights, [total, 1]));
    }

    internal static double StandardDeviation(float[] values)
    {
        double sum = 0, squares = 0;
        foreach (float x in values)
        {
            sum += x;
            squares += (double)x * x;
        }
        double mean = sum / values.Length;
        return Math.Sqrt(Math.Max(0, squares / values.Length - mean * mean));
    }
}
