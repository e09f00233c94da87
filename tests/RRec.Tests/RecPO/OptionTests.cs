using RRec.RecPO;

namespace RRec.Tests.RecPO;

public sealed class OptionTests
{
    [Fact]
    public void Defaults_and_presets_pass_their_own_gate()
    {
        Assert.Empty(new RecPOOptions().Violations());
        Assert.Empty(RecPOOptions.Paper.Violations());
        Assert.Empty(RecPOOptions.OfficialLauncher.Violations());
        Assert.Empty(RecPOOptions.Cpu.Violations());
        Assert.Empty((RecPOOptions.OfficialLauncher with { Compatibility = Compatibility.Official }).Violations());
    }

    [Fact]
    public void All_violations_are_reported_together()
    {
        RecPOOptions bad = new() { SamplingTemperature = 0, LearningRate = double.NaN, ClipNorm = -1, KeepCheckpoints = 0, SoftmaxWeight = 1.5 };
        ArgumentException e = Assert.Throws<ArgumentException>(bad.Validate);
        foreach (string name in new[] { "SamplingTemperature is 0", "LearningRate is NaN", "ClipNorm is -1", "KeepCheckpoints is 0", "SoftmaxWeight is 1.5" })
            Assert.Contains(name, e.Message);
    }

    [Fact]
    public void One_trajectory_is_refused_except_without_reasoning()
    {
        Assert.Contains(new RecPOOptions { TrajectoriesPerUser = 1 }.Violations(), v => v.Contains("TrajectoriesPerUser is 1"));
        Assert.Empty(new RecPOOptions { TrajectoriesPerUser = 1, Reasoning = false }.Violations());
    }

    [Fact]
    public void Rates_climb_then_follow_their_shape()
    {
        RecPOOptions o = new() { LearningRate = 1, RateWarmUpSteps = 4, Schedule = LearningRateShape.Linear, FinalLearningRateShare = 0.2 };
        Assert.Equal([0.25, 0.5, 0.75, 1.0, 1.0], Enumerable.Range(0, 5).Select(s => LearningRateSchedule.At(s, 104, o)));
        Assert.Equal(0.6, LearningRateSchedule.At(54, 104, o), 12);
        Assert.Equal(0.2, LearningRateSchedule.At(104, 104, o), 12);
        Assert.Equal(0.6, LearningRateSchedule.At(54, 104, o with { Schedule = LearningRateShape.Cosine }), 12);
        Assert.Equal(1.0, LearningRateSchedule.At(99, 104, o with { Schedule = LearningRateShape.Constant }), 12);
    }

    [Fact]
    public void Settings_survive_json_and_name_what_is_wrong()
    {
        R2ecSettings settings = new() { Window = 7, UseReasoning = false, Temperature = 0.05 };
        Assert.Equal(settings, R2ecSettings.Parse(settings.ToJson(), "here"));
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => R2ecSettings.Parse("{\"Window\":0}", "model.zip/settings"));
        Assert.Contains("model.zip/settings", e.Message);
        Assert.Contains("Window is 0", e.Message);
        Assert.Throws<InvalidDataException>(() => R2ecSettings.Parse("nonsense", "x"));
    }
}
