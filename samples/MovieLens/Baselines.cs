using System.Globalization;
using Microsoft.ML;
using RRec.CatalogueBackbone;
using RRec.Data;

namespace MovieLens;

/// <summary>What R2ec has to be better than: items bought often lately, and EASE, fitted on the same training rows.</summary>
internal static class Baselines
{
    /// <summary>The exact rank of each row's label, by baseline.</summary>
    public static IReadOnlyDictionary<string, int[]> LabelRanks(MLContext ml, Dataset data, IDataView rows)
    {
        Catalogue catalogue = new([.. ml.Data.CreateEnumerable<Movie>(data.Items, reuseRowObject: false)
            .Select(m => new CatalogueItem(m.MovieId.ToString(CultureInfo.InvariantCulture), m.Title, [new ItemAttribute("Genres", m.Genres.Split('|'))]))]);
        IReadOnlyList<PurchaseRow> train = Read(ml, data.Train, catalogue), asked = Read(ml, rows, catalogue);
        return new Dictionary<string, int[]>
        {
            ["recent popularity"] = RecentPopularity.Fit(catalogue, train).TargetRanks(asked),
            ["EASE"] = LinearTeacher.FitEase(catalogue, train).TargetRanks(asked),
        };
    }

    private static List<PurchaseRow> Read(MLContext ml, IDataView rows, Catalogue catalogue) =>
        [.. ml.Data.CreateEnumerable<HistoryRow>(rows, reuseRowObject: true).Select(r => new PurchaseRow(
            new UserHistory(r.HistoryItems.Select(catalogue.IndexOf).ToArray(), default, r.HistoryTimestamps, r.Timestamp), catalogue.IndexOf(r.Label), r.UserId))];
}
