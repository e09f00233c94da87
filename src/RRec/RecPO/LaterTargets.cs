using RRec.Data;

namespace RRec.RecPO;

/// <summary>
/// What the user of a training row bought next and after that: the row's target, then those of the user's later rows (in the order of their times and history
/// lengths) that the row's history lacks. A row without a user has its target alone.
/// </summary>
internal sealed class LaterTargets
{
    private readonly IReadOnlyList<PurchaseRow> _rows;
    private readonly int _wanted;
    private readonly int[] _next;   // per row the user's following row; -1: none

    public LaterTargets(IReadOnlyList<PurchaseRow> rows, int wanted)
    {
        (_rows, _wanted) = (rows, wanted);
        _next = new int[rows.Count];
        Array.Fill(_next, -1);
        foreach (IGrouping<string?, int> user in Enumerable.Range(0, rows.Count).GroupBy(i => rows[i].User))
        {
            if (user.Key is null) continue;
            int[] ordered = [.. user.OrderBy(i => rows[i].History.Now ?? 0).ThenBy(i => rows[i].History.Items.Length)];
            for (int i = 0; i + 1 < ordered.Length; i++) _next[ordered[i]] = ordered[i + 1];
        }
    }

    /// <summary>Distinct items, the row's own target first.</summary>
    public int[] Of(int row)
    {
        List<int> targets = [_rows[row].Target];
        ReadOnlySpan<int> history = _rows[row].History.Items.Span;
        for (int at = _next[row]; at >= 0 && targets.Count < _wanted; at = _next[at])
            if (!targets.Contains(_rows[at].Target) && !history.Contains(_rows[at].Target)) targets.Add(_rows[at].Target);
        return [.. targets];
    }
}
