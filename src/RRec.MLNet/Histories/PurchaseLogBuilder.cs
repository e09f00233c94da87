namespace RRec.MLNet;

/// <summary>What to do where one user has the same item more than once in the log.</summary>
public enum DuplicatePurchases
{
    /// <summary>Keep all: buying again is a purchase too. The default; on a log without repetitions all three are the same.</summary>
    Keep = 0,

    /// <summary>Keep each user's first (the earliest) and drop the rest.</summary>
    KeepFirst = 1,

    /// <summary>Keep each user's last and drop the rest.</summary>
    KeepLast = 2,
}

/// <summary>
/// Collects purchases in any order and makes a <see cref="PurchaseLog"/> of them: duplicates, k-core, then a stable sort by time, in this
/// order (quality-baselines.md, protocol 1 and 2).
/// </summary>
internal sealed class PurchaseLogBuilder(bool withRatings)
{
    private readonly IdNumbers _users = new();
    private readonly IdNumbers _items = new();
    private readonly List<int> _user = [];
    private readonly List<int> _item = [];
    private readonly List<long> _time = [];
    private readonly List<float> _rating = [];
    private long _read;
    private int _missing;

    /// <summary>Adds one line of the log; one without user, item or time is counted and left out.</summary>
    public void Add(ReadOnlySpan<char> user, ReadOnlySpan<char> item, long time, float rating)
    {
        _read++;
        if (user.IsEmpty || item.IsEmpty || time == AsNumber.NoTime)
        {
            _missing++;
            return;
        }

        _user.Add(_users.NumberOf(user));
        _item.Add(_items.NumberOf(item));
        _time.Add(time);
        if (withRatings) _rating.Add(rating);
    }

    public PurchaseLog Build(int kCore, DuplicatePurchases duplicates)
    {
        // Indexes into the lists, in time order; a stable sort, so that ties keep the order of the log.
        int[] order = [.. Enumerable.Range(0, _user.Count)];
        long[] keys = [.. _time];
        Array.Sort(keys, order, null);
        MakeStable(keys, order);

        int before = order.Length;
        if (duplicates != DuplicatePurchases.Keep) order = WithoutDuplicates(order, duplicates);
        int afterDuplicates = order.Length;
        if (kCore > 1) order = Core(order, kCore);

        int[] counts = new int[_users.Count];
        HashSet<int> items = [];
        foreach (int i in order)
        {
            counts[_user[i]]++;
            items.Add(_item[i]);
        }

        int[][] itemsOf = [.. counts.Select(c => new int[c])];
        long[][] timesOf = [.. counts.Select(c => new long[c])];
        float[][]? ratingsOf = withRatings ? [.. counts.Select(c => new float[c])] : null;
        int[] users = new int[order.Length], positions = new int[order.Length], filled = new int[counts.Length];
        for (int o = 0; o < order.Length; o++)
        {
            int i = order[o], user = _user[i], position = filled[user]++;
            itemsOf[user][position] = _item[i];
            timesOf[user][position] = _time[i];
            if (ratingsOf is not null) ratingsOf[user][position] = _rating[i];
            users[o] = user;
            positions[o] = position;
        }

        return new PurchaseLog
        {
            Users = _users.ToTexts(),
            Items = _items.ToTexts(),
            ItemsOf = itemsOf,
            RatingsOf = ratingsOf,
            TimesOf = timesOf,
            InTimeOrder = (users, positions),
            Counts = new PurchaseLogCounts(_read, _missing, before - afterDuplicates, afterDuplicates - order.Length, order.Length, counts.Count(c => c > 0), items.Count),
        };
    }

    // Array.Sort with keys is not stable; equal keys are runs, and within a run the log's order is ascending index.
    private static void MakeStable(long[] keys, int[] order)
    {
        for (int start = 0; start < keys.Length;)
        {
            int end = start + 1;
            while (end < keys.Length && keys[end] == keys[start]) end++;
            if (end - start > 1) Array.Sort(order, start, end - start);
            start = end;
        }
    }

    private int[] WithoutDuplicates(int[] order, DuplicatePurchases duplicates)
    {
        HashSet<(int User, int Item)> seen = [];
        List<int> kept = new(order.Length);
        IEnumerable<int> inOrder = duplicates == DuplicatePurchases.KeepFirst ? order : Enumerable.Reverse(order);
        foreach (int i in inOrder)
            if (seen.Add((_user[i], _item[i]))) kept.Add(i);
        if (duplicates == DuplicatePurchases.KeepLast) kept.Reverse();
        return [.. kept];
    }

    // Users and items with fewer than k purchases go, until none is left that has fewer: dropping a user can push an item below.
    private int[] Core(int[] order, int k)
    {
        while (true)
        {
            int[] byUser = new int[_users.Count], byItem = new int[_items.Count];
            foreach (int i in order)
            {
                byUser[_user[i]]++;
                byItem[_item[i]]++;
            }

            int[] kept = [.. order.Where(i => byUser[_user[i]] >= k && byItem[_item[i]] >= k)];
            if (kept.Length == order.Length) return kept;
            order = kept;
        }
    }
}

/// <summary>Numbers ids in the order in which they come; looking up a span that is known allocates nothing.</summary>
internal sealed class IdNumbers
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _ids = [];
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    public IdNumbers() => _bySpan = _numbers.GetAlternateLookup<ReadOnlySpan<char>>();

    public int Count => _ids.Count;

    public int NumberOf(ReadOnlySpan<char> id)
    {
        if (_bySpan.TryGetValue(id, out int number)) return number;
        string text = id.ToString();
        _numbers.Add(text, _ids.Count);
        _ids.Add(text);
        return _ids.Count - 1;
    }

    /// <summary>The number of a known id, or -1.</summary>
    public int Find(ReadOnlySpan<char> id) => _bySpan.TryGetValue(id, out int number) ? number : -1;

    public ReadOnlyMemory<char>[] ToTexts() => [.. _ids.Select(s => s.AsMemory())];
}
