using RRec.Metrics;

namespace RRec.RecPO;

/// <summary>Why a RecPO training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps were done.</summary>
    Finished,

    /// <summary>Validation did not get better for <see cref="RecPOOptions.Patience"/> evaluations.</summary>
    Patience,
}

/// <summary>One ranking of the validation rows during training.</summary>
/// <param name="Step">After how many steps; 0: before the first.</param>
/// <param name="Metrics">What it measured.</param>
public sealed record EvaluationPoint(int Step, RankingMetrics Metrics);

/// <summary>What a RecPO training did.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="Reason">Why it ended.</param>
/// <param name="BestStep">The step whose weights the model has now where the best were restored; otherwise the best evaluation's step, or the last step without validation.</param>
/// <param name="Evaluations">All rankings of the validation rows, first to last, on the same rows in the same order: paired comparisons are valid.</param>
public sealed record RecPOResult(int Steps, TrainingEnd Reason, int BestStep, IReadOnlyList<EvaluationPoint> Evaluations)
{
    /// <summary>The ranking before the first step; null where none was made.</summary>
    public RankingMetrics? Start => Evaluations.Count > 0 && Evaluations[0].Step == 0 ? Evaluations[0].Metrics : null;

    /// <summary>The best ranking by NDCG@10; null without validation.</summary>
    public RankingMetrics? Best => Evaluations.FirstOrDefault(e => e.Step == BestStep)?.Metrics;

    /// <summary>Positions in the validation set of the rows that were ranked, in the order of the ranks.</summary>
    public IReadOnlyList<int> EvaluatedRows { get; init; } = [];
}

/// <summary>Training produced numbers that are not finite, or a loss above <see cref="RecPOOptions.MaximumLoss"/>; the optimiser step that they would have entered was not made.</summary>
public sealed class RecPODivergedException(int step, IReadOnlyList<int> rows, string what, string? checkpoint)
    : InvalidOperationException($"RecPO step {step}: {what}, on training rows {string.Join(", ", rows.Take(32))}{(rows.Count > 32 ? ", ..." : "")}. "
        + (checkpoint is null ? "No checkpoint was written." : $"The last good checkpoint is '{checkpoint}'.") + " Lower LearningRate or ClipNorm.")
{
    /// <summary>The step that failed.</summary>
    public int Step { get; } = step;

    /// <summary>Its rows' positions in the training set.</summary>
    public IReadOnlyList<int> Rows { get; } = rows;

    /// <summary>The last checkpoint; null where none was written.</summary>
    public string? Checkpoint { get; } = checkpoint;
}
