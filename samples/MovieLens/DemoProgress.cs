using System.Diagnostics;
using System.Globalization;
using RRec;
using Spectre.Console;

namespace MovieLens;

/// <summary>
/// Shows what fitting does: one bar a phase with the latest figures in a terminal, a line every few seconds elsewhere. It also keeps the
/// seconds of each phase for the result file.
/// </summary>
internal sealed class DemoProgress : IProgress<R2ecProgress>
{
    private const double LineSeconds = 10;
    private readonly Lock _gate = new();
    private readonly Dictionary<TrainingPhase, ProgressTask> _bars = [];
    private readonly Dictionary<TrainingPhase, double> _seconds = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ProgressContext? _terminal;
    private TrainingPhase? _phase;
    private double _lastReport, _lastLine = double.NegativeInfinity;
    private double _reward = double.NaN;

    private DemoProgress(ProgressContext? terminal) => _terminal = terminal;

    /// <summary>Seconds by phase, as far as reports tell.</summary>
    public IReadOnlyDictionary<TrainingPhase, double> Seconds => _seconds;

    /// <summary>Runs something long under a live display.</summary>
    public static T Watch<T>(Func<DemoProgress, T> work)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected) return work(new DemoProgress(null));
        return AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .Start(context => work(new DemoProgress(context)));
    }

    public void Report(R2ecProgress value)
    {
        lock (_gate)
        {
            double now = _clock.Elapsed.TotalSeconds;
            bool newPhase = _phase != value.Phase;
            _seconds[value.Phase] = _seconds.GetValueOrDefault(value.Phase) + (now - _lastReport);
            (_phase, _lastReport) = (value.Phase, now);

            // The reward of one step is noisy: what is shown is a running mean over about 20 steps.
            if (value.StepMetrics is { } step) _reward = double.IsNaN(_reward) ? step.RewardMean : _reward + 0.05 * (step.RewardMean - _reward);
            string text = Describe(value);
            if (_terminal is not null)
            {
                if (!_bars.TryGetValue(value.Phase, out ProgressTask? bar)) _bars[value.Phase] = bar = _terminal.AddTask(Markup.Escape(text));
                bar.Description = Markup.Escape(text);
                bar.Value = 100 * value.Fraction;
            }
            else if (newPhase || value.Evaluation is not null || now - _lastLine >= LineSeconds)
            {
                _lastLine = now;
                Console.WriteLine(FormattableString.Invariant($"  {now,6:0.0} s  {text}{(value.TotalSteps > 0 ? $"  {value.Step}/{value.TotalSteps}" : "")}"));
            }
        }
    }

    private string Describe(R2ecProgress value)
    {
        string text = value.Phase switch
        {
            TrainingPhase.Backbone => "backbone",
            TrainingPhase.WarmUp => "warm-up",
            TrainingPhase.ItemTable => "item table",
            TrainingPhase.RecPO => "RecPO",
            _ => "evaluation",
        };
        if (value.Phase == TrainingPhase.RecPO && !double.IsNaN(_reward)) text += string.Create(CultureInfo.InvariantCulture, $"  reward {_reward:0.0000}");
        if (!double.IsNaN(value.Loss)) text += string.Create(CultureInfo.InvariantCulture, $"  loss {value.Loss:0.000}");
        if (value.Evaluation is { } metrics) text += string.Create(CultureInfo.InvariantCulture, $"  valid Hit@10 {metrics.HitRate(10):0.0000} NDCG@10 {metrics.Ndcg(10):0.0000}");
        return value.Message is null ? text : $"{text}  {value.Message}";
    }
}
