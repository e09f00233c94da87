using System.Globalization;
using RRec.Data;

namespace RRec.TestSupport;

/// <summary>
/// ml-latest-small under the fixed protocol of docs/quality.md (5-core, one instance per purchase after a user's first, cut 80/10/10 in
/// time), read without ML.NET so that the engine's tests and experiments depend on nothing above the engine. The ML.NET way to the
/// same rows is CreatePurchaseHistories + TimeOrderedSplit.
/// </summary>
public sealed class MovieLens
{
    public required Catalogue Catalogue { get; init; }
    public required IReadOnlyList<PurchaseRow> Train { get; init; }
    public required IReadOnlyList<PurchaseRow> Valid { get; init; }
    public required IReadOnlyList<PurchaseRow> Test { get; init; }

    /// <summary>The folder in the repository that holds the data.</summary>
    public static string DefaultFolder(string repositoryRoot) => Path.Combine(repositoryRoot, "samples", "data", "ml-latest-small");

    public static MovieLens Load(string folder, int kCore = 5)
    {
        List<(int User, int Movie, float Rating, long Seconds)> log = [];
        foreach (string line in File.ReadLines(Path.Combine(folder, "ratings.csv")).Skip(1))
        {
            string[] f = line.Split(',');
            log.Add((int.Parse(f[0], CultureInfo.InvariantCulture), int.Parse(f[1], CultureInfo.InvariantCulture),
                float.Parse(f[2], CultureInfo.InvariantCulture), long.Parse(f[3], CultureInfo.InvariantCulture)));
        }
        log = KCore(log, kCore);
        Dictionary<int, (string Title, string Genres)> movies = File.ReadLines(Path.Combine(folder, "movies.csv")).Skip(1)
            .Select(SplitMovie).ToDictionary(m => m.Id, m => (m.Title, m.Genres));
        int[] ids = [.. log.Select(r => r.Movie).Distinct().Order()];
        Dictionary<int, int> indexOf = ids.Select((id, i) => (id, i)).ToDictionary(p => p.id, p => p.i);
        CatalogueItem[] items = [.. ids.Select(id => new CatalogueItem(id.ToString(CultureInfo.InvariantCulture), movies[id].Title.Trim(),
            [new ItemAttribute("Genres", movies[id].Genres.Split('|'))]))];

        // LINQ's OrderBy is stable: equal timestamps keep the file's order, as the protocol asks.
        (int User, int Movie, float Rating, long Seconds)[] byTime = [.. log.OrderBy(r => r.Seconds)];
        List<(PurchaseRow Row, long Seconds)> rows = [];
        foreach (var user in byTime.GroupBy(r => r.User))
        {
            var events = user.ToArray();
            int[] bought = [.. events.Select(e => indexOf[e.Movie])];
            float[] ratings = [.. events.Select(e => e.Rating)];
            long[] times = [.. events.Select(e => e.Seconds * 1000)];
            string key = user.Key.ToString(CultureInfo.InvariantCulture);
            for (int k = 1; k < bought.Length; k++)
            {
                UserHistory history = new(bought.AsMemory(0, k), ratings.AsMemory(0, k), times.AsMemory(0, k), times[k]);
                rows.Add((new PurchaseRow(history, bought[k], key), events[k].Seconds));
            }
        }
        // The instances were made user by user here and in time order in the protocol; ties in time are told apart by the position in
        // the time-ordered log, so that the cuts fall on the same rows.
        Dictionary<(int, int), int> position = [];
        for (int i = 0; i < byTime.Length; i++) position[(byTime[i].User, indexOf[byTime[i].Movie])] = i;
        PurchaseRow[] ordered = [.. rows.Select(r => r.Row)
            .OrderBy(r => position[(int.Parse(r.User!, CultureInfo.InvariantCulture), r.Target)])];
        int first = (int)(0.8 * ordered.Length), second = (int)(0.9 * ordered.Length);
        return new MovieLens
        {
            Catalogue = new Catalogue(items, "movie"),
            Train = ordered[..first],
            Valid = ordered[first..second],
            Test = ordered[second..],
        };
    }

    private static List<(int User, int Movie, float Rating, long Seconds)> KCore(List<(int User, int Movie, float Rating, long Seconds)> log, int k)
    {
        while (true)
        {
            int before = log.Count;
            Dictionary<int, int> perUser = log.CountBy(r => r.User).ToDictionary();
            log = [.. log.Where(r => perUser[r.User] >= k)];
            Dictionary<int, int> perMovie = log.CountBy(r => r.Movie).ToDictionary();
            log = [.. log.Where(r => perMovie[r.Movie] >= k)];
            if (log.Count == before) return log;
        }
    }

    private static (int Id, string Title, string Genres) SplitMovie(string line)
    {
        int first = line.IndexOf(','), last = line.LastIndexOf(',');
        string title = line[(first + 1)..last];
        if (title.StartsWith('"')) title = title[1..^1].Replace("\"\"", "\"");
        return (int.Parse(line[..first], CultureInfo.InvariantCulture), title, line[(last + 1)..].Trim());
    }
}
