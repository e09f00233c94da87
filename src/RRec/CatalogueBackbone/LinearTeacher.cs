using RRec.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Fits the linear recommenders: EASE, EASE with text, and the catalogue backbone's teacher
/// W = EASE + text + next-item regression. Dense linear algebra on [items, items], so items^3 in time and a few times items^2 in memory; above
/// <see cref="CatalogueBackboneOptions.MaxTeacherItems"/> <see cref="LowRankTeacher"/> takes over.
/// </summary>
public static class LinearTeacher
{
    /// <summary>EASE (Steck 2019): B = I - P / diag(P), P = (X'X + ridge I)^-1, zero diagonal.</summary>
    public static ItemItemModel FitEase(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions? options = null) =>
        FitFrom(catalogue, train, (options ?? new()) with { TextWeight = 0, NextItemWeight = 0 });

    /// <summary>EASE plus the TF-IDF cosine of titles and attributes; with <see cref="CatalogueBackboneOptions.NewItemBoost"/> 0 the blend of docs/quality.md.</summary>
    public static ItemItemModel FitEaseWithText(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions? options = null) =>
        FitFrom(catalogue, train, (options ?? new()) with { NextItemWeight = 0 });

    /// <summary>What the catalogue backbone starts from: EASE, text and the next-item regression.</summary>
    public static ItemItemModel FitTeacher(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions? options = null) =>
        FitFrom(catalogue, train, options ?? new());

    private static ItemItemModel FitFrom(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions options)
    {
        options.Validate();
        PurchaseSequences sequences = PurchaseSequences.From(train, catalogue.Count);
        return Fit(sequences, options.TextWeight > 0 ? TextSimilarity.Vectors(catalogue) : null, options);
    }

    internal static ItemItemModel Fit(PurchaseSequences sequences, TextVectors? text, CatalogueBackboneOptions options)
    {
        if (sequences.ItemCount > options.MaxTeacherItems) return LowRankTeacher.Fit(sequences, text, options);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int n = sequences.ItemCount;
        Tensor weights = Ease(tensor(CoOccurrence.Users(sequences), n, n), options.EaseRidge);
        double spread = weights.std().item<float>();
        if (options.NextItemWeight > 0)
        {
            Tensor next = NextItem(sequences, options);
            double nextSpread = next.std().item<float>();
            if (spread > 0 && nextSpread > 0) weights.add_(next, options.NextItemWeight * spread / nextSpread);
        }
        if (options.TextWeight > 0 && text is not null)
        {
            weights.addcmul_(tensor(text.Similarity(), n, n), tensor(TextWeights(sequences, options), 1, n), 1);
        }
        return new ItemItemModel(weights.data<float>().ToArray(), n, options.Window, options.Decay);
    }

    /// <summary>Teachers that each know nothing of their share of the users; none where <see cref="CatalogueBackboneOptions.Folds"/> or the users are fewer than two.</summary>
    /// <param name="sequences">Everybody's purchases.</param>
    /// <param name="text">The items' texts, or null.</param>
    /// <param name="options">The teacher's settings.</param>
    /// <param name="progress">Told before each teacher its number, from 1 on, and how many there are; may be null.</param>
    /// <param name="cancel">Stops between the teachers.</param>
    internal static (int[] FoldOfUser, ItemItemModel[] Teachers) FitFolds(PurchaseSequences sequences, TextVectors? text, CatalogueBackboneOptions options, Action<int, int>? progress, CancellationToken cancel)
    {
        int folds = Math.Min(options.Folds, sequences.Count);
        if (folds < 2) folds = 0;
        int[] foldOfUser = FoldTables.FoldOfUser(sequences.Count, folds, options.Seed);
        ItemItemModel[] teachers = new ItemItemModel[folds];
        for (int k = 0; k < folds; k++)
        {
            progress?.Invoke(k + 1, folds);
            cancel.ThrowIfCancellationRequested();
            teachers[k] = Fit(sequences.Where(u => foldOfUser[u] != k), text, options);
        }
        return (foldOfUser, teachers);
    }

    /// <summary>How much text counts, by the item that is scored.</summary>
    internal static float[] TextWeights(PurchaseSequences sequences, CatalogueBackboneOptions options) =>
        [.. sequences.Purchases.Select(p => (float)(options.TextWeight * (1 + options.NewItemBoost / (1 + p))))];

    private static Tensor Ease(Tensor gram, double ridge)
    {
        long n = gram.shape[0];
        Tensor regularised = gram + eye(n) * ridge;
        Tensor inverse = linalg.inv(regularised);
        Tensor weights = -inverse / inverse.diagonal().unsqueeze(0);   // column j divided by P[j, j]
        return weights * (1 - eye(n));
    }

    private static Tensor NextItem(PurchaseSequences sequences, CatalogueBackboneOptions options)
    {
        int n = sequences.ItemCount;
        (float[] gram, float[] toNext) = CoOccurrence.Histories(sequences, options.Window, options.Decay, options.NextItems);
        Tensor regularised = tensor(gram, n, n) + eye(n) * options.NextItemRidge;
        return linalg.solve(regularised, tensor(toNext, n, n)) * (1 - eye(n));
    }
}
