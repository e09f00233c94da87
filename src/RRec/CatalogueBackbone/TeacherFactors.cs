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
        Tensor columns = tensor(sequences.Purchases.Select(p => p == 0 ? NewItemWeight : 1).ToArray()).unsqueeze(1);   // [n, 1]
        (Func<Tensor, Tensor> histories, double trace) = HistoryGram(sequences, options);
        double ridge = Math.Max(1e-6, 0.5 * trace / n);
        (Tensor v, _) = Subspace.Leading(x =>
        {
            Tensor wx = teacher.Weights.Times(x * columns);
            return teacher.Weights.TransposedTimes(histories(wx) + wx * ridge) * columns;
        }, n, rank, 12, options.Seed);
        Tensor u = teacher.Weights.Times(v * columns) / temperature;
        v = v / columns;
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
        Tensor difference = other.Weights.Times(map).sub_(own.Weights.Times(map)) / temperature;
        return (tensor(Users, [n, Rank]) + difference).data<float>().ToArray();
    }

    /// <summary>U V' as a recommender of its own: what the decoder can rank at best.</summary>
    public ItemItemModel ToModel(CatalogueBackboneOptions options) =>
        new(new LowRankWeights(Users, Items, Rank, null, [], keepDiagonal: true), options.Window, options.Decay);

    // H'H as a product, and its trace: a matrix where the teacher is one, else the sequences themselves.
    private static (Func<Tensor, Tensor> Times, double Trace) HistoryGram(PurchaseSequences sequences, CatalogueBackboneOptions options)
    {
        int n = sequences.ItemCount;
        SequenceProducts products = new(sequences, options.Window, options.Decay, options.NextItems);
        if (n > options.MaxTeacherItems) return (x => tensor(products.Histories(x.contiguous().data<float>().ToArray(), (int)x.shape[1]), x.shape), products.HistoryTrace());
        Tensor gram = tensor(CoOccurrence.Histories(sequences, options.Window, options.Decay, 0).HistoryGram, [n, n]);
        return (x => gram.matmul(x), products.HistoryTrace());
    }

    internal void Replace(float[] users, float[] items) => (Users, Items) = (users, items);
}
