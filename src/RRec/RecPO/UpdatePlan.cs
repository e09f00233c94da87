using RRec.Backbones;
using RRec.Data;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>The optimiser steps that one rollout is used for: passes, mini-batches, pieces of a mini-batch; or the authors' order of them.</summary>
/// <remarks>A forward pass takes at most about <c>budget</c> bytes for its activations; see <see cref="UpdateMemory"/>.</remarks>
internal sealed class UpdatePlan(Backbone backbone, ItemTable items, double temperature, IReadOnlyList<PurchaseRow> train, AdamW optimizer, RecPOOptions options, long budget = long.MaxValue, IReadOnlyList<int>? tokens = null)
{
    private readonly PolicyUpdate _update = new(backbone, items, temperature, options, tokens);

    /// <summary>Runs them all.</summary>
    /// <param name="batch">The rollout.</param>
    /// <param name="step">1-based number of the training step.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="diverged">Makes the exception for a loss or gradient that is not finite or too large; thrown before the optimiser step that it would have entered.</param>
    /// <param name="cancel">Looked at before the first optimiser step only: a step is done whole or not at all.</param>
    public UpdateStatistics Run(UpdateBatch batch, int step, double rate, Func<string, Exception> diverged, CancellationToken cancel = default)
    {
        UpdateStatistics statistics = new();
        cancel.ThrowIfCancellationRequested();
        if (options.Compatibility == Compatibility.Official)
        {
            Official(batch, step, rate, diverged, statistics);
            return statistics;
        }

        int users = batch.Prompts.Length, perUser = batch.Count / users;
        if (options.MiniBatches > 1) RememberAll(batch, users, perUser, step);
        int updates = Math.Min(options.MiniBatches, users);
        for (int pass = 0; pass < options.InnerUpdates; pass++)
        {
            for (int m = 0; m < updates; m++)
            {
                int first = users * m / updates * perUser, last = users * (m + 1) / updates * perUser;
                int number = ((step - 1) * options.InnerUpdates + pass) * updates + m + 1;
                using PolicyUpdate.Candidates candidates = _update.Encode(batch, number);
                optimizer.ZeroGradients();
                int tokens = batch.PolicyTokens(first, last);
                foreach ((int start, int end) in UpdateMemory.Pieces(batch, first, last, perUser, backbone, options, budget))
                    _update.Backward(batch, start, end, candidates, tokens, last - first, statistics);
                Finish(batch, candidates, number, rate, diverged, statistics);
            }
        }

        return statistics;
    }

    // Mini-batches of a few trajectories, each cut and normalised alone, gradients summed, one optimiser step (recpo-reference 7 and 8).
    private void Official(UpdateBatch batch, int step, double rate, Func<string, Exception> diverged, UpdateStatistics statistics)
    {
        using PolicyUpdate.Candidates candidates = _update.Encode(batch, step);
        optimizer.ZeroGradients();
        int size = Math.Min(options.OfficialMiniBatchSize, batch.Count);
        for (int start = 0; start < batch.Count; start += size)
        {
            int end = Math.Min(start + size, batch.Count);
            UpdateBatch cut = OfficialCut.Of(batch, start, end);
            _update.Backward(cut, start, end, candidates, cut.PolicyTokens(start, end), end - start, statistics);
        }

        Finish(batch, candidates, step, rate, diverged, statistics);
        statistics.Updates = (batch.Count + size - 1) / size; // the authors log the mean over mini-batches
    }

    private void Finish(UpdateBatch batch, PolicyUpdate.Candidates candidates, int number, double rate, Func<string, Exception> diverged, UpdateStatistics statistics)
    {
        using var outer = NewDisposeScope();
        candidates.Backward();
        if (options.AuxiliaryLoss is { } auxiliary)
        {
            using var scope = NewDisposeScope();
            Tensor loss = auxiliary.Evaluate(backbone, [.. batch.RowIndexes.Select(i => train[i])], batch.RowIndexes, number);
            statistics.Later(loss, value => statistics.AuxiliaryLoss += value[0]);
            loss.backward();
        }

        double norm = 0;
        if (optimizer.GradientNorm() is { } there) statistics.Later(there, value => norm = value[0]);
        statistics.Read(); // the one time that the host waits for a GPU
        if (!double.IsFinite(norm) || !(Math.Abs(statistics.PolicyLoss) + Math.Abs(statistics.ItemLoss) + Math.Abs(statistics.AuxiliaryLoss) <= options.MaximumLoss))
        {
            optimizer.ZeroGradients();
            throw diverged($"the gradient norm is {norm} and the losses are {statistics.PolicyLoss} (policy), {statistics.ItemLoss} (item), {statistics.AuxiliaryLoss} (auxiliary)");
        }

        optimizer.Clip(norm, options.ClipNorm);
        statistics.GradientNorm = norm;
        statistics.Updates++;
        optimizer.Step(rate);
        optimizer.ZeroGradients();
        if (options.RefreshTargets) items.Write(candidates.Fresh, candidates.Vectors);
    }

    // With several mini-batches a pass, later ones meet weights that earlier ones moved: their old log-probs are taken before any step.
    private void RememberAll(UpdateBatch batch, int users, int perUser, int step)
    {
        using PolicyUpdate.Candidates candidates = _update.Encode(batch, step);
        UpdateStatistics before = new();
        int updates = Math.Min(options.MiniBatches, users);
        for (int m = 0; m < updates; m++)
        {
            int first = users * m / updates * perUser, last = users * (m + 1) / updates * perUser;
            foreach ((int start, int end) in UpdateMemory.Pieces(batch, first, last, perUser, backbone, options, budget)) _update.Remember(batch, start, end, candidates, before);
        }

        before.Read();
    }
}
