using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The teacher for catalogues above <see cref="CatalogueBackboneOptions.MaxTeacherItems"/>, without any [items, items] matrix.
/// <list type="bullet">
/// <item>EASE from the leading eigenvectors of X'X = E diag(s) E': (X'X + r I)^-1 = (I - E D E') / r with D = s / (s + r), so off its diagonal
/// B = E D E' diag(1 / p), p_j = 1 - sum_k D_k E_jk^2. Exact where the rank reaches the number of users.</item>
/// <item>Next item, Q = (H'H + r I)^-1 H'Y, the inverse from H'H's eigenvectors in the same way, then Q = Z (Z'Q) with Z the leading left directions of Q.</item>
/// <item>Text as it is: sparse.</item>
/// </list>
/// </summary>
internal static class LowRankTeacher
{
    private const int Iterations = 6;

    public static ItemItemModel Fit(PurchaseSequences sequences, TextVectors? text, CatalogueBackboneOptions options)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int n = sequences.ItemCount;
        SequenceProducts products = new(sequences, options.Window, options.Decay, options.NextItems);
        (Tensor left, Tensor right) = Ease(products, n, Math.Min(options.LargeTeacherRank, Math.Min(n, sequences.Count)), options);
        if (options.NextItemWeight > 0)
        {
            (Tensor nextLeft, Tensor nextRight) = NextItem(products, n, Math.Min(Math.Max(1, options.LargeTeacherRank / 2), n), options);
            double spread = Spread(left, right), nextSpread = Spread(nextLeft, nextRight);
            if (spread > 0 && nextSpread > 0) (left, right) = (cat([left, nextLeft], 1), cat([right, nextRight * (options.NextItemWeight * spread / nextSpread)], 1));
        }
        float[] textWeight = text is null || options.TextWeight == 0 ? [] : LinearTeacher.TextWeights(sequences, options);
        return new ItemItemModel(new LowRankWeights(left.contiguous().data<float>().ToArray(), right.contiguous().data<float>().ToArray(), (int)left.shape[1],
            textWeight.Length == 0 ? null : text, textWeight), options.Window, options.Decay);
    }

    private static (Tensor Left, Tensor Right) Ease(SequenceProducts products, int n, int rank, CatalogueBackboneOptions options)
    {
        (Tensor vectors, Tensor values) = Subspace.Leading(x => Of(products.Users, x), n, rank, Iterations, options.Seed);
        Tensor kept = values.clamp_min(0) / (values.clamp_min(0) + options.EaseRidge);                      // D, [rank]
        Tensor left = vectors * kept.unsqueeze(0);
        Tensor rest = (1 - (left * vectors).sum(1)).clamp_min(1e-6).unsqueeze(1);                           // p, [n, 1]
        return (left, vectors / rest);
    }

    private static (Tensor Left, Tensor Right) NextItem(SequenceProducts products, int n, int rank, CatalogueBackboneOptions options)
    {
        (Tensor vectors, Tensor values) = Subspace.Leading(x => Of(products.Histories, x), n, Math.Min(n, 2 * rank), Iterations, options.Seed);
        Tensor kept = (values.clamp_min(0) / (values.clamp_min(0) + options.NextItemRidge)).unsqueeze(0);   // [1, 2 rank]
        Tensor Inverse(Tensor x) => (x - (vectors * kept).matmul(vectors.t().matmul(x))) / options.NextItemRidge;
        Tensor Forward(Tensor x) => Inverse(Of(products.ToNext, x));
        Tensor Back(Tensor x) => Of(products.FromNext, Inverse(x));
        (Tensor left, _) = Subspace.Leading(x => Forward(Back(x)), n, rank, Iterations / 2, options.Seed);
        return (left, Back(left));
    }

    private static Tensor Of(Func<float[], int, float[]> product, Tensor x) => tensor(product(x.contiguous().data<float>().ToArray(), (int)x.shape[1]), x.shape);

    // Standard deviation of the entries of L R' about zero, from two small matrices.
    private static double Spread(Tensor left, Tensor right) =>
        Math.Sqrt((left.t().matmul(left) * right.t().matmul(right)).sum().item<float>()) / left.shape[0];
}
