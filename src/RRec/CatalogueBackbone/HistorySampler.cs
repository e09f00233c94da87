namespace RRec.CatalogueBackbone;

/// <summary>
/// Seeded training histories for the distillation: mostly stretches of real ones, some random subsets of a user's purchases, some with
/// swapped-in items, so that the factors follow the teacher beyond the histories it was fitted on.
/// </summary>
internal sealed class HistorySampler
{
    private readonly PurchaseSequences _sequences;
    private readonly int _window;
    private readonly double[] _userCumulative, _itemCumulative;
    private readonly Random _random;

    public HistorySampler(PurchaseSequences sequences, int window, int seed)
    {
        _sequences = sequences;
        _window = window;
        _random = new Random(seed);
        _userCumulative = Cumulative([.. sequences.Items.Select(s => Math.Pow(s.Length, 0.7))]);
        double total = Math.Max(1, sequences.Purchases.Sum(p => (double)p));
        _itemCumulative = Cumulative([.. sequences.Purchases.Select(p => 0.5 * p / total + 0.5 / sequences.ItemCount)]);
    }

    /// <summary>One history of 1 to window items, oldest first.</summary>
    public int[] Next()
    {
        int[] sequence = _sequences.Items[Draw(_userCumulative)];
        int[] history;
        if (_random.NextDouble() < 0.3)
        {
            int[] shuffled = (int[])sequence.Clone();
            _random.Shuffle(shuffled);
            history = shuffled[.._random.Next(1, Math.Min(_window, shuffled.Length) + 1)];
        }
        else
        {
            int end = _random.Next(1, sequence.Length + 1);
            history = sequence[Math.Max(0, end - _window)..end];
        }
        if (_random.NextDouble() < 0.3)
        {
            history = [.. history.Select(item => _random.NextDouble() < 0.3 ? Draw(_itemCumulative) : item).Distinct()];
            _random.Shuffle(history);
        }
        return history;
    }

    /// <summary>So many different items, drawn half by purchases and half alike, in ascending order; fewer where draws repeat.</summary>
    public int[] Items(int count)
    {
        HashSet<int> drawn = [];
        for (int i = 0; i < count; i++) drawn.Add(Draw(_itemCumulative));
        return [.. drawn.Order()];
    }

    private int Draw(double[] cumulative)
    {
        int at = Array.BinarySearch(cumulative, _random.NextDouble() * cumulative[^1]);
        return Math.Min(cumulative.Length - 1, at < 0 ? ~at : at + 1);
    }

    private static double[] Cumulative(double[] weights)
    {
        double sum = 0;
        return [.. weights.Select(w => sum += w)];
    }
}
