using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

// The language head's part: policy loss and entropy of the tokens that the policy wrote, in pieces.
internal sealed partial class PolicyUpdate
{
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

        // What the log and later passes want is read from the device once, behind the last piece.
        List<Tensor> written = [], sums = [];
        foreach ((int from, int length) in Pieces(count))
        {
            using var scope = NewDisposeScope();
            (Tensor own, Tensor log) = TokenLogProbs(leaf.narrow(0, from, length), ids.AsSpan(from, length)); // [length], [length, vocabulary]
            written.Add(own.detach().MoveToOuterDisposeScope());
            Tensor before = old is null ? own.detach() : tensor(old[from..(from + length)], device: own.device);
            Tensor policy = Official
                ? RecPOLoss.OfficialPolicy(own, before, Floats(batch.Advantages[start..end]), policyTokens, options)
                : RecPOLoss.Policy(own, before, Floats(advantages[from..(from + length)]), policyTokens, options);
            Tensor loss = policy * options.PolicyLossWeight;
            Tensor entropy;
            if (options.EntropyBonus > 0)
            {
                entropy = -(log.exp() * log).sum(); // nats, summed over tokens
                loss = loss - entropy * (options.EntropyBonus / policyTokens);
            }
            else
            {
                entropy = WatchedEntropy(log);
            }

            loss.backward();
            using var quiet = no_grad();
            Tensor ratio = (own - before).exp();
            Tensor clipped = (ratio < 1 - options.EpsilonLow).logical_or(ratio > 1 + options.EpsilonHigh).sum();
            sums.Add(stack(new[] { policy.detach(), entropy.detach(), ratio.sum(), clipped.to(ScalarType.Float32) }).MoveToOuterDisposeScope());
        }

        statistics.PolicyTokens += count;
        using Tensor read = stack(sums).to(ScalarType.Float64).sum(dim: 0).cpu(), now = cat(written, 0).cpu();
        ReadOnlySpan<double> totals = read.data<double>().ToArray();
        statistics.PolicyLoss += totals[0];
        statistics.EntropySum += totals[1];
        statistics.RatioSum += totals[2];
        statistics.ClippedTokens += (long)totals[3];
        if (old is null) StoreTokens(batch, start, end, now.data<float>().ToArray());
    }

    // The entropy of a piece for the log, from at most 64 of its tokens: a full pass over the vocabulary only to watch it would cost more than it tells.
    private static Tensor WatchedEntropy(Tensor log)
    {
        using var quiet = no_grad();
        long tokens = log.shape[0], every = Math.Max(1, tokens / 64);
        Tensor some = log.detach().slice(0, 0, tokens, every);
        return -(some.exp() * some).sum() * ((double)tokens / some.shape[0]);
    }

    // Log-probs of the given ids, [n], and of all ids, [n, vocabulary], in f32.
    private (Tensor Own, Tensor All) TokenLogProbs(Tensor states, ReadOnlySpan<int> ids)
    {
        Tensor logits = (tokens is null ? backbone.Logits(states) : backbone.Logits(states, tokens)).to(ScalarType.Float32);
        if (options.LogProbTemperature != 1) logits = logits / options.LogProbTemperature;
        Tensor all = logits.log_softmax(-1);
        long[] index = new long[ids.Length];
        for (int i = 0; i < ids.Length; i++) index[i] = _columns is null ? ids[i] : _columns[ids[i]];
        return (all.gather(1, tensor(index, device: all.device).view(-1, 1)).squeeze(1), all);
    }
}
