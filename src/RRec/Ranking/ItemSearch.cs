using System.Numerics;
using System.Runtime.Intrinsics;
using RRec.Kernels;

namespace RRec.Ranking;

/// <summary>What one row of a search found.</summary>
/// <param name="Items">Indexes, best first.</param>
/// <param name="Scores">Their scores.</param>
/// <param name="LabelRank">The label's 1-based rank among all that are open, where a label was given.</param>
internal readonly record struct Found(int[] Items, float[] Scores, int? LabelRank);

/// <summary>What one row may find.</summary>
/// <param name="Closed">Per item, or null; the same for all rows.</param>
/// <param name="Allowed">Only these, or null for all.</param>
/// <param name="Excluded">Not these.</param>
internal readonly record struct OpenItems(bool[]? Closed, HashSet<int>? Allowed, HashSet<int>? Excluded)
{
    public bool Contains(int item) => !(Closed is not null && Closed[item]) && Allowed?.Contains(item) != false && Excluded?.Contains(item) != true;
}

/// <summary>
/// Exact search on a CPU: a block of rows meets a block of items at a time, so scores stay in the cache and are never all there; each row keeps its k best in a heap, and
/// sixteen scores that do not reach its worst cost one comparison. Masks are asked only for items that would enter. Same order as <see cref="TopK"/>.
/// </summary>
internal static unsafe class ItemSearch
{
    private const int MostRows = 96, ItemsPerBlock = 256;

    /// <summary>The best items of every row.</summary>
    /// <param name="team">Who works.</param>
    /// <param name="items">Item vectors.</param>
    /// <param name="users">[n, width], divided by the temperature already.</param>
    /// <param name="n">Rows.</param>
    /// <param name="k">1 or more.</param>
    /// <param name="open">What each row may find; null: everything.</param>
    /// <param name="labels">Per row the item whose rank is wanted, or -1; null: none. A label counts as open.</param>
    /// <exception cref="ArgumentException">A score is not a number.</exception>
    public static Found[] Best(WorkerTeam team, Matrix items, float* users, int n, int k, OpenItems[]? open = null, int[]? labels = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        var found = new Found[n];
        int pieces = (n + MostRows - 1) / MostRows;
        if (team.Threads > 1) pieces = Math.Min(n, (pieces + team.Threads - 1) / team.Threads * team.Threads);   // every thread gets as many
        if (pieces == 0) return found;
        ushort[]? closed = Bits(open?.FirstOrDefault(o => o.Closed is not null).Closed);
        team.For(pieces, piece =>
        {
            int from = (int)((long)n * piece / pieces), to = (int)((long)n * (piece + 1) / pieces);
            new Block(items, users + (long)from * items.Columns, to - from, Math.Min(k, items.Rows), open, closed, labels, from).Run(found);
        });
        return found;
    }

    // Sixteen items a number.
    private static ushort[]? Bits(bool[]? closed)
    {
        if (closed is null) return null;
        var bits = new ushort[(closed.Length + 15) / 16];
        for (int i = 0; i < closed.Length; i++)
            if (closed[i]) bits[i / 16] |= (ushort)(1 << (i % 16));
        return bits;
    }

    // Some rows on their way through all items.
    private sealed class Block(Matrix items, float* users, int rows, int k, OpenItems[]? open, ushort[]? closed, int[]? labels, int first)
    {
        private readonly BestItems[] _best = [.. Enumerable.Range(0, rows).Select(_ => new BestItems(k))];
        private readonly float[] _own = new float[rows];
        private readonly int[] _above = new int[rows];

        public void Run(Found[] found)
        {
            using NativeBuffer buffer = new();
            float* scores = buffer.Of((long)rows * ItemsPerBlock);
            for (int r = 0; r < rows; r++)
            {
                // The same bits that the row's pass over the items will meet: a dot product does not depend on what is computed beside it.
                if (Label(r) is not (int label and >= 0)) continue;
                Products.Block(users + (long)r * items.Columns, 1, items.Part(label, 1), scores, 1);
                _own[r] = *scores;
            }
            for (int from = 0; from < items.Rows; from += ItemsPerBlock)
            {
                int count = Math.Min(ItemsPerBlock, items.Rows - from);
                Products.Block(users, rows, items.Part(from, count), scores, ItemsPerBlock);
                for (int r = 0; r < rows; r++)
                {
                    float* s = scores + (long)r * ItemsPerBlock;
                    for (int i = count; i < (count + 15 & ~15); i++) s[i] = float.NegativeInfinity;
                    Offer(r, s, from, count);
                    if (Label(r) >= 0) Count(r, s, from, count);
                }
            }
            for (int r = 0; r < rows; r++)
            {
                (int[] best, float[] values) = _best[r].Drain();
                found[first + r] = new Found(best, values, Label(r) >= 0 ? Rank(r, scores) : null);
            }
        }

        private int Label(int row) => labels is null ? -1 : labels[first + row];

        private bool Open(int row, int item) => open is null || open[first + row].Contains(item);

        private void Offer(int row, float* scores, int from, int count)
        {
            BestItems heap = _best[row];
            Vector512<float> least = Vector512.Create(heap.Least);
            for (int i = 0; i < count; i += 16)
            {
                // True also for what is not a number.
                Vector512<float> v = Vector512.Load(scores + i);
                if (Vector512.LessThanOrEqualAll(v, least)) continue;
                for (int j = i; j < Math.Min(count, i + 16); j++)
                {
                    float score = scores[j];
                    if (float.IsNaN(score)) throw new ArgumentException($"The score of item {from + j} is not a number: the model's weights or embeddings are broken.");
                    if (score > heap.Least && Open(row, from + j)) heap.Add(score, from + j);
                }
                least = Vector512.Create(heap.Least);
            }
        }

        // How many items stand above the label: higher scores, and equal ones of lower index. Those that all rows are denied are left out here, a row's own lists later.
        private void Count(int row, float* scores, int from, int count)
        {
            int label = Label(row);
            Vector512<float> own = Vector512.Create(_own[row]);
            for (int i = 0; i < count; i += 16)
            {
                Vector512<float> v = Vector512.Load(scores + i);
                ulong above = Vector512.GreaterThan(v, own).ExtractMostSignificantBits(), equal = Vector512.Equals(v, own).ExtractMostSignificantBits();
                if (from + i < label) above |= label - from - i >= 16 ? equal : equal & ((1UL << (label - from - i)) - 1);
                if (closed is not null && open![first + row].Closed is not null) above &= ~(ulong)closed[(from + i) / 16];
                _above[row] += BitOperations.PopCount(above);
            }
        }

        // The rank among what the row may find, item by item for its own lists: they are short, or all there is.
        private int Rank(int row, float* score)
        {
            if (open is null) return _above[row] + 1;
            (bool[]? denied, HashSet<int>? allowed, HashSet<int>? excluded) = open[first + row];
            if (allowed is not null) return allowed.Count(i => Open(row, i) && Above(i)) + 1;
            return _above[row] + 1 - (excluded?.Count(i => denied?[i] != true && Above(i)) ?? 0);

            bool Above(int item)
            {
                Products.Block(users + (long)row * items.Columns, 1, items.Part(item, 1), score, 1);
                return *score > _own[row] || (*score == _own[row] && item < Label(row));
            }
        }
    }
}
