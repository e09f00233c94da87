namespace RRec.RecPO;

/// <summary>The figures of one RecPO step, as they go to <c>metrics.jsonl</c> and to whoever watches.</summary>
public sealed record StepMetrics
{
    /// <summary>1-based number of the step.</summary>
    public int Step { get; init; }

    /// <summary>The whole loss. Its value is near -mean(A)-mean(A m) on policy whatever the model: judge learning by the reward.</summary>
    public double Loss { get; init; }

    /// <summary>The policy (token) part of the loss, unweighted.</summary>
    public double PolicyLoss { get; init; }

    /// <summary>The item part of the loss, unweighted.</summary>
    public double ItemLoss { get; init; }

    /// <summary>The auxiliary loss as it enters the sum; 0 without one.</summary>
    public double AuxiliaryLoss { get; init; }

    /// <summary>Mean reward of the step's trajectories, 0 to 1.</summary>
    public double RewardMean { get; init; }

    /// <summary>Standard deviation (n-1) of the rewards inside groups, averaged over groups.</summary>
    public double RewardStd { get; init; }

    /// <summary>Mean NDCG part of the reward.</summary>
    public double NdcgMean { get; init; }

    /// <summary>Mean softmax part of the reward.</summary>
    public double SoftmaxMean { get; init; }

    /// <summary>Share of groups whose rewards were constant, so that they taught nothing (O19).</summary>
    public double ZeroAdvantageShare { get; init; }

    /// <summary>Mean reasoning length in tokens, answer marker not counted.</summary>
    public double ReasoningLength { get; init; }

    /// <summary>Mean entropy of the policy's token distributions in nats, at <see cref="RecPOOptions.LogProbTemperature"/>; 0 where the policy is not trained.</summary>
    public double Entropy { get; init; }

    /// <summary>Mean ratio of new to old token probabilities; exactly 1 on the first update of a rollout.</summary>
    public double Ratio { get; init; } = 1;

    /// <summary>Share of policy tokens whose ratio was outside the clip range.</summary>
    public double ClipShare { get; init; }

    /// <summary>Gradient norm before clipping (of the last update of the step).</summary>
    public double GradientNorm { get; init; }

    /// <summary>The learning rate of the step.</summary>
    public double LearningRate { get; init; }

    /// <summary>Generated tokens a second over the whole step.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>Wall seconds of the step.</summary>
    public double Seconds { get; init; }

    /// <summary>Seconds of the rollout (generation) in it.</summary>
    public double RolloutSeconds { get; init; }

    /// <summary>Seconds of the forward and backward passes and the optimiser in it.</summary>
    public double UpdateSeconds { get; init; }

    /// <summary>Resident memory of the process in MiB.</summary>
    public double MemoryMiB { get; init; }
}
