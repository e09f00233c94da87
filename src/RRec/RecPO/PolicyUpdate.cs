using RRec.Backbones;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// Forward and backward of RecPO over some trajectories of an <see cref="UpdateBatch"/>. Prompts run once per user and all completions attend to them; the language
/// head sees policy tokens only, in pieces, so that logits of all tokens never exist together; items run once per optimiser step (O23). Gradients add up in the
/// parameters, whatever the pieces.
/// </summary>
internal sealed class PolicyUpdate(Backbone backbone, ItemTable items, double temperature, RecPOOptions options)
{
    private bool Official => options.Compatibility == Compatibility.Official;

    /// <summary>The vectors that targets are compared with: a leaf whose gradient flows into the item forward at the end of a mini-batch.</summary>
    public sealed class Candidates(Tensor vectors, Tensor leaf, int[] columnOfUser, int[] fresh) : IDisposable
    {
        /// <summary>f32 <c>[c, hidden]</c>, detached, requires a gradient in its first rows.</summary>
        public Tensor Leaf { get; } = leaf;

        /// <summary>The column of each user's target.</summary>
        public int[] ColumnOfUser { get; } = columnOfUser;

        /// <summary>The items of the fresh columns.</summary>
        public int[] Fresh { get; } = fresh;

        /// <summary>f32 <c>[fresh, hidden]</c> with the item forward's graph.</summary>
        public Tensor Vectors { get; } = vectors;

        /// <summary>Sends what arrived at the leaf through the item forward.</summary>
        public void Backward()
        {
            using var scope = NewDisposeScope();
            if (Leaf.grad is not { } arrived) return;
            Vectors.backward([arrived.narrow(0, 0, Fresh.Length)]);
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
        Tensor vectors = items.Embed(fresh); // [fresh, hidden]
        Tensor leaf = vectors.detach();
        if (options.TableNegatives > 0)
        {
            long[] negatives = Negatives(fresh, step);
            leaf = cat([leaf, items.Vectors.index_select(0, tensor(negatives, device: leaf.device))]); // [fresh + negatives, hidden]
        }

        return new Candidates(vectors.DetachFromDisposeScope(), leaf.requires_grad_().DetachFromDisposeScope(), column, fresh);
    }

    /// <summary>
    /// Adds the gradients of trajectories <paramref name="start"/> to <paramref name="end"/> to the parameters and to the candidates' leaf.
    /// </summary>
    /// <param name="batch">The rollout.</param>
    /// <param name="start">First trajectory; the first of its user.</param>
    /// <param name="end">After the last trajectory.</param>
    /// <param name="candidates">What targets are compared with.</param>
    /// <param name="policyTokens">Policy tokens of the whole mini-batch.</param>
    /// <param name="trajectories">Trajectories of the whole mini-batch.</param>
    /// <param name="statistics">Collects the log's sums.</param>
    public void Backward(UpdateBatch batch, int start, int end, Candidates candidates, int policyTokens, int trajectories, UpdateStatistics statistics)
    {
        using var scope = NewDisposeScope();
        (Tensor predictors, Tensor users) = Forward(batch, start, end); // [k, hidden], [n, hidden]

        Tensor? total = null;
        if (options.Reasoning && policyTokens > 0 && (options.PolicyLossWeight > 0 || options.EntropyBonus > 0) && predictors.shape[0] > 0)
        {
            // The head's pieces stop at a leaf; the decoder is then walked back once for all of them and the item loss together.
            Tensor leaf = predictors.detach().requires_grad_();
            Tokens(batch, start, end, leaf, policyTokens, statistics);
            if (leaf.grad is { } arrived) total = (predictors * arrived).sum();
        }

        Tensor unit = ItemTable.Normalize(users);
        int[] columns = [.. Enumerable.Range(start, end - start).Select(i => candidates.ColumnOfUser[batch.UserOf[i]])];
        Tensor logProbs = RecPOLoss.TargetLogProbs(unit, candidates.Leaf, columns, temperature); // [n]
        Tensor itemLoss;
        if (options.Reasoning)
        {
            Tensor old = OldItems(batch, start, end, logProbs);
            Tensor weights = Floats([.. Enumerable.Range(start, end - start).Select(i => batch.Chosen[i] ? batch.Advantages[i] : 0)]);
            itemLoss = Official ? RecPOLoss.OfficialItem(logProbs, old, weights, options) : RecPOLoss.Item(logProbs, old, weights, trajectories, options);
        }
        else
        {
            itemLoss = -logProbs.sum() / (double)trajectories; // the ablation without reasoning: plain contrastive learning
        }

        statistics.ItemLoss += itemLoss.item<float>();
        if (options.ItemLossWeight > 0)
        {
            Tensor weighted = itemLoss * options.ItemLossWeight;
            total = total is null ? weighted : total + weighted;
        }

        total?.backward();
    }

