using RRec.Backbones;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

// What targets are compared with.
internal sealed partial class PolicyUpdate
{
    // Items that are computed together on the way back.
    private const int ItemsAgain = 16;

    /// <summary>
    /// The vectors that targets are compared with: a leaf whose gradient flows into the item forward at the end of a mini-batch. With <paramref name="again"/> that
    /// forward pass kept no graph and is done again then, some items at a time.
    /// </summary>
    public sealed class Candidates(Tensor vectors, Tensor leaf, int[] columnOfUser, int[] fresh, Func<int[], Tensor>? again = null) : IDisposable
    {
        /// <summary>f32 <c>[c, hidden]</c>, detached, requires a gradient in its first rows.</summary>
        public Tensor Leaf { get; } = leaf;

        /// <summary>The column of each user's target.</summary>
        public int[] ColumnOfUser { get; } = columnOfUser;

        /// <summary>The items of the fresh columns.</summary>
        public int[] Fresh { get; } = fresh;

        /// <summary>f32 <c>[fresh, hidden]</c>, with the item forward's graph where it is kept.</summary>
        public Tensor Vectors { get; } = vectors;

        /// <summary>Sends what arrived at the leaf through the item forward.</summary>
        public void Backward()
        {
            using var scope = NewDisposeScope();
            if (Leaf.grad is not { } arrived) return;
            if (again is null)
            {
                Vectors.backward([arrived.narrow(0, 0, Fresh.Length)]);
                return;
            }

            for (int at = 0; at < Fresh.Length; at += ItemsAgain)
            {
                using var piece = NewDisposeScope();
                int end = Math.Min(at + ItemsAgain, Fresh.Length);
                again(Fresh[at..end]).backward([arrived.narrow(0, at, end - at)]);
            }
        }

        public void Dispose()
        {
            Leaf.Dispose();
            Vectors.Dispose();
        }
    }

    /// <summary>Encodes the distinct targets with gradient (O13: a repeated target is one candidate) and adds detached table rows where asked for.</summary>
    public Candidates Encode(UpdateBatch batch, int step)
    {
        if (Official) return Encode(batch.Targets, [.. Enumerable.Range(0, batch.Targets.Length)], step);
        int[] fresh = [.. batch.Targets.Distinct()];
        return Encode(fresh, [.. batch.Targets.Select(t => Array.IndexOf(fresh, t))], step);
    }

    /// <summary>Encodes the given items as candidates; <paramref name="column"/> says for each user which of them is its target.</summary>
    public Candidates Encode(int[] fresh, int[] column, int step)
    {
        using var scope = NewDisposeScope();
        bool later = options.GradientCheckpointing;
        Tensor vectors; // [fresh, hidden]
        using (enable_grad(!later)) vectors = items.Embed(fresh);
        Tensor leaf = vectors.detach();
        if (options.TableNegatives > 0)
        {
            long[] negatives = Negatives(fresh, step);
            leaf = cat([leaf, items.Vectors.index_select(0, HostTensors.Long(negatives, leaf.device, negatives.Length))]); // [fresh + negatives, hidden]
        }

        return new Candidates(vectors.DetachFromDisposeScope(), leaf.requires_grad_().DetachFromDisposeScope(), column, fresh, later ? items.Embed : null);
    }

    // Random table rows that are no target of this batch, drawn from (seed, step) alone.
    private long[] Negatives(int[] fresh, int step)
    {
        Random random = new(NoiseKey.Seed(options.Seed, purpose: 7, step));
        HashSet<int> taken = [.. fresh];
        List<long> chosen = [];
        int wanted = Math.Min(options.TableNegatives, items.Count - taken.Count);
        while (chosen.Count < wanted)
        {
            int item = random.Next(items.Count);
            if (taken.Add(item)) chosen.Add(item);
        }

        return [.. chosen];
    }
}
