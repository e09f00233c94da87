// RecPO (paper 3.3): sample G reasonings per user, reward each by the ranking it leads to, compare inside the group, then move the policy
// (reasoning tokens) and the item head (user and target vectors) together. This file is the order of a training; the arithmetic is in Reward,
// Advantages, RecPOLoss and PolicyUpdate.
//
// Deviations from the authors' code, each an option or a documented choice (docs/recpo.md):
//  1. advantages act per trajectory, not as the mini-batch's mean (O1);       2. old log-probs are kept and really clip later passes (O2);
//  3. sampling temperature 1 by default, so that the gradient is unbiased (O3); 4. leave-one-out has its proper baseline (O4);
//  5. no column is cut (O5);                                                  6. there is no pad row (O6) and a repeated target stays a candidate (O7);
//  7. everything stays in id space (O8-O10);                                  8. ranks and rewards in f32/f64 with a tie rule (O11, O12);
//  9. repeated targets are one candidate (O13);                              10. noise by (seed, step, row, trajectory) (O14);
// 11. warm-up of the rate is real (O15);                                     12. constant groups teach nothing (O19), relabelling needs A above 0 (O20);
// 13. only ids that the policy wrote are trained (O22);                      14. items run once per optimiser step (O23).
using RRec.Data;

namespace RRec.RecPO;

/// <summary>Trains an <see cref="R2ecModel"/> in place by reinforcement learning from purchases (paper 3.3).</summary>
public static class RecPOTrainer
{
    /// <summary>Runs RecPO until its steps are done or patience ends; continues an interrupted training where <see cref="RecPOOptions.CheckpointDirectory"/> holds one.</summary>
    /// <param name="model">The model; its backbone's weights or adapter and its item table are changed.</param>
    /// <param name="train">Histories and what was bought next.</param>
    /// <param name="validation">Rows that choose the best weights; null or empty: the last weights are kept.</param>
    /// <param name="options">All settings; checked together before anything happens.</param>
    /// <param name="progress">Told after every step and evaluation; may be null.</param>
    /// <param name="cancel">Stops within a step; a checkpoint is left where a folder is given.</param>
    /// <exception cref="ArgumentException">Options out of range, no training rows, or rows that do not fit the catalogue; all reasons are named.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    /// <exception cref="RecPODivergedException">Loss or gradient was not finite.</exception>
    /// <exception cref="InvalidDataException">The checkpoint folder belongs to a training with other data, backbone or options; the message names what differs.</exception>
    public static RecPOResult Train(
        R2ecModel model, IReadOnlyList<PurchaseRow> train, IReadOnlyList<PurchaseRow>? validation, RecPOOptions options,
        IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (train.Count == 0) throw new ArgumentException("There are no training rows: at least one history with a target is needed.", nameof(train));
        CheckRows(train, "Training", model.Catalogue);
        CheckRows(validation ?? [], "Validation", model.Catalogue);
        using RecPORun run = new(model, train, validation ?? [], options, progress);
        return run.Run(cancel);
    }

    internal static void CheckRows(IReadOnlyList<PurchaseRow> rows, string kind, Catalogue catalogue)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if ((uint)rows[i].Target >= (uint)catalogue.Count)
                throw new ArgumentException($"{kind} row {i} has target {rows[i].Target}; the catalogue's indexes are 0 to {catalogue.Count - 1}.");
            foreach (int item in rows[i].History.Items.Span)
                if ((uint)item >= (uint)catalogue.Count)
                    throw new ArgumentException($"{kind} row {i} has item {item} in its history; the catalogue's indexes are 0 to {catalogue.Count - 1}.");
        }
    }
}
