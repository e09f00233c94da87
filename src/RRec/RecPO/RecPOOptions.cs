using RRec.Backbones;

namespace RRec.RecPO;

/// <summary>How raw rewards of a group become advantages (paper 3.3; recpo-reference 6).</summary>
public enum AdvantageType
{
    /// <summary>Reward minus the group's mean, divided as <see cref="AdvantageScale"/> says (GRPO).</summary>
    Gaussian,

    /// <summary>Reward minus the mean of the group's other rewards (RLOO); never divided.</summary>
    LeaveOneOut,
}

/// <summary>What a Gaussian advantage is divided by.</summary>
public enum AdvantageScale
{
    /// <summary>The group's own standard deviation (n-1): the paper's. Blows up groups whose rewards hardly differ.</summary>
    Group,

    /// <summary>The root of the mean variance of all groups of the step: groups that differ more teach more.</summary>
    Batch,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>How the learning rate goes after its warm-up.</summary>
public enum LearningRateShape
{
    /// <summary>Stays.</summary>
    Constant,

    /// <summary>Falls along half a cosine to <see cref="RecPOOptions.FinalLearningRateShare"/> of itself.</summary>
    Cosine,

    /// <summary>Falls along a line to <see cref="RecPOOptions.FinalLearningRateShare"/> of itself.</summary>
    Linear,
}

/// <summary>Which arithmetic is followed where the authors' code differs from their paper.</summary>
public enum Compatibility
{
    /// <summary>This project's: each trajectory has its own advantage, a proper leave-one-out baseline, no cut column.</summary>
    Recommended,

    /// <summary>The authors' published code with its oddities O1, O2, O4, O5, O6 (docs/recpo.md); for comparisons only: O1 removes the policy gradient.</summary>
    Official,
}

/// <summary>Which weights RecPO trains.</summary>
public enum Tuning
{
    /// <summary>All weights where the backbone has fewer than 50 million in single precision, a LoRA adapter otherwise.</summary>
    Auto,

    /// <summary>A LoRA adapter; the one attached is continued, otherwise a new one is attached.</summary>
    Lora,

    /// <summary>All weights.</summary>
    Full,
}

/// <summary>
/// All of RecPO's settings, in the order of a step. The defaults follow recpo-reference section 11; <see cref="Paper"/>,
/// <see cref="OfficialLauncher"/> and <see cref="Cpu"/> are starting points. Window, reasoning length, the ranking temperature and whether the history is
/// left out of the candidates belong to the model and are in <see cref="R2ecSettings"/>.
/// </summary>
public sealed partial record RecPOOptions
{
    // ---- Rollout ----

    /// <summary>G, reasonings sampled per user (paper 3.3). 2 to 256; default 6. Must be 1 where <see cref="Reasoning"/> is false (then ignored).</summary>
    public int TrajectoriesPerUser { get; init; } = 6;

    /// <summary>B, users per step (recpo-reference 10: 4 a process). 1 to 65,536; default 16. In-batch targets are the item loss's candidates, so 1 without table negatives teaches the item head nothing.</summary>
    public int UsersPerStep { get; init; } = 16;

    /// <summary>Sampling temperature of rollouts (paper 3.3; the authors sample at 2). Above 0, up to 10; default 1 (log-probs are at <see cref="LogProbTemperature"/>: equal values keep the gradient unbiased, O3).</summary>
    public double SamplingTemperature { get; init; } = 1;

    /// <summary>Rollouts sample among this many likeliest tokens (recpo-reference 3). 0 (all, the default) or more.</summary>
    public int TopK { get; init; }

    /// <summary>Rollouts sample inside this probability mass (recpo-reference 3). Above 0 to 1; default 1 (all).</summary>
    public double TopP { get; init; } = 1;

    /// <summary>False trains without reasonings: completions are the answer marker alone, the item loss is -log p with weight 1, there is no policy term (paper's ablation). Default true.</summary>
    public bool Reasoning { get; init; } = true;

