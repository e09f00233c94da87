using RRec.Backbones;
using RRec.Data;
using RRec.RecPO;
using RRec.WarmUp;
using static TorchSharp.torch;

namespace RRec.Tests;

/// <summary>The whole way from purchases to a model, on an invented shop in which people stay with one kind of thing.</summary>
public sealed class R2ecTrainingTests
{
    private static readonly RecPOOptions Short = RecPOOptions.Cpu with { MaxSteps = 4, UsersPerStep = 8, TrajectoriesPerUser = 3, EvaluationSteps = 2, TableNegatives = 4, RateWarmUpSteps = 0, TableRefreshSteps = 0 };

    private static readonly R2ecTrainingOptions Options = new() { CatalogueBackbone = Shop.Recipe, WarmUp = new() { Steps = 4, UsersPerStep = 8, UniformCandidates = 10 }, RecPO = Short };

    [Fact]
    public void A_shop_without_a_backbone_gets_a_model_that_ranks_better_than_chance()
    {
        List<R2ecProgress> seen = [];
        using R2ecModel model = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(120, 1), Shop.Rows(30, 2), Options, new Listener(seen));
        Assert.Equal(4, model.Training!.Steps);
        PurchaseRow[] test = Shop.Rows(60, 3);
        IReadOnlyList<Recommendation> answers = model.Recommend([.. test.Select(r => r.History)], new() { Labels = [.. test.Select(r => r.Target)] });
        // Targets are of the history's kind: 10 items of 40, some of them masked.
        Assert.True(answers.Count(a => a.LabelRank <= 10) > 40, $"{answers.Count(a => a.LabelRank <= 10)} of 60 in the first ten");
        Assert.Contains(seen, p => p.Phase == TrainingPhase.Backbone);
        Assert.Contains(seen, p => p.StepMetrics is not null);
    }

    [Fact]
    public void Stopping_before_RecPO_and_continuing_equals_one_run_and_leaves_the_first_model_alone()
    {
        PurchaseRow[] train = Shop.Rows(120, 1);
        using R2ecModel whole = R2ecTraining.Fit(Shop.Catalogue, train, null, Options);
        using R2ecModel start = R2ecTraining.Fit(Shop.Catalogue, train, null, Options with { RunRecPO = false });
        float[] before = [.. start.Recommend([default]).SelectMany(a => a.Scores)];
        using R2ecModel continued = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(120, 1), null, Options with { InitialModel = start });
        Assert.Equal(before, start.Recommend([default]).SelectMany(a => a.Scores));
        Assert.Null(start.Training);
        Assert.Equal(whole.Recommend([train[5].History]).Single().Scores, continued.Recommend([train[5].History]).Single().Scores);
        Assert.NotEqual(before, continued.Recommend([default]).SelectMany(a => a.Scores));
    }

    [Fact]
    public void Going_on_without_the_teacher_is_warned_of_and_takes_the_preset_of_a_catalogue_backbone()
    {
        using R2ecModel start = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(120, 1), null, Options with { RunRecPO = false });
        List<R2ecProgress> seen = [];
        using CancellationTokenSource stop = new();
        // Other rows than those that the backbone was made from, as with a loaded model, which has no teacher at all.
        Listener listener = new(seen, p => { if (p.StepMetrics is not null) stop.Cancel(); });
        Assert.ThrowsAny<OperationCanceledException>(() => R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(400, 9), null, new() { InitialModel = start }, listener, stop.Token));
        Assert.Contains(seen, p => p.IsWarning && p.Message!.Contains("linear teacher is not here"));
        Assert.Equal(RecPOOptions.Cpu.MaxSteps, seen.First(p => p.StepMetrics is not null).TotalSteps);

        seen.Clear();
        using R2ecModel held = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(120, 1), null, Options with { InitialModel = start }, new Listener(seen));
        Assert.DoesNotContain(seen, p => p.IsWarning);
    }

    [Fact]
    public void A_report_reads_as_one_line()
    {
        Assert.Equal("WarmUp 3/20, loss 1.500, divergence 0.2", new R2ecProgress(TrainingPhase.WarmUp, 3, 20, "divergence 0.2") { Loss = 1.5 }.ToString());
        Assert.Equal("Backbone, reading", new R2ecProgress(TrainingPhase.Backbone, 0, 0, "reading").ToString());
    }

    [Fact]
    public void A_backbone_made_here_writes_statements_only_and_ranks_as_with_its_whole_vocabulary()
    {
        using R2ecModel model = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(120, 1), null, Options with { RunRecPO = false });
        int[] tokens = model.Settings.ReasoningTokens!;
        Assert.Contains(model.Writer.AnswerIds[0], tokens);
        Assert.True(tokens.Length < 40 && tokens.Length < model.Backbone.Config.VocabularySize);
        UserHistory[] histories = [.. Shop.Rows(20, 3).Select(r => r.History)];
        IReadOnlyList<Recommendation> few = model.Recommend(histories);
        model.Settings = model.Settings with { ReasoningTokens = null };
        IReadOnlyList<Recommendation> all = model.Recommend(histories);
        Assert.Equal(all.Select(a => a.Reasoning), few.Select(a => a.Reasoning));
        for (int i = 0; i < all.Count; i++) Assert.Equal(all[i].Scores[0], few[i].Scores[0], 1e-3f);
        R2ecSettings settings = model.Settings with { ReasoningTokens = tokens };
        Assert.Equal(settings, R2ecSettings.Parse(settings.ToJson(), "here"));
        Assert.NotEqual(settings, model.Settings);
    }

    [Fact]
    public void The_warm_up_of_a_given_folder_follows_a_linear_teacher_unless_it_is_switched_off()
    {
        string folder = Directory.CreateTempSubdirectory("rrec-given-").FullName;
        try
        {
            PurchaseRow[] train = Shop.Rows(120, 1);
            using (R2ecModel made = R2ecTraining.Fit(Shop.Catalogue, train, null, Options with { RunRecPO = false, BackboneOutput = folder })) { }
            R2ecTrainingOptions given = Options with { Backbone = folder, RunRecPO = false, Settings = new() { MaxNewTokens = 8, Temperature = 0.9 } };
            List<R2ecProgress> seen = [];
            using R2ecModel taught = R2ecTraining.Fit(Shop.Catalogue, train, null, given, new Listener(seen));
            using R2ecModel alone = R2ecTraining.Fit(Shop.Catalogue, train, null, given with { WarmUp = given.WarmUp! with { TeacherWeight = 0 } });
            Assert.Contains(seen, p => p.Message == "linear teacher");
            Assert.InRange(taught.Settings.Temperature, 0.001, 0.5);   // learned beside the teacher
            Assert.Equal(0.9, alone.Settings.Temperature);
            Assert.NotEqual(alone.Recommend([train[5].History]).Single().Scores, taught.Recommend([train[5].History]).Single().Scores);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void All_wrong_settings_of_all_stages_are_named_together()
    {
        R2ecTrainingOptions wrong = new() { Backbone = "/no/such/folder", WeightType = "int3", Settings = new() { Window = 0 }, RecPO = new() { LearningRate = -1 } };
        string message = Assert.Throws<ArgumentException>(() => R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(4, 1), null, wrong)).Message;
        foreach (string part in new[] { "/no/such/folder", "int3", "Settings.Window is 0", "RecPO.LearningRate is -1" }) Assert.Contains(part, message);
        foreach (string device in new[] { "gpu", "cuda:99", "cuda:x", "" })
            Assert.Contains($"Device is '{device}'", Assert.Throws<ArgumentException>(() => R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(4, 1), null, new() { Device = device })).Message);
    }

    [GoldenFact("goldens/recpo/tiny-qwen2")]
    public void Weights_of_the_fastest_type_are_taken_only_where_an_adapter_is_trained()
    {
        R2ecTrainingOptions given = new() { Backbone = Goldens.PathOf("goldens/recpo/tiny-qwen2"), WeightType = "auto" };
        ScalarType fastest = WeightTypes.Fastest(CPU);
        Assert.Equal(WeightTypes.BFloat16Speedup >= 1.3 ? ScalarType.BFloat16 : ScalarType.Float32, fastest);
        Assert.Equal(fastest, (given with { RecPO = new() { Tuning = Tuning.Lora } }).ScalarType);
        Assert.Equal(ScalarType.Float32, given.ScalarType);   // so small that all weights are trained
        Assert.Equal(ScalarType.Float32, (given with { RecPO = new() { Tuning = Tuning.Full } }).ScalarType);
        Assert.Equal(ScalarType.Float32, (given with { Backbone = null }).ScalarType);
        Assert.Empty(given.Violations());
    }

    [Fact]
    public void A_type_of_weights_without_products_here_is_refused_before_anything_is_trained()
    {
        Assert.True(WeightTypes.Multiplies(ScalarType.Float32, CPU));
        Assert.True(WeightTypes.Multiplies(ScalarType.BFloat16, CPU));
        Assert.False(WeightTypes.Multiplies(ScalarType.Bool, CPU));
        List<R2ecProgress> seen = [];
        void Fit() => R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(120, 1), null, Options with { RunRecPO = false, WeightType = "float16" }, new Listener(seen)).Dispose();
        if (WeightTypes.Multiplies(ScalarType.Float16, CPU)) return;   // libtorch 2.1 and later
        Assert.Contains("float16", Assert.Throws<ArgumentException>(Fit).Message);
        Assert.Empty(seen);
    }

    private sealed class Listener(List<R2ecProgress> seen, Action<R2ecProgress>? also = null) : IProgress<R2ecProgress>
    {
        public void Report(R2ecProgress value)
        {
            seen.Add(value);
            also?.Invoke(value);
        }
    }
}
