using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Item factors of what nobody has bought, once more after the distillation. Such an item's scores are small with a few peaks (titles alike), and
/// both the rank and the distillation, whose losses are about what is bought, flatten the peaks. So with the users' factors as they now are, each new
/// item gets the vector that fits the teacher's logits best where the teacher ranks the item high, and a little on top for what is still lost.
/// </summary>
internal static class NewItemFactors
{
    private const int Histories = 4096, Block = 512;

    // How much a history counts in which the item has no chance, beside 1 for one of average chance.
    private const double Elsewhere = 1;

    // In logits. Valid rows, rank 87: 0, .25, .5, 1 give new items a Hit@10 of .099, .101, .109, .133 and all rows .1342, .1338, .1341, .1333.
    private const double Lift = 0.5;

    private const double Ridge = 1e-3;

    /// <summary>Replaces the new items' vectors. Catalogues beyond <see cref="FactorDistillation.AllItems"/> keep what they have: a softmax over all items is too dear there.</summary>
    public static void Refit(TeacherFactors factors, ItemItemModel teacher, PurchaseSequences sequences, CatalogueBackboneOptions options, double temperature, CancellationToken cancellation)
    {
        int n = teacher.ItemCount, rank = factors.Rank;
        long[] fresh = [.. Enumerable.Range(0, n).Where(i => sequences.Purchases[i] == 0).Select(i => (long)i)];
        long[] bought = [.. Enumerable.Range(0, n).Where(i => sequences.Purchases[i] > 0).Select(i => (long)i)];
        if (options.DistillationSteps == 0 || fresh.Length == 0 || bought.Length == 0 || n > FactorDistillation.AllItems) return;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor u = tensor(factors.Users, [n, rank]), v = tensor(factors.Items, [n, rank]), isFresh = tensor(fresh), isBought = tensor(bought);
        HistorySampler sampler = new(sequences, options.Window, options.Seed + 2);
        float[] ageWeight = FactorDistillation.AgeWeights(options);
        List<Tensor> users = [], logits = [], chances = [];
        for (int at = 0; at < Histories; at += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            ReadOnlyMemory<int>[] histories = [.. Enumerable.Range(0, Block).Select(_ => (ReadOnlyMemory<int>)sampler.Next())];
            (Tensor rows, Tensor items, Tensor weights) = FactorDistillation.Sparse(histories, ageWeight);
            Tensor user = zeros(Block, rank).index_add_(0, rows, u.index_select(0, items) * weights, 1);      // [block, rank]
            Tensor wanted = tensor(teacher.ScoreMany(histories, null), [Block, n]) / temperature;
            // A softmax does not mind a constant per history, so the factors' logits have one of their own: taken where the teacher's best items are.
            Tensor known = wanted.index_select(1, isBought), got = user.matmul(v.index_select(0, isBought).t());
            Tensor constant = (known.softmax(-1) * (got - known)).sum(1, keepdim: true);
            users.Add(user.MoveToOuterDisposeScope());
            logits.Add((wanted.index_select(1, isFresh) + (constant + Lift)).MoveToOuterDisposeScope());
            chances.Add(wanted.softmax(-1).index_select(1, isFresh).MoveToOuterDisposeScope());
        }

        Tensor x = cat(users, 0), y = cat(logits, 0), chance = cat(chances, 0), old = v.index_select(0, isFresh);
        List<Tensor> fitted = [];
        for (int i = 0; i < fresh.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            Tensor p = chance.select(1, i), weighted = x * (p / (p.mean() + 1e-12f) + Elsewhere).unsqueeze(1);
            Tensor gram = weighted.t().matmul(x);
            double ridge = Math.Max(1e-9, Ridge * gram.diagonal().mean().item<float>());
            Tensor right = weighted.t().matmul(y.select(1, i).unsqueeze(1)) + old.select(0, i).unsqueeze(1) * ridge;
            fitted.Add(linalg.solve(gram + eye(rank) * ridge, right).t().MoveToOuterDisposeScope());
        }
        v.index_copy_(0, isFresh, cat(fitted, 0));
        factors.Replace(factors.Users, v.data<float>().ToArray());
    }
}
