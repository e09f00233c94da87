using RRec.Data;
using RRec.TestSupport;

namespace RRec.Benchmarks.Quality;

/// <summary>The rows that are ranked, whose they are, and which of their targets training never saw.</summary>
internal sealed class QualityData
{
    private readonly bool[] _cold;

    private QualityData(MovieLens all, string split, IReadOnlyList<PurchaseRow> rows)
    {
        (All, Split, Rows) = (all, split, rows);
        bool[] seen = new bool[all.Catalogue.Count];
        foreach (PurchaseRow row in all.Train)
        {
            seen[row.Target] = true;
            foreach (int item in row.History.Items.Span) seen[item] = true;
        }
        _cold = [.. rows.Select(r => !seen[r.Target])];
        Users = [.. rows.Select(r => r.User!)];
    }

    public MovieLens All { get; }

    public string Split { get; }

    public IReadOnlyList<PurchaseRow> Rows { get; }

    public string[] Users { get; }

    /// <param name="test">The test rows; otherwise the validation rows.</param>
    /// <param name="first">Only so many rows, the first in time; 0: all.</param>
    /// <param name="all">Data that is loaded already; null: it is loaded.</param>
    public static QualityData Load(bool test, int first = 0, MovieLens? all = null)
    {
        all ??= MovieLens.Load(Environment.GetEnvironmentVariable("RREC_DATA") ?? MovieLens.DefaultFolder(BenchLog.RepositoryRoot));
        IReadOnlyList<PurchaseRow> rows = test ? all.Test : all.Valid;
        return new QualityData(all, test ? "test" : "valid", first > 0 ? [.. rows.Take(first)] : rows);
    }

    /// <summary>The rows of a slice: all; cold = the target is in no training row; warm = the others.</summary>
    public IEnumerable<(string Name, int[] Rows)> Slices()
    {
        int[] rows = [.. Enumerable.Range(0, Rows.Count)];
        yield return ("all", rows);
        yield return ("warm", [.. rows.Where(i => !_cold[i])]);
        yield return ("cold", [.. rows.Where(i => _cold[i])]);
    }
}
