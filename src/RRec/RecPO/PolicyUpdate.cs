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
internal sealed partial class PolicyUpdate(Backbone backbone, ItemTable items, double temperature, RecPOOptions options, IReadOnlyList<int>? tokens = null)
{
    // Where reasonings are made of some tokens only: the column of each.
    private readonly Dictionary<int, int>? _columns = tokens?.Select((id, column) => (id, column)).ToDictionary(t => t.id, t => t.column);

    private bool Official => options.Compatibility == Compatibility.Official;

    // See Backward: on the present thread.
    private void BackwardOf(UpdateBatch batch, int start, int end, Candidates candidates, int policyTokens, int trajectories, UpdateStatistics statistics)
    {
        using var scope = NewDisposeScope();
        using Pass pass = Forward(batch, start, end, options.GradientCheckpointing);
        (Tensor predictors, Tensor users) = (pass.Predictors, pass.Users);

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
            Tensor old = OldItems(batch, start, end, logProbs, statistics);
            Tensor weights = Floats([.. Enumerable.Range(start, end - start).Select(i => batch.Chosen[i] ? batch.Advantages[i] : 0)]);
            itemLoss = Official ? RecPOLoss.OfficialItem(logProbs, old, weights, options) : RecPOLoss.Item(logProbs, old, weights, trajectories, options);
        }
        else
        {
            itemLoss = -logProbs.sum() / (double)trajectories; // the ablation without reasoning: plain contrastive learning
        }

        statistics.Later(itemLoss, loss => statistics.ItemLoss += loss[0]);
        if (options.ItemLossWeight > 0)
        {
            Tensor weighted = itemLoss * options.ItemLossWeight;
            total = total is null ? weighted : total + weighted;
        }

        total?.backward();
        pass.Checkpoints?.Backward();
    }

    private void RememberOf(UpdateBatch batch, int start, int end, Candidates candidates, UpdateStatistics statistics)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Pass pass = Forward(batch, start, end, false);
        (Tensor predictors, Tensor users) = (pass.Predictors, pass.Users);
        Tensor written = HostTensors.Long(Columns(PolicyIds(batch, start, end)), backbone.Device);
        List<Tensor> all = [];
        foreach ((int from, int count) in Pieces((int)predictors.shape[0]))
        {
            using var piece = NewDisposeScope();
            all.Add(TokenLogProbs(predictors.narrow(0, from, count), written.narrow(0, from, count)).Own.MoveToOuterDisposeScope());
        }

        if (all.Count > 0) statistics.Later(cat(all, 0), values => StoreTokens(batch, start, end, values));
        else StoreTokens(batch, start, end, []);
        int[] columns = [.. Enumerable.Range(start, end - start).Select(i => candidates.ColumnOfUser[batch.UserOf[i]])];
        OldItems(batch, start, end, RecPOLoss.TargetLogProbs(ItemTable.Normalize(users), candidates.Leaf, columns, temperature), statistics);
    }

    /// <summary>One decoder pass.</summary>
    /// <param name="Predictors">States that predict policy tokens, <c>[policy tokens, hidden]</c>.</param>
    /// <param name="Users">States at the last ids, <c>[trajectories, hidden]</c>.</param>
    /// <param name="Prompts">Its prompts.</param>
    /// <param name="Completions">Their completions.</param>
    /// <param name="Checkpoints">What goes on backwards from the states where layers are computed again.</param>
    private sealed record Pass(Tensor Predictors, Tensor Users, PaddedBatch Prompts, PaddedBatch Completions, Backbone.CheckpointedPass? Checkpoints) : IDisposable
    {
        public void Dispose()
        {
            Prompts.Dispose();
            Completions.Dispose();
            Checkpoints?.Dispose();
        }
    }

    private Pass Forward(UpdateBatch batch, int start, int end, bool checkpointed)
    {
        int firstUser = batch.UserOf[start], users = batch.UserOf[end - 1] + 1 - firstUser;
        int[] promptOf = [.. Enumerable.Range(start, end - start).Select(i => batch.UserOf[i] - firstUser)];
        PaddedBatch prompts = PaddedBatch.FromRows(batch.Prompts[firstUser..(firstUser + users)], device: backbone.Device);
        PaddedBatch completions = PaddedBatch.FromRows(batch.Completions[start..end], device: backbone.Device);
        EmbeddingDelta? delta = EmbeddingDeltas.For(options.EmbeddingDelta, batch.RowIndexes[firstUser..(firstUser + users)]);
        Backbone.CheckpointedPass? checkpoints = checkpointed ? backbone.HiddenSharedCheckpointed(prompts, completions, promptOf, delta) : null;
        Tensor hidden = checkpoints?.Hidden ?? backbone.HiddenShared(prompts, completions, promptOf, delta); // [n, 1 + c, hidden]; entry t predicts completion id t

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
        return new Pass(flat.index_select(0, HostTensors.Long([.. predictors], flat.device, predictors.Count)), flat.index_select(0, HostTensors.Long(last, flat.device, last.Length)), prompts, completions, checkpoints);
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

    private static void StoreTokens(UpdateBatch batch, int start, int end, double[] all)
    {
        for (int i = start, at = 0; i < end; i++)
        {
            int tokens = batch.PolicyMask[i].Count(m => m);
            batch.OldTokenLogProbs[i] = Array.ConvertAll(all[at..(at + tokens)], x => (float)x);
            at += tokens;
        }
    }

    // Old item log-probs where they are known; otherwise the present ones are, and are kept.
    private static Tensor OldItems(UpdateBatch batch, int start, int end, Tensor now, UpdateStatistics statistics)
    {
        if (!float.IsNaN(batch.OldItemLogProbs[start])) return HostTensors.Float(batch.OldItemLogProbs[start..end], now.device, end - start);
        statistics.Later(now, values => Array.ConvertAll(values, x => (float)x).CopyTo(batch.OldItemLogProbs, start));
        return now.detach();
    }

    private Tensor Floats(double[] values) => HostTensors.Float(Array.ConvertAll(values, v => (float)v), backbone.Device, values.Length);
}
