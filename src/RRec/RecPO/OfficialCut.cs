namespace RRec.RecPO;

/// <summary>
/// Oddity O5: before the authors' training forward a mini-batch loses its last non-empty column, so the longest sequences lose their last token and are embedded one token
/// early. Only <see cref="Compatibility.Official"/> does this.
/// </summary>
internal static class OfficialCut
{
    /// <summary>The batch with the longest sequences of trajectories start to end one token shorter.</summary>
    public static UpdateBatch Of(UpdateBatch batch, int start, int end)
    {
        int Length(int i) => batch.Prompts[batch.UserOf[i]].Length + batch.Completions[i].Length;
        int longest = Enumerable.Range(start, end - start).Max(Length);
        int[][] completions = [.. batch.Completions];
        bool[][] mask = [.. batch.PolicyMask];
        for (int i = start; i < end; i++)
        {
            if (Length(i) < longest) continue;
            completions[i] = completions[i][..^1];
            mask[i] = mask[i][..^1];
        }

        return new UpdateBatch
        {
            Prompts = batch.Prompts, RowIndexes = batch.RowIndexes, Targets = batch.Targets, UserOf = batch.UserOf, Completions = completions, PolicyMask = mask,
            Advantages = batch.Advantages, Chosen = batch.Chosen, OldTokenLogProbs = new float[]?[batch.Count], OldItemLogProbs = [.. Enumerable.Repeat(float.NaN, batch.Count)],
        };
    }
}
