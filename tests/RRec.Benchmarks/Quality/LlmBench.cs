using System.CommandLine;
using System.Diagnostics;
using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Metrics;
using RRec.RecPO;
using RRec.Text;
using RRec.WarmUp;
using TorchSharp;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// A real LLM with LoRA on the same rows and in the same tables: a warm-up that follows the linear teacher, then RecPO, as far as the given minutes reach. Prompts are
/// short and windows are ten lines, because on a CPU tokens are what there is too little of. Rows are the first N, never picked.
/// </summary>
internal static class LlmBench
{
    public const string ZeroShot = "llm-zero-shot", WarmUp = "llm-warm-up", WarmUpPlain = "llm-warm-up-plain", Everything = "llm-r2ec", Plain = "llm-r2ec-plain";
    private const int Shown = 20;

    /// <summary>The model's own chat marks, written out so that items need none of them: an item is its title, genres and a line break.</summary>
    private static readonly PromptFormat Prompts = new()
    {
        Name = "short",
        UserIntro = "<|im_start|>user\nI watched these {categories}:\n",
        HistoryLine = "{title}\n",
        LineSeparator = "",
        UserOutro = "In a few words, what kind of {category} comes next?<|im_end|>\n<|im_start|>assistant\n",
        ItemText = "<|im_start|>{category}\n{title}{attributes}",
        AttributeLine = ", {values}",
        ValueSeparator = " ",
        ItemAnswer = "\n",
    };

    public static Command Command()
    {
        Command command = new("llm", "ml-latest-small with a real LLM (LoRA): warm-up and RecPO for some minutes; rows join docs/quality.json, reasonings go to docs/quality-llm.md.");
        Option<string> backbone = new("--backbone") { Description = "A Hugging Face folder or .gguf file.", Required = true };
        Option<double> minutes = new("--minutes") { Description = "Training time; three quarters are the warm-up.", DefaultValueFactory = _ => 60 };
        Option<int> rows = new("--rows") { Description = "Rows to rank: the first so many in time.", DefaultValueFactory = _ => 200 };
        Option<double> rate = new("--rate") { Description = "Peak rate of the warm-up.", DefaultValueFactory = _ => 1e-3 };
        Option<int> steps = new("--steps") { Description = "Warm-up steps; 0: as the minutes say, by a trial of three.", DefaultValueFactory = _ => 0 };
        Option<int> recpoSteps = new("--recpo-steps") { Description = "RecPO steps; 0: as the minutes say, by a trial of three.", DefaultValueFactory = _ => 0 };
        Option<bool> untrained = new("--rank-untrained") { Description = "Rank with the untrained model too, not only show what it says." };
        Option<string> type = new("--weights") { Description = "Type of the frozen weights: float32, bfloat16, or auto: what the processor multiplies fastest.", DefaultValueFactory = _ => "auto" };
        Option<bool> test = new("--test") { Description = "Rank the first test rows as well; logged." };
        foreach (Option option in new Option[] { backbone, minutes, steps, recpoSteps, rows, rate, untrained, type, test }) command.Options.Add(option);
        command.SetAction(parsed => Run(parsed.GetValue(backbone)!, new Budget(parsed.GetValue(minutes), parsed.GetValue(steps), parsed.GetValue(recpoSteps)), parsed.GetValue(rows), parsed.GetValue(rate),
            parsed.GetValue(type) switch { "auto" => WeightTypes.Fastest(torch.CPU), "bfloat16" => torch.ScalarType.BFloat16, _ => torch.ScalarType.Float32 }, parsed.GetValue(untrained), parsed.GetValue(test)));
        return command;
    }

    private readonly record struct Budget(double Minutes, int WarmUpSteps, int RecPOSteps);

    private static void Run(string folder, Budget budget, int count, double rate, torch.ScalarType type, bool rankUntrained, bool test)
    {
        if (test) TestUse.Log(TimeProvider.System);
        Stopwatch clock = Stopwatch.StartNew();
        QualityData data = QualityData.Load(test: false, count);
        R2ecModel Open() => R2ecModel.Open(folder, data.All.Catalogue, new R2ecSettings { Window = 10, MaxNewTokens = 24, MaxPromptTokens = 512, MaxItemTokens = 64, Temperature = 0.03 },
            weightType: type, chat: ChatFormat.Plain, prompts: Prompts);
        LlmReport report = new(test ? [data, QualityData.Load(test: true, count, data.All)] : [data], clock, Shown);
        using (R2ecModel untrained = Open())
        {
            report.Write(untrained, ZeroShot);
            if (rankUntrained) report.Rank(untrained, ZeroShot, default);
        }

        using R2ecModel model = Open();   // without an item table, which the warm-up would keep up to date
        model.Backbone.AttachLora(new LoraOptions { Rank = 16, Alpha = 32 }, seed: 1);
        WarmUpOptions warmUp = new()
        {
            UsersPerStep = 5, UniformCandidates = 8, LabelCandidates = 16, TeacherCandidates = 16, LabelWeight = 0.3, ReasoningWeight = 1, StatementTemperature = 0.5, LearningRate = rate, WeightAverage = 0.95, RateWarmUpSteps = 10, Seed = 1,
        };
        (TeacherGuide teacher, Measured cost) = Measured.Of(() => TeacherGuide.Fit(data.All.Catalogue, data.All.Train));
        cost += report.Timed("warm-up", budget.WarmUpSteps, budget.Minutes * 0.75 * 60, steps =>
            WarmUpTrainer.Train(model, data.All.Train, warmUp with { Steps = steps }, teacher, report.Progress));
        report.Rank(model, WarmUp, cost);
        report.Rank(model, WarmUpPlain, cost, reasoning: false);

        // What the warm-up taught is held while rewards are followed: ranking and language.
        RankingAnchor anchor = new(model, teacher, warmUp with { UniformCandidates = 6, LabelCandidates = 10, TeacherCandidates = 8 }, weight: 1, reasoningWeight: 0.1);
        RecPOOptions recpo = RecPOOptions.Paper with
        {
            UsersPerStep = 4, TrajectoriesPerUser = 4, SamplingTemperature = 1, TopK = 50, AdvantageScale = AdvantageScale.Batch, LearningRate = 5e-5, PolicyLossWeight = 1, ItemLossWeight = 0.5, AuxiliaryLoss = anchor,
            Schedule = LearningRateShape.Cosine, FinalLearningRateShare = 0.1, RateWarmUpSteps = 3, TableNegatives = 300, EvaluateAtStart = false, EvaluationSteps = int.MaxValue, Tuning = Tuning.Lora, Seed = 1,
        };
        cost += report.Timed("RecPO", budget.RecPOSteps, budget.Minutes * 0.25 * 60, steps => RecPOTrainer.Train(model, data.All.Train, null, recpo with { MaxSteps = steps }, report.Progress));
        report.Rank(model, Everything, cost);
        report.Rank(model, Plain, cost, reasoning: false);
        report.Write(folder);
    }
}
