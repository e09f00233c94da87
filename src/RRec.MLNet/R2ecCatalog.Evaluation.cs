using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using RRec.MLNet;

namespace Microsoft.ML;

public static partial class R2ecCatalog
{
    /// <summary>
    /// Measures ranked lists against what was bought next: Hit, NDCG and MAP at <paramref name="ks"/>, MRR, coverage, novelty. Works on any view that has a
    /// label and a vector of ranked item ids, whoever made it. A metric whose input is not given is absent, never guessed.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="scored">Scored rows.</param>
    /// <param name="labelColumn">The id of the item bought next, or a vector of several relevant ids; rows without one are left out and counted.</param>
    /// <param name="rankedItemsColumn">Vector of item ids, best first; empty entries are no items.</param>
    /// <param name="userColumn">Whose row it is; gives 95% intervals by a bootstrap of users. Null: no intervals.</param>
    /// <param name="ks">Cut-offs; null: 5, 10, 20. One beyond the list is absent unless there is a rank column.</param>
    /// <param name="scoreColumn">Vector of scores, one per ranked item, where there is one: items whose score is NaN rank last and are counted in a warning.</param>
    /// <param name="rankColumn">The label's rank among all items, where there is one: makes MRR and every k exact.</param>
    /// <param name="groupColumn">Gives the same metrics for each group. Null: none.</param>
    /// <param name="catalogueSize">How many items can be recommended; gives coverage. Null: none.</param>
    /// <param name="trainCounts">How often each item was bought in training (<see cref="CountPurchases"/>); gives novelty and the slices <c>cold</c> and <c>warm</c>. Null: none.</param>
    /// <param name="resamples">Resamples of the bootstrap.</param>
    /// <param name="seed">Seeds the bootstrap.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type, or a number is out of its range.</exception>
    /// <exception cref="InvalidOperationException">No row has a label.</exception>
    public static TopKMetrics EvaluateTopK(
        this RecommendationCatalog catalog,
        IDataView scored,
        string labelColumn = HistoryColumns.Label,
        string rankedItemsColumn = "PredictedItems",
        string? userColumn = null,
        IReadOnlyList<int>? ks = null,
        string? scoreColumn = "Score",
        string? rankColumn = "LabelRank",
        string? groupColumn = null,
        int? catalogueSize = null,
        IReadOnlyDictionary<string, long>? trainCounts = null,
        int resamples = 2000,
        int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(scored);
        ArgumentNullException.ThrowIfNull(labelColumn);
        ArgumentNullException.ThrowIfNull(rankedItemsColumn);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        if (catalogueSize is { } size) ArgumentOutOfRangeException.ThrowIfLessThan(size, 1, nameof(catalogueSize));
        ks ??= [5, 10, 20];
        foreach (int k in ks)
            if (k < 1) throw new ArgumentOutOfRangeException(nameof(ks), k, "A cut-off is 1 or more.");
        ColumnRule.Check(scored.Schema, nameof(scored),
        [
            new ColumnRule("label", labelColumn, true, null, "an id, or a vector of ids: text, key or number", AsText.Supports),
            ColumnRule.Ids("ranked items", rankedItemsColumn, true, true),
            ColumnRule.Text("user", userColumn, true),
            ColumnRule.Text("group", groupColumn, true),
        ]);

        TopKRows read = TopKRows.Read(scored, labelColumn, rankedItemsColumn, scoreColumn, rankColumn, userColumn, groupColumn);
        using (IChannel channel = catalog.GetEnvironment().Start(nameof(EvaluateTopK)))
        {
            if (read.WithoutLabel > 0) channel.Warning(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture, $"{read.WithoutLabel} rows without a label were left out."));
            if (read.NaNScores > 0) channel.Warning(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture, $"{read.NaNScores} scores are NaN; their items were ranked last."));
        }

        if (read.Rows.Count == 0) throw new InvalidOperationException($"There is nothing to evaluate: no row has a label in column '{labelColumn}'.");
        return TopKEvaluator.Evaluate(read.Rows, read.ListLength, read.HasRanks, ks, catalogueSize, trainCounts, resamples, seed, withSlices: true);
    }

    /// <summary>Whether one model is better than another on the same rows: the difference of each metric that both have, first minus second, with a paired bootstrap of users.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="first">An evaluation.</param>
    /// <param name="second">Another one of the same rows in the same order, with the same user column.</param>
    /// <param name="resamples">Resamples of the bootstrap.</param>
    /// <param name="seed">Seeds the bootstrap.</param>
    /// <exception cref="ArgumentException">The rows are not the same.</exception>
    public static TopKComparison CompareTopK(this RecommendationCatalog catalog, TopKMetrics first, TopKMetrics second, int resamples = 2000, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        return TopKEvaluator.Compare(first, second, resamples, seed);
    }

    /// <summary>Counts how often each item is a label: the training counts that <see cref="EvaluateTopK"/> wants for novelty and the cold and warm slices.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="histories">The training rows.</param>
    /// <param name="labelColumn">The id of the item bought.</param>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or of a wrong type.</exception>
    public static IReadOnlyDictionary<string, long> CountPurchases(this RecommendationCatalog catalog, IDataView histories, string labelColumn = HistoryColumns.Label)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(histories);
        ColumnRule.Check(histories.Schema, nameof(histories), [ColumnRule.Ids("label", labelColumn, true, false)]);
        DataViewSchema.Column column = histories.Schema[labelColumn];
        using DataViewRowCursor cursor = histories.GetRowCursor([column]);
        ValueGetter<ReadOnlyMemory<char>> getter = AsText.Scalar(cursor, column);
        IdNumbers numbers = new();
        List<long> counts = [];
        ReadOnlyMemory<char> text = default;
        while (cursor.MoveNext())
        {
            getter(ref text);
            if (text.Length == 0) continue;
            int number = numbers.NumberOf(text.Span);
            if (number == counts.Count) counts.Add(0);
            counts[number]++;
        }

        ReadOnlyMemory<char>[] ids = numbers.ToTexts();
        return Enumerable.Range(0, ids.Length).ToDictionary(i => ids[i].ToString(), i => counts[i], StringComparer.Ordinal);
    }
}
