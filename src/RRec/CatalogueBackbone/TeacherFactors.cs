using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The teacher's weights as a product W ~ U V': what a title means in a user's history (a row of U) and as a candidate (a row of V).
/// First the best r directions for histories as they occur, V = the top eigenvectors of W'(H'H + cI)W, U = W V; then a distillation
/// that makes softmax(h U V') follow softmax(h W / T) over all items.
/// </summary>
internal sealed class TeacherFactors
{
    private TeacherFactors(float[] users, float[] items, int rank)
    {
        Users = users;
        Items = items;
        Rank = rank;
    }

    /// <summary>Row-major [items, rank]: what a purchase adds to the user, scaled so that h U V' are logits.</summary>
    public float[] Users { get; private set; }

    /// <summary>Row-major [items, rank].</summary>
    public float[] Items { get; private set; }

    public int Rank { get; }

    /// <summary>
    /// How many times an item that nobody has bought counts when the directions are chosen. Its column of W is text alone, small and unlike the others: at weight 1
    /// a rank far below the number of items loses it, and the item is never recommended (docs/catalogue-backbone.md, "New items").
    /// </summary>
    private const float NewItemWeight = 5;

    /// <summary>The eigenvectors, by subspace iteration from a seeded start.</summary>
    public static TeacherFactors Fit(ItemItemModel teacher, PurchaseSequences sequences, int rank, CatalogueBackboneOptions options, double temperature)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int n = teacher.ItemCount;
        rank = Math.Min(rank, n);
        Tensor w = tensor(teacher.Weights, [n, n]), columns = tensor(sequences.Purchases.Select(p => p == 0 ? NewItemWeight : 1).ToArray()).unsqueeze(0);   // [1, n]
        w.mul_(columns);
        (float[] gram, _) = CoOccurrence.Histories(sequences, options.Window, options.Decay, 0);
        Tensor h = tensor(gram, [n, n]);
        double ridge = Math.Max(1e-6, 0.5 * h.diagonal().sum().item<float>() / n);
        int width = Math.Min(n, rank + Math.Max(8, rank / 4));
        Random random = new(options.Seed);
        float[] start = new float[(long)n * width];
        for (int i = 0; i < start.Length; i++) start[i] = (float)(random.NextDouble() * 2 - 1);
        Tensor v = linalg.qr(tensor(start, [n, width])).Q;
        Tensor Multiply(Tensor x)
        {
            Tensor wx = w.matmul(x);
            return w.t().matmul(h.matmul(wx) + wx * ridge);
        }
        for (int iteration = 0; iteration < 12; iteration++)
        {
            using var inner = NewDisposeScope();
            v = linalg.qr(Multiply(v)).Q.MoveToOuterDisposeScope();
        }
        // Rayleigh-Ritz inside the subspace; eigh gives ascending eigenvalues, the last columns are wanted, largest first.
        Tensor small = v.t().matmul(Multiply(v));
        (_, Tensor rotation) = linalg.eigh((small + small.t()) * 0.5);
        v = v.matmul(rotation.flip(1).narrow(1, 0, rank)).contiguous();
        Tensor u = w.matmul(v) / temperature;
        v = v / columns.t();
        return new TeacherFactors(u.data<float>().ToArray(), v.data<float>().ToArray(), rank);
    }

    /// <summary>
    /// U for another teacher in the same V: U plus (W_other - W) mapped by V's pseudo-inverse, so that what the distillation added stays.
    /// </summary>
    public float[] UsersOf(ItemItemModel other, ItemItemModel own, double temperature)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int n = own.ItemCount;
        Tensor v = tensor(Items, [n, Rank]), gram = v.t().matmul(v);
        gram = gram + eye(Rank) * (1e-4 * gram.diagonal().mean().item<float>());
        Tensor map = linalg.solve(gram, v.t()).t().contiguous();                                  // V (V'V)^-1
        Tensor difference = tensor(other.Weights, [n, n]).sub_(tensor(own.Weights, [n, n])).matmul(map) / temperature;
        return (tensor(Users, [n, Rank]) + difference).data<float>().ToArray();
    }

    /// <summary>U V' as a recommender of its own: what the decoder can rank at best.</summary>
    public ItemItemModel ToModel(CatalogueBackboneOptions options)
    {
        using var scope = NewDisposeScope();
        int n = Items.Length / Rank;
        Tensor product = tensor(Users, [n, Rank]).matmul(tensor(Items, [n, Rank]).t());
        return new ItemItemModel(product.data<float>().ToArray(), n, options.Window, options.Decay);
    }

    internal void Replace(float[] users, float[] items) => (Users, Items) = (users, items);
}
