using RRec.Backbones;
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

        // Sent once for all pieces.
        Tensor index = HostTensors.Long(Columns(ids), backbone.Device), before = old is null ? index : HostTensors.Float(old, backbone.Device, count);
        Tensor weights = Floats(Official ? batch.Advantages[start..end] : advantages);
        List<Tensor> written = [], sums = [];
        foreach ((int from, int length) in Pieces(count))
        {
            using var scope = NewDisposeScope();
            (Tensor own, Tensor log) = TokenLogProbs(leaf.narrow(0, from, length), index.narrow(0, from, length)); // [length], [length, vocabulary]
            written.Add(own.detach().MoveToOuterDisposeScope());
            Tensor then = old is null ? own.detach() : before.narrow(0, from, length);
            Tensor policy = Official
                ? RecPOLoss.OfficialPolicy(own, then, weights, policyTokens, options)
                : RecPOLoss.Policy(own, then, weights.narrow(0, from, length), policyTokens, options);
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
            Tensor ratio = (own - then).exp();
            Tensor clipped = (ratio < 1 - options.EpsilonLow).logical_or(ratio > 1 + options.EpsilonHigh).sum();
            sums.Add(stack(new[] { policy.detach(), entropy.detach(), ratio.sum(), clipped.to(ScalarType.Float32) }).MoveToOuterDisposeScope());
        }

        statistics.PolicyTokens += count;
        statistics.Later(stack(sums).to(ScalarType.Float64).sum(dim: 0), totals =>
        {
            statistics.PolicyLoss += totals[0];
            statistics.EntropySum += totals[1];
            statistics.RatioSum += totals[2];
            statistics.ClippedTokens += (long)totals[3];
        });
        if (old is null) statistics.Later(cat(written, 0), now => StoreTokens(batch, start, end, now));
    }

    // The entropy of a piece for the log, from at most 64 of its tokens: a full pass over the vocabulary only to watch it would cost more than it tells.
    private static Tensor WatchedEntropy(Tensor log)
    {
        using var quiet = no_grad();
        long tokens = log.shape[0], every = Math.Max(1, tokens / 64);
        Tensor some = log.detach().slice(0, 0, tokens, every);
        return -(some.exp() * some).sum() * ((double)tokens / some.shape[0]);
    }

    private int[] Columns(int[] ids) => _columns is null ? ids : Array.ConvertAll(ids, id => _columns[id]);

    // Log-probs of the tokens in the given columns, [n], and of all tokens in question, [n, columns], in f32.
    private (Tensor Own, Tensor All) TokenLogProbs(Tensor states, Tensor columns)
    {
        Tensor logits = (tokens is null ? backbone.Logits(states) : backbone.Logits(states, tokens)).to(ScalarType.Float32);
        if (options.LogProbTemperature != 1) logits = logits / options.LogProbTemperature;
        Tensor all = logits.log_softmax(-1);
        return (all.gather(1, columns.view(-1, 1)).squeeze(1), all);
    }
}
