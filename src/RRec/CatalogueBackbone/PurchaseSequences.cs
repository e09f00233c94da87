using System.Runtime.InteropServices;
using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The training rows gathered back into one purchase sequence per user: rows of one user are prefixes of the same sequence, so the
/// longest history plus its target holds them all. Users are told apart by <see cref="PurchaseRow.User"/>, else by the array that their
/// histories are slices of, else every row is a user of its own.
/// </summary>
internal sealed class PurchaseSequences
{
    private readonly Dictionary<object, int> _userOf = [];

    private PurchaseSequences(int itemCount, int[][] items, float[][] ratings, string[] users)
    {
        ItemCount = itemCount;
        Items = items;
        Ratings = ratings;
        Users = users;
        Purchases = new int[itemCount];
        foreach (int[] sequence in items)
            foreach (int item in sequence.Distinct()) Purchases[item]++;
    }

    public int ItemCount { get; }

    /// <summary>Per user: the items in the order bought.</summary>
    public int[][] Items { get; }

    /// <summary>Per user: ratings beside <see cref="Items"/> (the last one, the target's, is unknown and NaN); empty where the log has none.</summary>
    public float[][] Ratings { get; }

    /// <summary>Per user: the key it was told apart by (stable between runs, which the folds rely on).</summary>
    public string[] Users { get; }

    /// <summary>Per item: how many users bought it.</summary>
    public int[] Purchases { get; }

    /// <summary>The number of users.</summary>
    public int Count => Items.Length;

    public static PurchaseSequences From(IReadOnlyList<PurchaseRow> rows, int itemCount)
    {
        Dictionary<object, (PurchaseRow Row, string Key)> longest = [];
        List<object> order = [];
        for (int i = 0; i < rows.Count; i++)
        {
            PurchaseRow row = rows[i];
            CheckRange(row, i, itemCount);
            object key = KeyOf(row);
            if (!longest.TryGetValue(key, out var known))
            {
                order.Add(key);
                longest[key] = (row, row.User ?? $"#{order.Count}");
            }
            else if (row.History.Items.Length > known.Row.History.Items.Length) longest[key] = (row, known.Key);
        }
        int[][] items = new int[order.Count][];
        float[][] ratings = new float[order.Count][];
        string[] users = new string[order.Count];
        for (int u = 0; u < order.Count; u++)
        {
            (PurchaseRow row, users[u]) = longest[order[u]];
            items[u] = [.. row.History.Items.Span, row.Target];
            ratings[u] = row.History.Ratings.Length == row.History.Items.Length && row.History.Items.Length > 0
                ? [.. row.History.Ratings.Span, float.NaN] : [];
        }
        PurchaseSequences made = new(itemCount, items, ratings, users);
        for (int u = 0; u < order.Count; u++) made._userOf[order[u]] = u;
        return made;
    }

    /// <summary>The index of a training row's user.</summary>
    public int UserOf(PurchaseRow row) => _userOf[KeyOf(row)];

    private static object KeyOf(PurchaseRow row) => row.User as object
        ?? (MemoryMarshal.TryGetArray(row.History.Items, out ArraySegment<int> slice) && slice.Array is { Length: > 0 } array ? array : row);

    /// <summary>The same without some users.</summary>
    public PurchaseSequences Where(Func<int, bool> keepUser)
    {
        int[] kept = [.. Enumerable.Range(0, Count).Where(keepUser)];
        return new PurchaseSequences(ItemCount, [.. kept.Select(u => Items[u])], [.. kept.Select(u => Ratings[u])], [.. kept.Select(u => Users[u])]);
    }

    private static void CheckRange(PurchaseRow row, int at, int itemCount)
    {
        if ((uint)row.Target >= (uint)itemCount)
            throw new ArgumentException($"Training row {at}: target {row.Target} is not an item of the catalogue (0 to {itemCount - 1}).");
        foreach (int item in row.History.Items.Span)
            if ((uint)item >= (uint)itemCount)
                throw new ArgumentException($"Training row {at}: history item {item} is not an item of the catalogue (0 to {itemCount - 1}).");
    }
}
