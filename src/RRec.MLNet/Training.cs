using System.Globalization;
using Microsoft.ML.Runtime;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>Calls the engine's training as a component of ML.NET: device and seed of the context, its log, its cancellation.</summary>
internal static class Training
{
    /// <exception cref="OperationCanceledException">Stopped by the token or by the MLContext.</exception>
    public static R2ecModel Run(IHostEnvironment environment, IHost host, IChannel channel, Catalogue catalogue,
        IReadOnlyList<PurchaseRow> train, IReadOnlyList<PurchaseRow>? valid, R2ecTrainer.Options options)
    {
        R2ecTrainingOptions settings = options.ToTrainingOptions() with
        {
            TemporaryFolder = ZipEntries.TemporaryFolder(environment),
            Device = Devices.Of(environment, channel).ToString(),
            Seed = options.Seed ?? host.Rand.Next(),
        };
        settings = settings with { Settings = Settings(options, settings) };
        channel.Info(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture,
            $"{catalogue.Count} items, {train.Count} training rows, {valid?.Count ?? 0} validation rows, device {settings.Device}, seed {settings.Seed}."));

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        stop.Token.ThrowIfCancellationRequested();
        using HostWatch watch = new((ICancelable)host, stop);
        using IProgressChannel progress = host.StartProgressChannel("R2ec");
        return R2ecTraining.Fit(catalogue, train, valid, settings, new Reporter(watch, channel, progress, options.Progress), stop.Token);
    }

    // Null where nothing is said: then the engine takes what suits the backbone. The three single options win over Settings.
    private static R2ecSettings? Settings(R2ecTrainer.Options options, R2ecTrainingOptions training)
    {
        if (options is { Window: null, UseReasoning: null, MaskHistory: null }) return options.Settings;
        R2ecSettings start = options.Settings ?? R2ecTraining.DefaultSettings(training);
        return start with { Window = options.Window ?? start.Window, UseReasoning = options.UseReasoning ?? start.UseReasoning, MaskHistory = options.MaskHistory ?? start.MaskHistory };
    }

    /// <summary>Hands reports on to the user and to ML.NET's log and progress, and looks at the context's cancellation while at it.</summary>
    private sealed class Reporter : IProgress<R2ecProgress>
    {
        private readonly HostWatch _watch;
        private readonly IChannel _channel;
        private readonly IProgressChannel _progress;
        private readonly IProgress<R2ecProgress>? _user;
        private TrainingPhase? _phase;
        private R2ecProgress? _last;

        public Reporter(HostWatch watch, IChannel channel, IProgressChannel progress, IProgress<R2ecProgress>? user)
        {
            (_watch, _channel, _progress, _user) = (watch, channel, progress, user);
            progress.SetHeader(new ProgressHeader(["Loss", "Reward"], ["steps"]), Fill); // asked by whoever shows progress, at its own pace
        }

        public void Report(R2ecProgress value)
        {
            if (value.Phase != _phase) _channel.Info(MessageSensitivity.None, $"Phase {value.Phase}.");
            _phase = value.Phase;
            _last = value;
            if (value.Evaluation is { } evaluation)
            {
                _channel.Info(MessageSensitivity.None, $"Validation: {evaluation}.");
            }
            else if (value.StepMetrics is { } step)
            {
                _channel.Trace(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture,
                    $"Step {value.Step} of {value.TotalSteps}: loss {step.Loss:g4}, reward {step.RewardMean:g4} +- {step.RewardStd:g4}, reasoning {step.ReasoningLength:f1} tokens, entropy {step.Entropy:g4}, gradient norm {step.GradientNorm:g4}, {step.TokensPerSecond:f0} tokens/s."));
                _progress.Checkpoint(step.Loss, step.RewardMean, value.Step);
            }
            else if (value.Message is { } message)
            {
                if (value.IsWarning) _channel.Warning(MessageSensitivity.None, message);
                else _channel.Trace(MessageSensitivity.None, message);
            }

            _user?.Report(value);
            _watch.Look(); // the user may have cancelled just now
        }

        private void Fill(IProgressEntry entry)
        {
            if (_last is not { } last) return;
            entry.SetProgress(0, last.Step, last.TotalSteps);
            if (!double.IsNaN(last.Loss)) entry.SetMetric(0, last.Loss);
            if (last.StepMetrics is { } step) entry.SetMetric(1, step.RewardMean);
        }
    }

    /// <summary>Turns the cancellation of an MLContext, which can only be asked for, into that of a token: a few times a second, and at every report.</summary>
    private sealed class HostWatch : IDisposable
    {
        private readonly ICancelable _host;
        private readonly CancellationTokenSource _stop;
        private readonly Timer _timer;

        public HostWatch(ICancelable host, CancellationTokenSource stop)
        {
            (_host, _stop) = (host, stop);
            _timer = new Timer(_ => Look(), null, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(100));
        }

        public void Look()
        {
            if (!_host.IsCanceled) return;
            try
            {
                _stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // Fitting ended while the timer was looking.
            }
        }

        public void Dispose() => _timer.Dispose();
    }
}
