namespace RRec.RecPO;

// The users of a pass are shared out among threads, each with a graph of its own.
internal sealed partial class PolicyUpdate
{
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
        (int Start, int End)[] shares = Shares(batch, start, end);
        Candidates[] seen = [.. shares.Select((_, i) => i == 0 ? candidates : candidates.Twin())];
        SideBySide(batch, shares, statistics, (update, i, sums) => update.BackwardOf(batch, shares[i].Start, shares[i].End, seen[i], policyTokens, trajectories, sums));
        foreach (Candidates twin in seen[1..])
        {
            candidates.Gather(twin);
            twin.Dispose();
        }
    }

    /// <summary>Fills in the old log-probs of trajectories whose first training pass will come after an optimiser step.</summary>
    public void Remember(UpdateBatch batch, int start, int end, Candidates candidates, UpdateStatistics statistics)
    {
        (int Start, int End)[] shares = Shares(batch, start, end);   // as in the passes to come, so that unchanged weights give the same log-probs
        SideBySide(batch, shares, statistics, (update, i, sums) => update.RememberOf(batch, shares[i].Start, shares[i].End, candidates, sums));
    }

    private void SideBySide(UpdateBatch batch, (int Start, int End)[] shares, UpdateStatistics statistics, Action<PolicyUpdate, int, UpdateStatistics> one)
    {
        if (shares.Length == 1)
        {
            one(this, 0, statistics);
            return;
        }

        using Twins twins = new(backbone, shares.Length, LongestRow(batch, shares[0].Start, shares[^1].End));
        UpdateStatistics[] sums = [.. shares.Select(_ => new UpdateStatistics())];
        twins.Run((i, own) => one(new PolicyUpdate(own, items, temperature, options, tokens), i, sums[i]));
        twins.Gather();
        foreach (UpdateStatistics share in sums) statistics.Add(share);
    }

    // A hook of somebody else's may carry gradients, and need not bear several threads; the authors' arithmetic mixes the trajectories of a mini-batch.
    private (int Start, int End)[] Shares(UpdateBatch batch, int start, int end)
    {
        if (Official || options.EmbeddingDelta is not (null or IFrozenDelta)) return [(start, end)];
        List<int> first = [], sizes = [];
        for (int i = start; i < end; i++)
        {
            if (i == start || batch.UserOf[i] != batch.UserOf[i - 1])
            {
                first.Add(i);
                sizes.Add(batch.Prompts[batch.UserOf[i]].Length);
            }

            sizes[^1] += 1 + batch.Completions[i].Length;
        }

        return [.. Twins.Shares(backbone, sizes).Select(s => (first[s.From], s.To == first.Count ? end : first[s.To]))];
    }

    private static int LongestRow(UpdateBatch batch, int start, int end) => Enumerable.Range(start, end - start).Max(i => batch.Prompts[batch.UserOf[i]].Length + batch.Completions[i].Length);
}
