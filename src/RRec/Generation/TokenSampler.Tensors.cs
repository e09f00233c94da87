using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Generation;

// The same choice by operators of the device that the logits are on, without a word to the host: the same token for the same logits and noise, but for rounding.
public sealed partial class TokenSampler
{
    // Elements that a step's temporaries have each.
    private const long AtOnce = 1L << 24;

    // Places whose weights are added up together before a draw looks for its own among them. A power of two that divides the vocabularies of Qwen 2.5 and Gemma 2.
    private const int BlockLength = 128;

    /// <summary>Chooses one token per row.</summary>
    /// <param name="logits">[n, vocabulary], single precision.</param>
    /// <param name="noise">[n] in [0, 1), double precision, where the logits are.</param>
    /// <returns>[n], int64.</returns>
    internal Tensor Sample(Tensor logits, Tensor noise)
    {
        using DisposeScope scope = NewDisposeScope();
        if (_temperature == 0) return logits.argmax(-1).MoveToOuterDisposeScope();
        long rows = logits.shape[0], each = Math.Max(1, AtOnce / logits.shape[1]);
        List<Tensor> parts = [];
        for (long at = 0; at < rows; at += each)
        {
            using DisposeScope inner = NewDisposeScope();
            long n = Math.Min(each, rows - at);
            parts.Add(Some(logits.narrow(0, at, n), noise.narrow(0, at, n).unsqueeze(1)).squeeze(1).MoveToOuterDisposeScope());
        }
        return (parts.Count == 1 ? parts[0] : cat(parts, 0)).MoveToOuterDisposeScope();
    }

    // All of these: [n, vocabulary] and [n, 1] to [n, 1].
    private Tensor Some(Tensor logits, Tensor noise)
    {
        if (_topK > 0 && _topK < logits.shape[1]) return AmongBest(logits, noise);
        if (_topK == 0 && _topP >= 1)
        {
            Tensor blocks = Blocks(((logits - logits.amax([-1L], true)) / _temperature).exp()), running = blocks.sum(-1L, false, ScalarType.Float64).cumsum(-1);
            return Place(blocks, running, noise * Last(running));
        }
        (Tensor best, Tensor ids) = logits.sort(-1, descending: true, stable: true);
        Tensor sums = Weights(best, best.narrow(1, 0, 1)).cumsum(-1);
        return ids.gather(1, Drawn(sums, noise, _topP < 1 ? LastKept(sums, Last(sums) * _topP) : null));
    }

    // [n, vocabulary] to [n, blocks, BlockLength], zeros behind the end.
    private static Tensor Blocks(Tensor weights)
    {
        long missing = (BlockLength - weights.shape[1] % BlockLength) % BlockLength;
        return (missing == 0 ? weights : nn.functional.pad(weights, [0L, missing])).view(weights.shape[0], -1, BlockLength);
    }

    // The first place, [n, 1], at which the sum over all before and itself exceeds the target; where rounding takes the target up to the whole: the last that has a
    // weight. running: sums up to the end of each block. One pass over all weights, the rest is small.
    private static Tensor Place(Tensor blocks, Tensor running, Tensor target)
    {
        Tensor block = minimum(Below(running.le(target)), Below(running.lt(Last(running))));                                        // [n, 1]
        Tensor weights = blocks.gather(1, block.unsqueeze(2).expand(-1, 1, BlockLength)).squeeze(1).to(ScalarType.Float64);         // [n, BlockLength]
        Tensor before = torch.where(block.gt(0), running.gather(1, (block - 1).clamp_min(0)), zeros_like(target)), within = weights.cumsum(-1) + before;
        return block * BlockLength + minimum(Below(within.le(target)), Below(within.lt(Last(within))));
    }

    private Tensor Weights(Tensor logits, Tensor most) => ((logits.to(ScalarType.Float64) - most.to(ScalarType.Float64)) / _temperature).exp();

    private static Tensor Last(Tensor sums) => sums.narrow(1, sums.shape[1] - 1, 1);

    // The place with which a limit is reached, or the last.
    private static Tensor LastKept(Tensor sums, Tensor limit) => Below(sums.lt(limit)).clamp_max(sums.shape[1] - 1);

    // How many are true: where sums ascend, the place of the first that is not.
    private static Tensor Below(Tensor ascending) => ascending.sum(-1L, true);

    // The first place whose sum exceeds the noise's share of the whole; last: of what is kept.
    private static Tensor Drawn(Tensor sums, Tensor noise, Tensor? last)
    {
        Tensor total = last is null ? Last(sums) : sums.gather(1, last);
        return minimum(Below(sums.le(noise * total)), last ?? Below(sums.lt(total)));
    }

    /// <summary>
    /// Top-k with all that is tied with its last candidate: those above it stand in order (best first, equal ones by id), those tied with it have one weight and
    /// follow by id, however many they are. So no list need be long enough, and nothing is asked.
    /// </summary>
    private Tensor AmongBest(Tensor logits, Tensor noise)
    {
        (Tensor top, Tensor where) = logits.topk(_topK);                                   // [n, k], equal ones in any order
        (Tensor ascending, Tensor order) = where.sort(-1);
        (Tensor values, Tensor place) = top.gather(1, order).sort(-1, descending: true, stable: true);
        Tensor ids = ascending.gather(1, place), most = values.narrow(1, 0, 1), least = values.narrow(1, _topK - 1, 1);
        Tensor sums = (Weights(values, most) * values.gt(least)).cumsum(-1), above = Last(sums);
        Tensor tied = Blocks(logits.eq(least)), running = tied.sum(-1L, false, ScalarType.Float64).cumsum(-1), ties = Last(running), tie = Weights(least, most);
        Tensor total = above + tie * ties;
        Tensor last = Below(sums.lt(above));
        if (_topP < 1)
        {
            Tensor limit = total * _topP, beyond = above.lt(limit);
            ties = torch.where(beyond, minimum(ties, ((limit - above) / tie).ceil()), zeros_like(ties));
            last = torch.where(beyond, last, LastKept(sums, limit));
            total = torch.where(beyond, above + tie * ties, sums.gather(1, last));
        }
        Tensor target = noise * total;
        Tensor one = ids.gather(1, minimum(Below(sums.le(target)), last.clamp_max(_topK - 1)));
        Tensor which = minimum(((target - above) / tie).floor(), ties - 1);                // of the tied ones, from 0
        return torch.where(target.lt(above), one, Place(tied, running, which));
    }
}
