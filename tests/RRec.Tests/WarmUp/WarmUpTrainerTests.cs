using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Tests.CatalogueBackbone;
using RRec.WarmUp;

namespace RRec.Tests.WarmUp;

public sealed class WarmUpTrainerTests
{
    private static readonly WarmUpOptions Short = new() { Steps = 30, UsersPerStep = 16, UniformCandidates = 30, RateWarmUpSteps = 2, LearningRate = 3e-4, WeightAverage = 0.5 };

    private static (R2ecModel Model, CatalogueBackboneGuide Guide, PurchaseRow[] Train) Start()
    {
        using Cinema.Folder folder = new();
        PurchaseRow[] train = Cinema.Rows(80, 1);
        CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(Cinema.Catalogue, train, Cinema.Recipe with { DistillationSteps = 10 }, folder.Path);
        return (R2ecModel.Open(folder.Path, Cinema.Catalogue, new R2ecSettings { MaxNewTokens = 8 }), guide, train);
    }

    private static float[] Scores(R2ecModel model) => model.Recommend([Cinema.Rows(1, 9)[5].History], new RecommendRequest { K = 20 })[0].Scores;

    [Fact]
    public void The_loss_falls_and_the_same_seed_gives_the_same_scores()
    {
        float[][] scores = new float[2][];
        for (int run = 0; run < 2; run++)
        {
            (R2ecModel model, CatalogueBackboneGuide guide, PurchaseRow[] train) = Start();
            using (model)
            using (guide)
            {
                WarmUpResult result = WarmUpTrainer.Train(model, train, Short, guide);
                Assert.Equal(30, result.Steps);
                Assert.True(result.LastLoss < result.FirstLoss, $"loss from {result.FirstLoss} to {result.LastLoss}");
                Assert.InRange(result.Temperature, 0.002, 0.2);
                Assert.Equal(result.Temperature, model.Settings.Temperature);
                scores[run] = Scores(model);
            }
        }
        Assert.Equal(scores[0], scores[1]);
    }

    [Fact]
    public void With_an_adapter_only_the_adapter_moves_and_no_guide_is_needed()
    {
        (R2ecModel model, CatalogueBackboneGuide guide, PurchaseRow[] train) = Start();
        using (model)
        using (guide)
        {
            model.Backbone.AttachLora(new LoraOptions { Rank = 4, Alpha = 8 }, 1);
            float[] before = model.Backbone.HuggingFaceWeights()["model.embed_tokens.weight"].data<float>().ToArray(), scores = Scores(model);
            WarmUpResult result = WarmUpTrainer.Train(model, train, Short with { Steps = 6 });
            Assert.Equal(model.Settings.Temperature, result.Temperature, 6);
            Assert.Equal(before, model.Backbone.HuggingFaceWeights()["model.embed_tokens.weight"].data<float>().ToArray());
            Assert.NotEqual(scores, Scores(model));
        }
    }

    [Fact]
    public void A_backbone_that_nothing_was_wired_into_learns_from_the_teacher_alone()
    {
        PurchaseRow[] train = Cinema.Rows(80, 1);
        using TeacherGuide teacher = TeacherGuide.Fit(Cinema.Catalogue, train, Cinema.Recipe with { NamedAttributes = 0 });
        Assert.True(teacher.TeacherTemperature > 0);
        (R2ecModel model, CatalogueBackboneGuide guide, _) = Start();
        using (model)
        using (guide)
        {
            model.Backbone.AttachLora(new LoraOptions { Rank = 8, Alpha = 16 }, 1);
            List<string> said = [];
            WarmUpResult result = WarmUpTrainer.Train(model, train, Short with { LabelWeight = 0, LearningRate = 1e-2, OwnReasonings = 0 }, teacher, new Progress(p => said.Add(p.Message!)));
            Assert.True(result.LastLoss < result.FirstLoss, $"loss from {result.FirstLoss} to {result.LastLoss}");
            Assert.All(said, s => Assert.Contains("reasoning NaN", s));   // it suggests none
        }
    }

    private sealed class Progress(Action<R2ecProgress> report) : IProgress<R2ecProgress>
    {
        public void Report(R2ecProgress value) => report(value);
    }

    [Fact]
    public void No_steps_leave_the_weights_alone()
    {
        (R2ecModel model, CatalogueBackboneGuide guide, PurchaseRow[] train) = Start();
        using (model)
        using (guide)
        {
            float[] before = Scores(model);
            Assert.Equal(0, WarmUpTrainer.Train(model, train, Short with { Steps = 0 }, guide).Steps);
            Assert.Equal(before, Scores(model));
        }
    }

    [Fact]
    public void Wrong_options_are_named_together()
    {
        string message = Assert.Throws<ArgumentException>(() => new WarmUpOptions { Steps = -1, TitleDropout = 1 }.Validate()).Message;
        Assert.Contains("Steps is -1", message);
        Assert.Contains("TitleDropout is 1", message);
    }
}
