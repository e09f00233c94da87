using System.Buffers;

namespace RRec.Text.Tokenization;

/// <summary>
/// The merging itself: of all neighbouring pairs the one with the lowest rank, leftmost first, until none is left. Words are short, so
/// the plain method (find the best pair, close the gap) is the fast one; long pieces go through a queue and a linked list in n log n,
/// because text without a blank comes in any length. Both give the same tokens; a test compares them.
/// </summary>
internal static class BpeMerger
{
    private const int PlainUpTo = 48;

    /// <summary>Merges in place.</summary>
    /// <param name="merges">The model's merges.</param>
    /// <param name="ids">The symbols; on return the first tokens are the result.</param>
    /// <param name="lengths">The symbols' lengths, which add up as they merge.</param>
    /// <returns>The number of tokens.</returns>
    public static int Merge(PairTable merges, Span<int> ids, Span<int> lengths) =>
        ids.Length <= PlainUpTo ? MergePlain(merges, ids, lengths) : MergeQueued(merges, ids, lengths);

    internal static int MergePlain(PairTable merges, Span<int> ids, Span<int> lengths)
    {
        int count = ids.Length;
        if (count < 2) return count;
        Span<(int Rank, int Id)> pairs = count <= PlainUpTo ? stackalloc (int, int)[PlainUpTo] : new (int, int)[count];
        for (int i = 0; i + 1 < count; i++) pairs[i] = merges.Find(ids[i], ids[i + 1]);
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i < count - 1; i++)
                if (pairs[i].Rank < pairs[best].Rank) best = i;
            if (pairs[best].Rank == int.MaxValue) break;
            ids[best] = pairs[best].Id;
            lengths[best] += lengths[best + 1];
            int rest = count - best - 2;
            ids.Slice(best + 2, rest).CopyTo(ids[(best + 1)..]);
            lengths.Slice(best + 2, rest).CopyTo(lengths[(best + 1)..]);
            if (rest > 0) pairs.Slice(best + 2, rest - 1).CopyTo(pairs[(best + 1)..]);
            count--;
            if (best > 0) pairs[best - 1] = merges.Find(ids[best - 1], ids[best]);
            if (best + 1 < count) pairs[best] = merges.Find(ids[best], ids[best + 1]);
        }
        return count;
    }

    internal static int MergeQueued(PairTable merges, Span<int> ids, Span<int> lengths)
    {
        int count = ids.Length;
        int[] next = ArrayPool<int>.Shared.Rent(count), previous = ArrayPool<int>.Shared.Rent(count);
        try
        {
            // An entry is stale when the tokens at its place are no longer the two it was made for.
            var queue = new PriorityQueue<(int At, int Left, int Right), ulong>(count);
            for (int i = 0; i < count; i++)
            {
                next[i] = i + 1;
                previous[i] = i - 1;
            }
            for (int i = 0; i + 1 < count; i++) Enqueue(merges, queue, i, ids[i], ids[i + 1]);

            while (queue.TryDequeue(out (int At, int Left, int Right) top, out _))
            {
                int at = top.At, right = next[at];
                if (right >= count || ids[at] != top.Left || ids[right] != top.Right) continue;
                ids[at] = merges.Find(top.Left, top.Right).Id;
                lengths[at] += lengths[right];
                ids[right] = -1;
                int after = next[right];
                next[at] = after;
                if (after < count)
                {
                    previous[after] = at;
                    Enqueue(merges, queue, at, ids[at], ids[after]);
                }
                if (previous[at] >= 0) Enqueue(merges, queue, previous[at], ids[previous[at]], ids[at]);
            }

            int written = 0;
            for (int i = 0; i < count; i = next[i])
            {
                ids[written] = ids[i];
                lengths[written++] = lengths[i];
            }
            return written;
        }
        finally
        {
            ArrayPool<int>.Shared.Return(next);
            ArrayPool<int>.Shared.Return(previous);
        }
    }

    private static void Enqueue(PairTable merges, PriorityQueue<(int, int, int), ulong> queue, int at, int left, int right)
    {
        int rank = merges.Find(left, right).Rank;
        if (rank != int.MaxValue) queue.Enqueue((at, left, right), ((ulong)(uint)rank << 32) | (uint)at);
    }
}
