using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// What an update needs to know about one rollout, in id space (O10): prompts once per user, completions per trajectory, advantages and the chosen ones. Trajectories
/// of a user are contiguous. Log-probs of the policy that sampled are filled in by the first pass and kept for later ones (O2).
/// </summary>
internal sealed class UpdateBatch
{
    /// <summary>Token ids of each user's prompt.</summary>
    public required int[][] Prompts { get; init; }

    /// <summary>Each user's row in the training set.</summary>
    public required int[] RowIndexes { get; init; }

    /// <summary>Each user's target item.</summary>
    public required int[] Targets { get; init; }

    /// <summary>For each trajectory its user.</summary>
    public required int[] UserOf { get; init; }

    /// <summary>For each trajectory the ids after the prompt, answer marker included.</summary>
    public required int[][] Completions { get; init; }

    /// <summary>For each id of a completion whether the policy wrote it itself (O22).</summary>
    public required bool[][] PolicyMask { get; init; }

    /// <summary>A of each trajectory.</summary>
    public required double[] Advantages { get; init; }

    /// <summary>m: which trajectories carry the item loss.</summary>
    public required bool[] Chosen { get; init; }

    /// <summary>Old log-probs of each trajectory's policy tokens, in order; null until known.</summary>
    public required float[]?[] OldTokenLogProbs { get; init; }

    /// <summary>Old log-prob of each trajectory's target; NaN until known.</summary>
    public required float[] OldItemLogProbs { get; init; }

    /// <summary>The number of trajectories.</summary>
    public int Count => Completions.Length;

    /// <summary>Policy tokens of a range of trajectories.</summary>
    public int PolicyTokens(int start, int end)
    {
        int tokens = 0;
        for (int i = start; i < end; i++) tokens += PolicyMask[i].Count(m => m);
        return tokens;
    }
}

/// <summary>
/// Sums that passes over trajectories collect for the log. The host asks a device for all of them together, once an optimiser step: each question would wait until the
/// device has done everything before it.
/// </summary>
internal sealed class UpdateStatistics
{
    private readonly List<(Tensor Values, Action<double[]> Use)> _unread = [];
    private readonly List<UpdateStatistics> _shares = [];

    public double PolicyLoss, ItemLoss, AuxiliaryLoss, EntropySum, RatioSum, GradientNorm;
    public long PolicyTokens, ClippedTokens;
    public int Updates;

    /// <summary>Notes values of any shape, and what is to be done with them when they are read.</summary>
    public void Later(Tensor values, Action<double[]> use)
    {
        using var scope = NewDisposeScope();
        _unread.Add((values.detach().to(ScalarType.Float64).reshape(-1).DetachFromDisposeScope(), use));
    }

    /// <summary>Takes over what a share of the same trajectories noted: read with all else, then added.</summary>
    public void Add(UpdateStatistics share)
    {
        _unread.AddRange(share._unread);
        share._unread.Clear();
        _shares.Add(share);
        PolicyTokens += share.PolicyTokens;
    }

    /// <summary>Reads what was noted, in the order in which it was.</summary>
    public void Read()
    {
        if (_unread.Count == 0) return;
        using var scope = NewDisposeScope();
        double[] all = HostTensors.Read<double>(cat([.. _unread.Select(u => u.Values)], 0));
        int at = 0;
        foreach ((Tensor values, Action<double[]> use) in _unread)
        {
            int count = (int)values.shape[0];
            values.Dispose();
            use(all[at..(at += count)]);
        }

        _unread.Clear();
        foreach (UpdateStatistics share in _shares)
        {
            PolicyLoss += share.PolicyLoss;
            ItemLoss += share.ItemLoss;
            EntropySum += share.EntropySum;
            RatioSum += share.RatioSum;
            ClippedTokens += share.ClippedTokens;
        }

        _shares.Clear();
    }
}