    /// <summary>Fills in the old log-probs of trajectories whose first training pass will come after an optimiser step.</summary>
    public void Remember(UpdateBatch batch, int start, int end, Candidates candidates)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        (Tensor predictors, Tensor users) = Forward(batch, start, end);
        float[] all = new float[predictors.shape[0]];
        foreach ((int from, int count) in Pieces((int)predictors.shape[0]))
            TokenLogProbs(predictors.narrow(0, from, count), PolicyIds(batch, start, end).AsSpan(from, count)).Own.cpu().data<float>().CopyTo(all.AsSpan(from, count));
        StoreTokens(batch, start, end, all);
        int[] columns = [.. Enumerable.Range(start, end - start).Select(i => candidates.ColumnOfUser[batch.UserOf[i]])];
        OldItems(batch, start, end, RecPOLoss.TargetLogProbs(ItemTable.Normalize(users), candidates.Leaf, columns, temperature));
    }

    /// <summary>One decoder pass.</summary>
    /// <returns>States that predict policy tokens, <c>[policy tokens, hidden]</c>, and states at the last ids, <c>[trajectories, hidden]</c>.</returns>
    private (Tensor Predictors, Tensor Users) Forward(UpdateBatch batch, int start, int end)
    {
        int firstUser = batch.UserOf[start], users = batch.UserOf[end - 1] + 1 - firstUser;
        int[] promptOf = [.. Enumerable.Range(start, end - start).Select(i => batch.UserOf[i] - firstUser)];
        using PaddedBatch prompts = PaddedBatch.FromRows(batch.Prompts[firstUser..(firstUser + users)], device: backbone.Device);
        using PaddedBatch completions = PaddedBatch.FromRows(batch.Completions[start..end], device: backbone.Device);
        EmbeddingDelta? delta = EmbeddingDeltas.For(options.EmbeddingDelta, batch.RowIndexes[firstUser..(firstUser + users)]);
        Tensor hidden = backbone.HiddenShared(prompts, completions, promptOf, delta); // [n, 1 + c, hidden]; entry t predicts completion id t

        long width = hidden.shape[1];
        List<long> predictors = [];
        long[] last = new long[end - start];
        for (int i = start; i < end; i++)
        {
            long row = (i - start) * width;
            for (int t = 0; t < batch.Completions[i].Length; t++)
                if (batch.PolicyMask[i][t]) predictors.Add(row + t);
            last[i - start] = row + batch.Completions[i].Length;
        }

        Tensor flat = hidden.reshape(-1, hidden.shape[2]);
        return (flat.index_select(0, tensor(predictors.ToArray(), device: flat.device)), flat.index_select(0, tensor(last, device: flat.device)));
    }

