using RRec.Backbones;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

// What targets are compared with.
internal sealed partial class PolicyUpdate
{
    /// <summary>
    /// The vectors that targets are compared with: a leaf whose gradient flows into the item forward at the end of a mini-batch.
    /// </summary>
    /// <param name="vectors">Vectors of the fresh items.</param>
    /// <param name="leaf">Those and what else is compared with, detached.</param>
    /// <param name="columnOfUser">The column of each user's target.</param>
    /// <param name="fresh">The items of the fresh columns.</param>
    /// <param name="backward">Sends the gradient of the fresh vectors <c>[fresh, hidden]</c> into the parameters; null: nobody wants it.</param>
    public sealed class Candidates(Tensor vectors, Tensor leaf, int[] columnOfUser, int[] fresh, ItemPass? backward = null) : IDisposable
    {
        /// <summary>f32 <c>[c, hidden]</c>, detached, requires a gradient in its first rows.</summary>
        public Tensor Leaf { get; } = leaf;

        /// <summary>The column of each user's target.</summary>
        public int[] ColumnOfUser { get; } = columnOfUser;

        /// <summary>The items of the fresh columns.</summary>
        public int[] Fresh { get; } = fresh;

        /// <summary>f32 <c>[fresh, hidden]</c>, detached.</summary>
        public Tensor Vectors { get; } = vectors;

        /// <summary>Sends what arrived at the leaf through the item forward.</summary>
        public void Backward()
        {
            using var scope = NewDisposeScope();
            if (Leaf.grad is { } arrived) backward?.Backward(arrived.narrow(0, 0, Fresh.Length));
        }

        /// <summary>The same vectors in a leaf of its own, for one more thread.</summary>
        public Candidates Twin() => new(Vectors.detach().DetachFromDisposeScope(), Leaf.detach().requires_grad_().DetachFromDisposeScope(), ColumnOfUser, Fresh);

        /// <summary>Adds what arrived at a twin's leaf.</summary>
        public void Gather(Candidates twin)
        {
            using var quiet = no_grad();
            using var scope = NewDisposeScope();
            if (twin.Leaf.grad is not { } arrived) return;
            if (Leaf.grad is { } there) there.add_(arrived);
            else Leaf.grad = arrived;
        }

        public void Dispose()
        {
            Leaf.Dispose();
            Vectors.Dispose();
            backward?.Dispose();
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
        ItemPass pass = new(backbone, items, fresh, options.GradientCheckpointing);
        Tensor vectors = pass.Forward(), leaf = vectors.detach(); // [fresh, hidden]
        if (options.TableNegatives > 0)
        {
            long[] negatives = Negatives(fresh, step);
            leaf = cat([leaf, items.Vectors.index_select(0, HostTensors.Long(negatives, leaf.device, negatives.Length))]); // [fresh + negatives, hidden]
        }

        return new Candidates(vectors.DetachFromDisposeScope(), leaf.requires_grad_().DetachFromDisposeScope(), column, fresh, pass);
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
