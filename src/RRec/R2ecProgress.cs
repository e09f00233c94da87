using System.Globalization;
using System.Text;
using RRec.Metrics;
using RRec.RecPO;

namespace RRec;

/// <summary>What training is doing at the moment, in the order in which the phases come.</summary>
public enum TrainingPhase
{
    /// <summary>A backbone is read from its folder, or made from the catalogue and the training histories.</summary>
    Backbone,

    /// <summary>The backbone learns to rank and to write reasonings by supervision, before any reward.</summary>
    WarmUp,

    /// <summary>All items are encoded into the item table.</summary>
    ItemTable,

    /// <summary>Reinforcement learning from purchases (RecPO).</summary>
    RecPO,

    /// <summary>Rows are ranked to measure the model.</summary>
    Evaluation,
}

/// <summary>One report of training, cheap to make and safe to keep: it holds no tensor.</summary>
/// <param name="Phase">Which phase reports.</param>
/// <param name="Step">Steps (or items, or rows) of this phase that are done.</param>
/// <param name="TotalSteps">How many there will be; 0 where unknown.</param>
/// <param name="Message">Something for a person to read; may be null.</param>
public sealed record R2ecProgress(TrainingPhase Phase, int Step, int TotalSteps, string? Message = null)
{
    /// <summary>Whether <see cref="Message"/> tells of something that went wrong and did not stop the training, e.g. a disk without room for a checkpoint.</summary>
    public bool IsWarning { get; init; }

    /// <summary>The figures of the step just done; null except after a RecPO step.</summary>
    public StepMetrics? StepMetrics { get; init; }

    /// <summary>The figures of the evaluation just done on the validation rows; null except after one.</summary>
    public RankingMetrics? Evaluation { get; init; }

    /// <summary>The phase's loss where it has one (warm-up, RecPO); NaN otherwise.</summary>
    public double Loss { get; init; } = double.NaN;

    /// <summary>One line for a person: <c>RecPO 17/60, loss 1.950, reward 0.2519</c>.</summary>
    public override string ToString()
    {
        StringBuilder line = new(Phase.ToString());
        if (TotalSteps > 0) line.Append(CultureInfo.InvariantCulture, $" {Step}/{TotalSteps}");
        if (!double.IsNaN(Loss)) line.Append(CultureInfo.InvariantCulture, $", loss {Loss:0.000}");
        if (StepMetrics is { } step) line.Append(CultureInfo.InvariantCulture, $", reward {step.RewardMean:0.0000}");
        if (Evaluation is { } metrics) line.Append(", validation ").Append(metrics);
        if (Message is { } message) line.Append(", ").Append(message);
        return line.ToString();
    }

    /// <summary>Done share of this phase, 0 to 1; 0 where the total is unknown.</summary>
    public double Fraction => TotalSteps > 0 ? Math.Clamp((double)Step / TotalSteps, 0, 1) : 0;
}
