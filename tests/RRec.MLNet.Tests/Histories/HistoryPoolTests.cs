using System.Runtime.InteropServices;
using RRec.Data;

namespace RRec.MLNet.Tests;

public class HistoryPoolTests
{
    [Fact]
    public void Rows_of_a_user_in_any_order_keep_their_values_and_share_memory_where_they_continue_each_other()
    {
        HistoryPool pool = new();
        Random random = new(3);
        int[] full = [.. Enumerable.Range(0, 300).Select(_ => random.Next(50))];
        HashSet<int[]> arrays = [];
        foreach (int n in Enumerable.Range(1, 300).Concat(Enumerable.Range(1, 300).Reverse()).Concat([5, 200, 7]))
        {
            UserHistory shared = pool.Share("u", History(full[..n]));
            Assert.Equal(full[..n], shared.Items.ToArray());
            Assert.Equal(full[..n].Select(i => i / 2f), shared.Ratings.ToArray());
            Assert.Equal(full[..n].Select(i => (long)i), shared.Timestamps.ToArray());
            Assert.Equal(n, shared.Now);
            MemoryMarshal.TryGetArray(shared.Items, out ArraySegment<int> segment);
            arrays.Add(segment.Array!);
        }

        Assert.InRange(arrays.Count, 1, 12);   // doublings, not one per row
    }

    [Fact]
    public void Another_history_of_the_user_or_another_user_is_kept_apart()
    {
        HistoryPool pool = new();
        UserHistory first = pool.Share("u", History([1, 2, 3])), other = pool.Share("u", History([1, 9, 3])), again = pool.Share("u", History([1, 9, 3, 4])), user = pool.Share("v", History([1, 2, 3]));
        Assert.Equal([1, 2, 3], first.Items.ToArray());
        Assert.Equal([1, 9, 3], other.Items.ToArray());
        Assert.Equal([1, 9, 3, 4], again.Items.ToArray());
        Assert.Equal([1, 2, 3], user.Items.ToArray());
        Assert.Empty(pool.Share("u", new UserHistory(new[] { 1, 9 })).Ratings.ToArray());
    }

    private static UserHistory History(int[] items) => new(items, items.Select(i => i / 2f).ToArray(), items.Select(i => (long)i).ToArray(), items.Length);
}