    // ---- Reward (paper 3.3, fused reward) ----

    /// <summary>k of the NDCG part of the reward (paper 3.3, R_d). 1 or more; default 1000; catalogues that are smaller use their size.</summary>
    public int RewardNdcgK { get; init; } = 1000;

    /// <summary>Beta, the weight of the softmax part of the reward (paper 3.3, R_c); NDCG has 1 minus it. 0 (only the discrete part) to 1 (only the continuous part); default 0.05.</summary>
    public double SoftmaxWeight { get; init; } = 0.05;

    /// <summary>
    /// For how many of the user's next purchases a reasoning is rewarded: the mean of their rewards. 1 or more; default 1 (paper: the row's target alone). Ours: one
    /// purchase says little about what was worth saying, and what followed it costs no further reasoning. The later ones are the targets of the same
    /// <see cref="RRec.Data.PurchaseRow.User"/>'s later training rows; the item loss keeps to the row's own.
    /// </summary>
    public int RewardTargets { get; init; } = 1;

    // ---- Advantage ----

    /// <summary>Gaussian (GRPO) or leave-one-out (RLOO) (paper 3.3). Default Gaussian.</summary>
    public AdvantageType Advantage { get; init; } = AdvantageType.Gaussian;

    /// <summary>What Gaussian advantages are divided by; ignored by leave-one-out. Default Group (paper); Batch learns where rewards hardly differ.</summary>
    public AdvantageScale AdvantageScale { get; init; } = AdvantageScale.Group;

    /// <summary>Groups whose rewards span less than this get advantage 0 (O19). 0 or more; default 1e-6.</summary>
    public double ConstantGroupSpread { get; init; } = 1e-6;

    /// <summary>How many best trajectories of a group carry the item loss (paper 3.3), and only with advantage above 0 (O20). 1 to G; default 1 (paper: the best one).</summary>
    public int RelabelTopK { get; init; } = 1;

    // ---- Loss ----

    /// <summary>Lower clip (paper 3.3; recpo-reference 7): ratios below 1 minus it are cut. 0 to 1; default 0.2.</summary>
    public double EpsilonLow { get; init; } = 0.2;

    /// <summary>Upper clip (the same places): ratios above 1 plus it are cut. 0 or more; default 0.28.</summary>
    public double EpsilonHigh { get; init; } = 0.28;

    /// <summary>Weight of the policy (token) loss (paper 3.3: 1). 0 or more; default 1; 0 trains the item head alone.</summary>
    public double PolicyLossWeight { get; init; } = 1;

    /// <summary>Weight of the item loss (paper 3.3: 1). 0 or more; default 1.</summary>
    public double ItemLossWeight { get; init; } = 1;

    /// <summary>Weight of the policy's mean token entropy, subtracted from the loss (the paper has none). 0 or more; default 0.</summary>
    public double EntropyBonus { get; init; }

    /// <summary>Temperature of the log-probs in the policy loss. Above 0; default 1 (official, O3).</summary>
    public double LogProbTemperature { get; init; } = 1;

    /// <summary>How many random rows of the item table (detached) join the item loss's candidates. 0 or more; default 0 (parity).</summary>
    public int TableNegatives { get; init; }

    // ---- Update ----

    /// <summary>Passes over one rollout. 1 to 16; default 1. From the second on ratios leave 1 and the clip acts (O2).</summary>
    public int InnerUpdates { get; init; } = 1;

    /// <summary>Optimiser steps per pass: the users are dealt into this many mini-batches. 1 to <see cref="UsersPerStep"/>; default 1.</summary>
    public int MiniBatches { get; init; } = 1;

    /// <summary>
    /// Users per forward pass; gradients add up exactly as in one pass. 0 (default): as many as fit into <see cref="UpdateMemory"/>.
    /// </summary>
    public int UsersPerForward { get; init; }

