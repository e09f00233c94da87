using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// Lets the rows of one user share memory: a history that continues, or is the beginning of, the one before becomes a slice of the same arrays.
/// Training rows of an arbitrary view then cost what a log costs, not the sum of all histories (on MovieLens a hundredfold).
/// </summary>
internal sealed class HistoryPool
{
    private readonly Dictionary<string, Arrays> _byUser = new(StringComparer.Ordinal);

    /// <summary>The same history; its memory may be shared with earlier rows of the user.</summary>
    public UserHistory Share(string? user, in UserHistory history)
    {
        if (user is null || history.Items.IsEmpty) return history;
        if (!_byUser.TryGetValue(user, out Arrays? arrays) || !arrays.Take(history)) _byUser[user] = arrays = new Arrays(history);
        return arrays.Slice(history);
    }

    private sealed class Arrays
    {
        private readonly bool _hasRatings, _hasTimes;
        private int[] _items;
        private float[] _ratings;
        private long[] _times;
        private int _length;

        public Arrays(in UserHistory history)
        {
            (_items, _ratings, _times) = (history.Items.ToArray(), history.Ratings.ToArray(), history.Timestamps.ToArray());
            (_hasRatings, _hasTimes) = (_ratings.Length > 0, _times.Length > 0);
            _length = _items.Length;
        }

        /// <summary>False where the history is another one.</summary>
        public bool Take(in UserHistory history)
        {
            int n = history.Items.Length, same = Math.Min(n, _length);
            if (!history.Ratings.IsEmpty != _hasRatings || !history.Timestamps.IsEmpty != _hasTimes) return false;
            if (!Begins(history.Items.Span, _items, same) || (_hasRatings && !Begins(history.Ratings.Span, _ratings, same)) || (_hasTimes && !Begins(history.Timestamps.Span, _times, same))) return false;
            if (n <= _length) return true;

            // Earlier slices keep the arrays they were made of; what is written lies behind their ends.
            if (n > _items.Length)
            {
                int capacity = Math.Max(n, 2 * _items.Length);
                Array.Resize(ref _items, capacity);
                if (_hasRatings) Array.Resize(ref _ratings, capacity);
                if (_hasTimes) Array.Resize(ref _times, capacity);
            }

            history.Items.Span[_length..].CopyTo(_items.AsSpan(_length));
            if (_hasRatings) history.Ratings.Span[_length..].CopyTo(_ratings.AsSpan(_length));
            if (_hasTimes) history.Timestamps.Span[_length..].CopyTo(_times.AsSpan(_length));
            _length = n;
            return true;
        }

        public UserHistory Slice(in UserHistory history)
        {
            int n = history.Items.Length;
            return new UserHistory(_items.AsMemory(0, n), _hasRatings ? _ratings.AsMemory(0, n) : default, _hasTimes ? _times.AsMemory(0, n) : default, history.Now);
        }

        private static bool Begins<T>(ReadOnlySpan<T> a, T[] b, int count) where T : IEquatable<T> => a[..count].SequenceEqual(b.AsSpan(0, count));
    }
}
