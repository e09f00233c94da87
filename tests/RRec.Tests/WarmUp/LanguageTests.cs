using System.Globalization;
using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using RRec.Tests.RecPO;
using RRec.WarmUp;
using static TorchSharp.torch;

namespace RRec.Tests.WarmUp;

/// <summary>What a warm-up teaches any backbone to say: the statements that its teacher suggests, or what it said before.</summary>
public sealed class LanguageTests
{
    private static readonly CatalogueBackboneOptions Recipe = new() { EaseRidge = 5, NextItemRidge = 2, Folds = 2, NamedAttributes = 2 };

    private static readonly WarmUpOptions Options = new() { Steps = 60, UsersPerStep = 8, UniformCandidates = 12, LabelCandidates = 8, LearningRate = 1e-2, RateWarmUpSteps = 2, WeightAverage = 0.5, Seed = 3 };

    private static PurchaseRow[] Rows { get; } = TinyWorld.Rows(60);

    private static R2ecModel Model(int newTokens = 48)
    {
        R2ecModel model = TinyWorld.Model(new R2ecSettings { Window = 3, MaxNewTokens = newTokens, Temperature = 0.1 });
        model.Backbone.AttachLora(new LoraOptions { Rank = 8, Alpha = 16 }, seed: 1);
        return model;
    }

    private static TeacherGuide Teacher(CatalogueBackboneOptions? recipe = null) => TeacherGuide.Fit(TinyWorld.Catalogue, Rows, recipe ?? Recipe);

