using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Training rows beside a teacher that knows nothing of them: what a reasoning should say is learned here, because the teacher's own rows are ranked
/// almost perfectly whatever is said. Best are rows that are later than everything the teacher was fitted on, as they will be in use: tastes, the share of
/// new items and the popularity of old ones have moved on by then.
/// </summary>
/// <param name="Teacher">Fitted without the rows.</param>
/// <param name="Purchases">Per item: how often it was bought in what the teacher was fitted on.</param>
/// <param name="Histories">Per row.</param>
/// <param name="Targets">Per row: the purchase.</param>
/// <param name="Weights">Per row: how often it is drawn; users with many rows count less for each.</param>
internal sealed record LeftOutRows(ItemItemModel Teacher, int[] Purchases, ReadOnlyMemory<int>[] Histories, int[] Targets, double[] Weights)
{
    /// <summary>Rows of one teacher that are looked at, at most.</summary>
    private const int Limit = 8000;

    /// <summary>Fewer rows than this cannot be cut by time.</summary>
    private const int Fewest = 1000;

    /// <summary>Teachers of the first 60% (and a growing share) of the time, each with the rows that follow; none where rows have no times or are few.</summary>
    public static IReadOnlyList<LeftOutRows> ByTime(IReadOnlyList<PurchaseRow> train, int itemCount, TextVectors? text, CatalogueBackboneOptions options, Action<int>? progress, CancellationToken cancel)
    {
        if (options.TimeTeachers == 0 || train.Count < Fewest || train.Any(r => r.History.Now is null)) return [];
        PurchaseRow[] ordered = [.. train.OrderBy(r => r.History.Now!.Value)];
        LeftOutRows[] found = new LeftOutRows[options.TimeTeachers];
        for (int k = 0; k < found.Length; k++)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Invoke(k + 1);
            int from = Cut(ordered.Length, k, found.Length), to = Cut(ordered.Length, k + 1, found.Length);
            PurchaseSequences known = PurchaseSequences.From(ordered[..from], itemCount);
            found[k] = Make(LinearTeacher.Fit(known, text, options), known.Purchases, [.. ordered[from..to].Select(r => (r.User ?? "", r.History.Items, r.Target))], options.Seed + 20 + k);
        }
        return found;
    }

    /// <summary>The users that the fold teachers were fitted without; all rows and the one teacher where there are no folds.</summary>
    public static IReadOnlyList<LeftOutRows> ByUser(PurchaseSequences sequences, int[] foldOfUser, IReadOnlyList<ItemItemModel> teachers, int seed)
    {
        return [.. Enumerable.Range(0, teachers.Count).Select(k =>
        {
            bool Left(int user) => teachers.Count == 1 || foldOfUser[user] == k;
            int[] purchases = teachers.Count == 1 ? sequences.Purchases : sequences.Where(u => !Left(u)).Purchases;
            return Make(teachers[k], purchases, [.. Enumerable.Range(0, sequences.Count).Where(Left).SelectMany(u => Enumerable.Range(1, Math.Max(0, sequences.Items[u].Length - 1))
                .Select(end => (sequences.Users[u], (ReadOnlyMemory<int>)sequences.Items[u].AsMemory(0, end), sequences.Items[u][end])))], seed + 20 + k);
        })];
    }

    private static int Cut(int rows, int k, int teachers) => (int)(rows * (0.6 + 0.4 * k / teachers));

    private static LeftOutRows Make(ItemItemModel teacher, int[] purchases, (string User, ReadOnlyMemory<int> History, int Target)[] rows, int seed)
    {
        if (rows.Length > Limit)
        {
            new Random(seed).Shuffle(rows);
            rows = rows[..Limit];
        }
        Dictionary<string, int> perUser = rows.CountBy(r => r.User).ToDictionary();
        return new LeftOutRows(teacher, purchases, [.. rows.Select(r => r.History)], [.. rows.Select(r => r.Target)], [.. rows.Select(r => 1 / Math.Sqrt(perUser[r.User]))]);
    }
}
