namespace RRec.WarmUp;

/// <summary>
/// Settings of the supervised training before RecPO. The defaults suit a catalogue backbone; a real LLM with LoRA wants fewer candidates,
/// more <see cref="Steps"/>, and <see cref="UsersPerStep"/> as memory allows. Budgets are steps, never seconds.
/// </summary>
public sealed record WarmUpOptions
{
    /// <summary>Optimiser steps. 0 or more; default 20; 0 only fits the temperature.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Histories a step; each is judged at every line. 1 or more; default 40.</summary>
    public int UsersPerStep { get; init; } = 40;

    /// <summary>
    /// Peak learning rate. Above 0; default 2e-5: a catalogue backbone starts wired, and rates of 1e-4 and more lost ranking in every run so far
    /// (docs/catalogue-backbone.md). An adapter on a real LLM wants 1e-4 to 1e-3.
    /// </summary>
    public double LearningRate { get; init; } = 2e-5;

    /// <summary>Factor on the learning rate of the token embeddings, where they are trained. 0 or more; default 0.3.</summary>
    public double EmbeddingRateFactor { get; init; } = 0.3;

    /// <summary>Steps over which the rate climbs, before it falls along a cosine. 0 or more; default 5.</summary>
    public int RateWarmUpSteps { get; init; } = 5;

    /// <summary>Items drawn uniformly as candidates of a step, encoded afresh with gradient (stale ones make the loss collapse). 0 or more; default 400.</summary>
    public int UniformCandidates { get; init; } = 400;

    /// <summary>Labels of the step that are candidates too, at most. 1 or more; default 200. Without a guide logits are corrected for how often an item is drawn.</summary>
    public int LabelCandidates { get; init; } = 200;

    /// <summary>
    /// Items drawn as the linear teacher ranks them at the step's histories: what it is sure to rank low teaches little, and every candidate costs a pass over its text.
    /// 0 or more; default 0. Ignored without a guide.
    /// </summary>
    public int TeacherCandidates { get; init; }

    /// <summary>
    /// Weight of the divergence from the linear teacher's ranking. 0 or more; default 1; with 0 no teacher is fitted for a given backbone, and purchases alone teach.
    /// </summary>
    public double TeacherWeight { get; init; } = 1;

    /// <summary>Weight of the cross entropy of the purchases. 0 or more; default 0.1 (more makes it trust in-sample labels); without a guide it counts as 1.</summary>
    public double LabelWeight { get; init; } = 0.1;

    /// <summary>Weight of the ranking losses at the answer, after the reasoning, beside those at the history lines. 0 or more; default 1.</summary>
    public double AnswerWeight { get; init; } = 1;

    /// <summary>
    /// Weight of the cross entropy of the reasonings' tokens: the statements that the teacher suggests, in the words of <see cref="RRec.Text.PromptFormat.Reasoning"/>, or, where
    /// it has none, what the untrained model wrote itself (<see cref="OwnReasonings"/>). 0 or more; default 0.3; 0 leaves the language to itself, and training the ranking alone unlearns it.
    /// </summary>
    public double ReasoningWeight { get; init; } = 0.3;

    /// <summary>
    /// How much chance there is in what a reasoning says: 1 (default) draws statements as the predictor prefers them, so that RecPO has something to choose from; 0 always takes
    /// the best. 0 or more. A model that has few steps to learn in finds out sooner what is best for whom where it is below 1.
    /// </summary>
    public double StatementTemperature { get; init; } = 1;

    /// <summary>
    /// Where nothing is known that is worth saying: so many reasonings are written greedily by the model before the first step, and every fourth history of a step is one of theirs.
    /// 0 (none: only the ranking is trained) or more; default 32. Ignored with a guide that makes statements, and without reasoning.
    /// </summary>
    public int OwnReasonings { get; init; } = 32;

    /// <summary>Share of history titles that are blanked out. From 0 to below 1; default 0.1. Ignored without a guide.</summary>
    public double TitleDropout { get; init; } = 0.1;

    /// <summary>Decay of the running mean of the weights that is kept in the end; 0: the last weights. From 0 to below 1; default 0.95.</summary>
    public double WeightAverage { get; init; } = 0.95;

    /// <summary>The norm to which gradients are clipped. 0 (never) or above; default 1.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>
    /// Whether training rows take the fold tables and the teachers without their user. Default false: the whole teacher is followed on the tables that
    /// are saved; with true the training first mends what is coarse about the fold tables, which costs ranking (docs/catalogue-backbone.md).
    /// </summary>
    public bool UseFoldTables { get; init; }

    /// <summary>Whether the ranking temperature is learned too (and kept in the model's settings). Default true; without a guide it stays as it is.</summary>
    public bool LearnTemperature { get; init; } = true;

    /// <summary>Seeds rows, candidates, reasonings and dropout. Default 0.</summary>
    public int Seed { get; init; }

    /// <summary>Every value that breaks its range, one sentence each; empty where all are fine.</summary>
    public IReadOnlyList<string> Violations()
    {
        List<string> found = [];
        void Check(bool ok, string name, object value, string rule)
        {
            if (!ok) found.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} is {value}: it must be {rule}."));
        }

        Check(Steps >= 0, nameof(Steps), Steps, "0 or more");
        Check(UsersPerStep >= 1, nameof(UsersPerStep), UsersPerStep, "1 or more");
        Check(LearningRate > 0 && double.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "above 0 and finite");
        Check(EmbeddingRateFactor >= 0, nameof(EmbeddingRateFactor), EmbeddingRateFactor, "0 or more");
        Check(RateWarmUpSteps >= 0, nameof(RateWarmUpSteps), RateWarmUpSteps, "0 or more");
        Check(UniformCandidates >= 0, nameof(UniformCandidates), UniformCandidates, "0 or more");
        Check(TeacherCandidates >= 0, nameof(TeacherCandidates), TeacherCandidates, "0 or more");
        Check(OwnReasonings >= 0, nameof(OwnReasonings), OwnReasonings, "0 or more");
        Check(LabelCandidates >= 1, nameof(LabelCandidates), LabelCandidates, "1 or more");
        foreach ((double weight, string name) in new[] { (TeacherWeight, nameof(TeacherWeight)), (LabelWeight, nameof(LabelWeight)), (AnswerWeight, nameof(AnswerWeight)), (ReasoningWeight, nameof(ReasoningWeight)), (ClipNorm, nameof(ClipNorm)), (StatementTemperature, nameof(StatementTemperature)) })
            Check(weight >= 0 && double.IsFinite(weight), name, weight, "0 or more");
        Check(TitleDropout is >= 0 and < 1, nameof(TitleDropout), TitleDropout, "from 0 to below 1");
        Check(WeightAverage is >= 0 and < 1, nameof(WeightAverage), WeightAverage, "from 0 to below 1");
        return found;
    }

    /// <summary>The gate that every warm-up passes.</summary>
    /// <exception cref="ArgumentException">Names all violations at once.</exception>
    public void Validate()
    {
        IReadOnlyList<string> found = Violations();
        if (found.Count > 0) throw new ArgumentException("Warm-up options:" + Environment.NewLine + string.Join(Environment.NewLine, found));
    }
}