    /// <summary>
    /// MiB that the activations of one forward pass of the update may take; a mini-batch that needs more runs in pieces of whole users. 0 (default): half of what is
    /// free when a training starts, on a CPU; 8 GiB on a GPU, whose free memory the library does not tell. Ignored where <see cref="UsersPerForward"/> is set.
    /// </summary>
    public int UpdateMemory { get; init; }

    /// <summary>
    /// Layers keep only their inputs and are computed again on the way back: a fraction of the memory for a third more arithmetic, and the same gradients. Default false.
    /// </summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Learning rate (recpo-reference 10). Above 0, up to 100; default 1e-5 (with LoRA of scale 32). Small backbones trained in full want 1e-4 to 3e-4.</summary>
    public double LearningRate { get; init; } = 1e-5;

    /// <summary>The rate's course after warm-up. Default Constant.</summary>
    public LearningRateShape Schedule { get; init; } = LearningRateShape.Constant;

    /// <summary>Steps in which the rate climbs linearly from 0. 0 or more; default 0 (the authors' 32 had no effect, O15).</summary>
    public int RateWarmUpSteps { get; init; }

    /// <summary>Where cosine and linear schedules end, as a share of the rate. 0 to 1; default 0. Ignored by Constant.</summary>
    public double FinalLearningRateShare { get; init; }

    /// <summary>AdamW's first decay. 0 to below 1; default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay. 0 to below 1; default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's denominator term. Above 0; default 1e-8.</summary>
    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay. 0 or more; default 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Gradients are scaled down to this norm. Above 0, or 0 for never; default 1.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>A step whose loss lies further from 0 than this has exploded: training stops with a <see cref="RecPODivergedException"/>, as for NaN. Above 0; default 10,000 (losses are of order 1).</summary>
    public double MaximumLoss { get; init; } = 10_000;

    // ---- What is trained ----

    /// <summary>LoRA or all weights. Default Auto.</summary>
    public Tuning Tuning { get; init; } = Tuning.Auto;

    /// <summary>
    /// With all weights: only those whose names contain one of these parts, separated by blanks, are trained (say <c>layers.1.self_attn.o_proj</c>: what a catalogue
    /// backbone says and what it means). Names are those of <see cref="RRec.Backbones.Backbone.TrainableParameters"/>. Null (default): all. Ignored with an adapter.
    /// </summary>
    public string? TrainOnly { get; init; }

    /// <summary>Rank of a new adapter (recpo-reference 8), which a warm-up trains first where there is one. 1 or more; default 4. Ignored where all weights train or an adapter is given.</summary>
    public int LoraRank { get; init; } = 4;

    /// <summary>Alpha of a new adapter; its scale is alpha / rank. Above 0; default 128. Ignored as the rank.</summary>
    public double LoraAlpha { get; init; } = 128;

    /// <summary>Which projections a new adapter changes: one or more of <see cref="LoraOptions.AllProjections"/>; default all seven (paper, experiments). Ignored as the rank.</summary>
    public IReadOnlyList<string> LoraTargets { get; init; } = LoraOptions.AllProjections;

    // ---- Item table ----

    /// <summary>The whole item table is encoded anew every so many steps, besides every evaluation. 0 (default): at evaluations only, as the authors do.</summary>
    public int TableRefreshSteps { get; init; }

    /// <summary>Whether the targets' fresh vectors replace their table rows at each step. Default true.</summary>
    public bool RefreshTargets { get; init; } = true;

    // ---- Length, evaluation, stopping ----

    /// <summary>Passes over the training rows. Above 0, fractions allowed; default 3.</summary>
    public double Epochs { get; init; } = 3;

    /// <summary>At most so many steps; 0 (default): as <see cref="Epochs"/> says.</summary>
    public int MaxSteps { get; init; }

