namespace RRec.Ranking;

/// <summary>
/// The k best scores met so far, as a heap with the worst of them at the root: a lower score, or the same at a higher index. Items must come in ascending order.
/// </summary>
internal sealed class BestItems(int k)
{
    private readonly float[] _scores = new float[k];
    private readonly int[] _items = new int[k];
    private int _count;

    /// <summary>What a score must exceed to enter. Items come in ascending order, so an equal one that comes later never does.</summary>
    public float Least { get; private set; } = float.NegativeInfinity;

    public void Add(float score, int item)
    {
        int at;
        if (_count < k)
        {
            at = _count++;
            for (int parent = (at - 1) / 2; at > 0 && Worse(score, item, parent); at = parent, parent = (at - 1) / 2) Move(parent, at);
        }
        else at = Sink(score, item);
        (_scores[at], _items[at]) = (score, item);
        if (_count == k) Least = _scores[0];
    }

    // The place of an entry that replaces the root.
    private int Sink(float score, int item)
    {
        int at = 0;
        while (true)
        {
            int child = 2 * at + 1;
            if (child >= _count) return at;
            if (child + 1 < _count && Worse(_scores[child + 1], _items[child + 1], child)) child++;
            if (Worse(score, item, child)) return at;
            Move(child, at);
            at = child;
        }
    }

    private void Move(int from, int to) => (_scores[to], _items[to]) = (_scores[from], _items[from]);

    private bool Worse(float score, int item, int than) => score < _scores[than] || (score == _scores[than] && item > _items[than]);

    /// <summary>Everything, best first; the heap is of no use afterwards.</summary>
    public (int[] Items, float[] Scores) Drain()
    {
        int[] order = [.. Enumerable.Range(0, _count).OrderByDescending(i => _scores[i]).ThenBy(i => _items[i])];
        return ([.. order.Select(i => _items[i])], [.. order.Select(i => _scores[i])]);
    }
}