    // The policy loss and the entropy bonus, backwards down to the leaf.
    private void Tokens(UpdateBatch batch, int start, int end, Tensor leaf, int policyTokens, UpdateStatistics statistics)
    {
        int count = (int)leaf.shape[0];
        int[] ids = PolicyIds(batch, start, end);
        double[] advantages = new double[count];
        float[]? old = Enumerable.Range(start, end - start).All(i => batch.OldTokenLogProbs[i] is not null) ? new float[count] : null;
        for (int i = start, at = 0; i < end; i++)
        {
            int tokens = batch.PolicyMask[i].Count(m => m);
            advantages.AsSpan(at, tokens).Fill(batch.Advantages[i]);
            if (old is not null) batch.OldTokenLogProbs[i]!.CopyTo(old, at);
            at += tokens;
        }

        float[] now = new float[count];
        foreach ((int from, int length) in Pieces(count))
        {
            using var scope = NewDisposeScope();
            (Tensor own, Tensor log) = TokenLogProbs(leaf.narrow(0, from, length), ids.AsSpan(from, length)); // [length], [length, vocabulary]
            own.detach().cpu().data<float>().CopyTo(now.AsSpan(from, length));
            Tensor before = old is null ? own.detach() : tensor(old[from..(from + length)], device: own.device);
            Tensor policy = Official
                ? RecPOLoss.OfficialPolicy(own, before, Floats(batch.Advantages[start..end]), policyTokens, options)
                : RecPOLoss.Policy(own, before, Floats(advantages[from..(from + length)]), policyTokens, options);
            statistics.PolicyLoss += policy.item<float>();
            Tensor loss = policy * options.PolicyLossWeight;
            if (options.EntropyBonus > 0)
            {
                Tensor entropy = -(log.exp() * log).sum(); // nats, summed over tokens
                loss = loss - entropy * (options.EntropyBonus / policyTokens);
                statistics.EntropySum += entropy.item<float>();
            }
            else
            {
                statistics.EntropySum += WatchedEntropy(log);
            }

            loss.backward();
            if (old is null) continue;
            using var quiet = no_grad();
            Tensor ratio = (own - before).exp();
            statistics.RatioSum += ratio.sum().item<float>() - length;
            statistics.ClippedTokens += (ratio < 1 - options.EpsilonLow).logical_or(ratio > 1 + options.EpsilonHigh).sum().item<long>();
        }

        statistics.RatioSum += count;
        statistics.PolicyTokens += count;
        if (old is null) StoreTokens(batch, start, end, now);
    }

    // The entropy of a piece for the log, from at most 64 of its tokens: a full pass over the vocabulary only to watch it would cost more than it tells.
    private static double WatchedEntropy(Tensor log)
    {
        using var quiet = no_grad();
        long tokens = log.shape[0], every = Math.Max(1, tokens / 64);
        Tensor some = log.detach().slice(0, 0, tokens, every);
        return -(some.exp() * some).sum().item<float>() * ((double)tokens / some.shape[0]);
    }

    // Log-probs of the given ids, [n], and of all ids, [n, vocabulary], in f32.
    private (Tensor Own, Tensor All) TokenLogProbs(Tensor states, ReadOnlySpan<int> ids)
    {
        Tensor logits = backbone.Logits(states).to(ScalarType.Float32);
        if (options.LogProbTemperature != 1) logits = logits / options.LogProbTemperature;
        Tensor all = logits.log_softmax(-1);
        long[] index = new long[ids.Length];
        for (int i = 0; i < ids.Length; i++) index[i] = ids[i];
        return (all.gather(1, tensor(index, device: all.device).view(-1, 1)).squeeze(1), all);
    }

    private IEnumerable<(int From, int Count)> Pieces(int tokens)
    {
        int size = backbone.TokensPerLogits;
        for (int from = 0; from < tokens; from += size) yield return (from, Math.Min(size, tokens - from));
    }

    private static int[] PolicyIds(UpdateBatch batch, int start, int end)
    {
        List<int> ids = [];
        for (int i = start; i < end; i++)
            for (int t = 0; t < batch.Completions[i].Length; t++)
                if (batch.PolicyMask[i][t]) ids.Add(batch.Completions[i][t]);
        return [.. ids];
    }

    private static void StoreTokens(UpdateBatch batch, int start, int end, float[] all)
    {
        for (int i = start, at = 0; i < end; i++)
        {
            int tokens = batch.PolicyMask[i].Count(m => m);
            batch.OldTokenLogProbs[i] = all[at..(at + tokens)];
            at += tokens;
        }
    }

    // Old item log-probs where they are known; otherwise the present ones are, and are kept.
    private static Tensor OldItems(UpdateBatch batch, int start, int end, Tensor now)
    {
        if (!float.IsNaN(batch.OldItemLogProbs[start])) return tensor(batch.OldItemLogProbs[start..end], device: now.device);
        Tensor detached = now.detach();
        detached.cpu().data<float>().CopyTo(batch.OldItemLogProbs.AsSpan(start, end - start));
        return detached;
    }

    private Tensor Floats(double[] values) => tensor(values.Select(v => (float)v).ToArray(), device: backbone.Device);

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