    /// <summary>Validation is ranked every so many steps. 0 (default): 8 times an epoch. Ignored without validation rows.</summary>
    public int EvaluationSteps { get; init; }

    /// <summary>Only so many validation rows are used, spread evenly and always the same. 0 (default): all.</summary>
    public int EvaluationRows { get; init; }

    /// <summary>Whether validation is ranked before the first step too. Default true: without it the best weights could be worse than the start.</summary>
    public bool EvaluateAtStart { get; init; } = true;

    /// <summary>Training stops after so many evaluations without a better NDCG@10 (recpo-reference 9). 0: never; default 8.</summary>
    public int Patience { get; init; } = 8;

    /// <summary>Whether the weights with the best validation NDCG@10 are put back at the end. Default true.</summary>
    public bool RestoreBest { get; init; } = true;

    // ---- Checkpoints and the rest ----

    /// <summary>Where checkpoints and <c>metrics.jsonl</c> go, and where an interrupted training is continued from. Null (default): nowhere.</summary>
    public string? CheckpointDirectory { get; init; }

    /// <summary>A checkpoint every so many steps, besides those at evaluations and on cancellation. 0: only those; default 50.</summary>
    public int CheckpointSteps { get; init; } = 50;

    /// <summary>How many checkpoints are kept. 1 or more; default 2.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Seeds the order of rows and the noise of samples: f(seed, step, row, trajectory) (O14).</summary>
    public int Seed { get; init; }

    /// <summary>Recommended or the authors' arithmetic.</summary>
    public Compatibility Compatibility { get; init; } = Compatibility.Recommended;

    /// <summary>Trajectories per mini-batch where <see cref="Compatibility"/> is Official: their gradients are summed, then one optimiser step. 1 or more; default 4. Otherwise ignored.</summary>
    public int OfficialMiniBatchSize { get; init; } = 4;

    /// <summary>A further loss evaluated at every update, e.g. a ranking loss that anchors the start; null (default): none.</summary>
    public IAuxiliaryLoss? AuxiliaryLoss { get; init; }

    /// <summary>A change of input embeddings by training row, e.g. a catalogue backbone's fold tables; null (default): none.</summary>
    public IEmbeddingDelta? EmbeddingDelta { get; init; }

    /// <summary>The clock for durations in reports; the system's by default.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    // ---- Presets ----

    /// <summary>The paper's algorithm: group-normalised advantages, G = 6, the best trajectory alone carries the item loss, temperature 2 among the 200 likeliest tokens.</summary>
    public static RecPOOptions Paper => new() { SamplingTemperature = 2, TopK = 200, UsersPerStep = 4 };

    /// <summary>The numbers of the authors' launcher script: G = 4, 4 users, relabel 2, temperature 2 among 50 tokens, their evaluation rhythm; with our arithmetic unless <see cref="Compatibility"/> says otherwise.</summary>
    public static RecPOOptions OfficialLauncher => new() { SamplingTemperature = 2, TopK = 50, UsersPerStep = 4, TrajectoriesPerUser = 4, RelabelTopK = 2 };

    /// <summary>
    /// For a catalogue backbone on a few cores: all weights, 16 users x 6, batch-scaled advantages, a low rate, and policy and item losses small beside the anchor that
    /// <see cref="R2ecTraining"/> adds. The start is a wired recommender that ranks well already: full weights and ten times the rate lose part of it (docs/recpo.md, Measured).
    /// </summary>
    public static RecPOOptions Cpu => new()
    {
        AdvantageScale = AdvantageScale.Batch, RelabelTopK = 2, Tuning = Tuning.Full, PolicyLossWeight = 0.1, ItemLossWeight = 0.5, LearningRate = 1e-5,
        Schedule = LearningRateShape.Cosine, RateWarmUpSteps = 10, FinalLearningRateShare = 0.1, MaxSteps = 60, EvaluationSteps = 20, EvaluationRows = 1000, TableNegatives = 200, Patience = 0,
    };
}
