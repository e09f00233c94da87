namespace RRec.RecPO;

/// <summary>The learning rate of each optimiser step: a linear climb from 0, then constant, cosine or linear. Unlike the authors' schedule the climb is real (O15).</summary>
internal static class LearningRateSchedule
{
    /// <summary>The rate of a step.</summary>
    /// <param name="step">0-based number of the step.</param>
    /// <param name="totalSteps">How many steps the whole training has.</param>
    /// <param name="options">Rate, shape, warm-up and final share are read.</param>
    public static double At(int step, int totalSteps, RecPOOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return At(step, totalSteps, options.LearningRate, options.Schedule, options.RateWarmUpSteps, options.FinalLearningRateShare);
    }

    /// <summary>The rate of a step, all values given.</summary>
    public static double At(int step, int totalSteps, double rate, LearningRateShape shape, int warmUpSteps, double finalShare)
    {
        if (step < warmUpSteps) return rate * (step + 1.0) / warmUpSteps;
        if (shape == LearningRateShape.Constant) return rate;
        double done = totalSteps > warmUpSteps ? Math.Clamp((double)(step - warmUpSteps) / (totalSteps - warmUpSteps), 0, 1) : 1;
        double left = shape == LearningRateShape.Cosine ? 0.5 * (1 + Math.Cos(Math.PI * done)) : 1 - done;
        return rate * (finalShare + (1 - finalShare) * left);
    }
}