    /// <summary>Mean log-probability of a text after each row's prompt.</summary>
    private static double Likelihood(R2ecModel model, Func<PurchaseRow, int[]> text)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        double sum = 0;
        int count = 0;
        foreach (PurchaseRow row in Rows.Take(12))
        {
            int[] prompt = model.PromptOf(row.History), said = text(row);
            using PaddedBatch batch = PaddedBatch.FromRows([[.. prompt, .. said]]);
            Tensor before = model.Backbone.Hidden(batch).squeeze(0).narrow(0, prompt.Length - 1, said.Length);
            sum += model.Backbone.TokenLogProbabilities(before, tensor(said.Select(i => (long)i).ToArray())).sum().item<float>();
            count += said.Length;
        }
        return sum / count;
    }

    [GoldenFact(TinyWorld.Needs)]
    public void What_the_teacher_suggests_becomes_likely_and_is_what_the_model_then_writes()
    {
        using TeacherGuide teacher = Teacher();
        using R2ecModel model = Model();
        Assert.Contains("round", teacher.AttributeWords);
        int[] Suggested(PurchaseRow row) => [.. model.Writer.ReasoningIds([.. teacher.Statements!.Best(row.History.Items.Span).Select(a => teacher.AttributeWords[a])]), .. model.Writer.AnswerIds];
        double before = Likelihood(model, Suggested);
        Assert.Equal(0, Statements());
        WarmUpTrainer.Train(model, Rows, Options, teacher);
        double after = Likelihood(model, Suggested);
        Assert.True(after > before + 3 && after > -1, $"{before} to {after} nats a token");
        Assert.True(Statements() > 12, $"{Statements()} statements written by the trained model");

        // Of twelve greedy reasonings of two statements each.
        int Statements() => model.Recommend([.. Rows.Take(12).Select(r => r.History)]).Sum(r => r.Reasoning.TrimEnd('.').Split(", ").Count(said => teacher.AttributeWords.Contains(said)));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Ranking_after_a_reasoning_is_trained_where_it_is_read()
    {
        using TeacherGuide teacher = Teacher();
        double[] apart = new double[3];
        foreach ((int at, double weight) in new[] { (0, -1.0), (1, 0.0), (2, 1.0) })   // untrained, trained at the lines alone, and at the answer too
        {
            using R2ecModel model = Model();
            WarmUpOptions options = Options with { AnswerWeight = Math.Max(0, weight) };
            if (weight >= 0) WarmUpTrainer.Train(model, Rows, options, teacher);
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            new WarmUpObjective(model, teacher, options with { UniformCandidates = 30 }).Evaluate(Rows, [.. Enumerable.Range(0, Rows.Length)], new Random(5),
                tensor((float)Math.Log(model.Settings.Temperature)), 0, out WarmUpObjective.Parts parts);
            apart[at] = parts.AnswerDivergence;
        }
        Assert.True(apart[2] < 0.7 * apart[0] && apart[2] < apart[1], string.Join(", ", apart.Select(x => x.ToString("0.000", CultureInfo.InvariantCulture))));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_language_loss_judges_reasoning_and_answer_alone_and_reaches_only_the_adapter()
    {
        using TeacherGuide teacher = Teacher();
        using R2ecModel model = Model();
        using var scope = NewDisposeScope();
        WarmUpBatch batch = WarmUpBatch.Make(model, teacher, Rows, null, Options, new Random(1));
        int[] answer = model.Writer.AnswerIds;
        Assert.Equal("<|im_end|>.", model.Tokenizer.DecodeIds(model.Writer.ReasoningIds(["<|im_end|>"]), skipSpecialTokens: true));   // data spells no control token
        for (int i = 0; i < Rows.Length; i++)
        {
            int[] prompt = model.PromptOf(Rows[i].History), words = model.Writer.ReasoningIds([.. batch.Named[i].Select(a => teacher.AttributeWords[a])]);
            Assert.Equal(2, batch.Named[i].Distinct().Count());
            Assert.Equal([.. prompt, .. words, .. answer], batch.Sequences[i]);
            Assert.Equal(Enumerable.Range(prompt.Length, words.Length + answer.Length), batch.Written.Where(w => w.Row == i).Select(w => w.Token));
        }
        // Drawn, not the best alone: RecPO needs something to choose from.
        Assert.True(batch.Named.Zip(Rows).Count(x => !x.First.SequenceEqual(teacher.Statements!.Best(x.Second.History.Items.Span))) > 10);

        WarmUpBatch best = WarmUpBatch.Make(model, teacher, Rows, null, Options with { StatementTemperature = 0 }, new Random(1));
        Assert.All(best.Named.Zip(Rows), x => Assert.Equal(teacher.Statements!.Best(x.Second.History.Items.Span), x.First));

        float[] frozen = model.Backbone.HuggingFaceWeights()["model.embed_tokens.weight"].data<float>().ToArray();
        new WarmUpObjective(model, teacher, Options with { TeacherWeight = 0, LabelWeight = 0 }).Evaluate(Rows, [.. Enumerable.Range(0, Rows.Length)], new Random(1), zeros(1).sum(), 1, out _).backward();
        Assert.Contains(model.Backbone.TrainableParameters(), p => p.Parameter.grad is { } g && g.abs().sum().item<float>() > 0);
        WarmUpTrainer.Train(model, Rows, Options with { Steps = 3 }, teacher);
        Assert.Equal(frozen, model.Backbone.HuggingFaceWeights()["model.embed_tokens.weight"].data<float>().ToArray());
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_same_seed_gives_the_same_weights_and_another_other_ones()
    {
        float[][] weights = [.. new[] { 3, 3, 4 }.Select(seed =>
        {
            using TeacherGuide teacher = Teacher();
            using R2ecModel model = Model();
            WarmUpTrainer.Train(model, Rows, Options with { Steps = 4, TeacherCandidates = 5, Seed = seed }, teacher);
            return TinyWorld.Weights(model);
        })];
        Assert.Equal(weights[0], weights[1]);
        Assert.NotEqual(weights[0], weights[2]);
    }

    [GoldenTheory(TinyWorld.Needs)]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_nothing_can_be_suggested_the_models_own_words_stay_likely(bool teach)
    {
        using TeacherGuide? teacher = teach ? Teacher(Recipe with { NamedAttributes = 0 }) : null;
        Assert.Null(teacher?.Statements);
        Dictionary<PurchaseRow, int[]> said;
        double[] likely = new double[2];
        foreach (int own in new[] { 0, 60 })
        {
            using R2ecModel model = Model(newTokens: 8);
            using (no_grad())
            {
                RRec.Generation.Generator generator = new(model.Backbone, model.Tokenizer, model.Writer);
                said = generator.Generate([.. Rows.Select(r => model.PromptOf(r.History))], new() { MaxNewTokens = 8 }).ToDictionary(t => Rows[t.Prompt], t => t.Ids);
            }
            WarmUpTrainer.Train(model, Rows, Options with { OwnReasonings = own, ReasoningWeight = 1 }, teacher);
            likely[own / 60] = Likelihood(model, r => said[r]);
        }
        Assert.True(likely[1] > likely[0] + 0.2, $"{likely[0]} without, {likely[1]} with");
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Candidates_drawn_from_the_teacher_are_ranked_higher_by_it_than_others()
    {
        using TeacherGuide teacher = Teacher();
        using R2ecModel model = Model();
        double Mean(WarmUpOptions options)
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            int[] candidates = new WarmUpObjective(model, teacher, options).Read([Rows[0]], [0], new Random(1)).Candidates;
            float[] scores = teacher.Teacher.Score(Rows[0].History.Items.Span);
            return candidates.Except(Rows[0].History.Items.ToArray()).Append(Rows[0].Target).Average(c => scores[c]);
        }
        WarmUpOptions few = Options with { UniformCandidates = 0, LabelCandidates = 1 };
        Assert.True(Mean(few with { TeacherCandidates = 12 }) > Mean(few with { UniformCandidates = 12 }));
        Assert.Contains("TeacherCandidates is -1", Assert.Throws<ArgumentException>((few with { TeacherCandidates = -1 }).Validate).Message);
        Assert.Contains("OwnReasonings is -1", Assert.Throws<ArgumentException>((few with { OwnReasonings = -1 }).Validate).Message);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void The_adapter_that_a_warm_up_trains_is_the_one_that_RecPOs_options_describe()
    {
        R2ecTrainingOptions options = new()
        {
            Backbone = Goldens.PathOf(TinyWorld.Needs), CatalogueBackbone = Recipe, WarmUp = Options with { Steps = 1 }, Settings = new() { Window = 3, MaxNewTokens = 4, Temperature = 0.1 },
            RunRecPO = false, RecPO = TinyWorld.Options with { Tuning = Tuning.Lora, LoraRank = 3, LoraAlpha = 6, LoraTargets = ["q_proj", "down_proj"] },
        };
        using R2ecModel model = R2ecTraining.Fit(TinyWorld.Catalogue, Rows, null, options);
        LoraOptions adapter = model.Backbone.Adapter!.Options;
        Assert.Equal((3, 2.0), (adapter.Rank, adapter.Scale));
        Assert.Equal(["q_proj", "down_proj"], adapter.Targets);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_given_backbone_learns_to_say_statements_and_RecPO_is_held_to_them_by_default()
    {
        R2ecTrainingOptions options = new()
        {
            Backbone = Goldens.PathOf(TinyWorld.Needs), CatalogueBackbone = Recipe, WarmUp = Options with { Steps = 3 }, Settings = new() { Window = 3, MaxNewTokens = 4, Temperature = 0.1 },
            RecPO = TinyWorld.Options with { MaxSteps = 2 },
        };
        double Auxiliary(R2ecTrainingOptions with)
        {
            List<R2ecProgress> seen = [];
            using R2ecModel model = R2ecTraining.Fit(TinyWorld.Catalogue, Rows, null, with, new Listener(seen));
            bool written = with.WarmUp!.ReasoningWeight > 0;
            Assert.All(seen.Where(p => p.Message?.Contains("at the answer") == true), p => Assert.Equal(!written, p.Message!.Contains("reasoning NaN", StringComparison.Ordinal)));
            return seen.Last(p => p.StepMetrics is not null).StepMetrics!.AuxiliaryLoss;
        }
        double held = Auxiliary(options);
        Assert.True(held > 0.5, $"auxiliary loss {held}");
        Assert.NotEqual(held, Auxiliary(options with { WarmUp = options.WarmUp! with { ReasoningWeight = 0, OwnReasonings = 0 } }));
        Assert.Equal(0, Auxiliary(options with { AnchorWeight = 0 }));
    }
}
