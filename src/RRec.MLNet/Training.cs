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
        R2ecTrainingOptions settings = new()
        {
            Backbone = options.Backbone,
            BackboneOutput = options.BackboneOutput,
            CatalogueBackbone = options.CatalogueBackbone,
            InitialModel = options.InitialModel?.Model,
            Device = Devices.Of(environment, channel).ToString(),
            WeightType = options.WeightType,
            Adapter = options.Adapter,
            Chat = options.Chat,
            Prompts = options.Prompts,
            WarmUp = options.WarmUp,
            AnchorWeight = options.AnchorWeight,
            RecPO = options.RecPO,
            RunRecPO = options.RunRecPO,
            Seed = options.Seed ?? host.Rand.Next(),
        };
        settings = settings with { Settings = Settings(options, settings) };
        channel.Info(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture,
            $"{catalogue.Count} items, {train.Count} training rows, {valid?.Count ?? 0} validation rows, device {settings.Device}, seed {settings.Seed}."));

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        stop.Token.ThrowIfCancellationRequested();
        return R2ecTraining.Fit(catalogue, train, valid, settings, new Reporter(host as ICancelable, channel, options.Progress, stop), stop.Token);
    }

    // Null where nothing is said: then the engine takes what suits the backbone. The three single options win over Settings.
    private static R2ecSettings? Settings(R2ecTrainer.Options options, R2ecTrainingOptions training)
    {
        if (options is { Window: null, UseReasoning: null, MaskHistory: null }) return options.Settings;
        R2ecSettings start = options.Settings ?? R2ecTraining.DefaultSettings(training);
        return start with { Window = options.Window ?? start.Window, UseReasoning = options.UseReasoning ?? start.UseReasoning, MaskHistory = options.MaskHistory ?? start.MaskHistory };
    }

    /// <summary>Hands reports on to the user and to ML.NET's log, and looks at the context's cancellation while at it.</summary>
    private sealed class Reporter(ICancelable? host, IChannel channel, IProgress<R2ecProgress>? user, CancellationTokenSource stop) : IProgress<R2ecProgress>
    {
        private TrainingPhase? _phase;

        public void Report(R2ecProgress value)
        {
            if (host is { IsCanceled: true }) stop.Cancel();
            if (value.Phase != _phase) channel.Info(MessageSensitivity.None, $"Phase {value.Phase}.");
            _phase = value.Phase;
            if (value.Evaluation is { } evaluation) channel.Info(MessageSensitivity.None, $"Validation: {evaluation}.");
            else if (value.Message is { } message) channel.Trace(MessageSensitivity.None, message);
            user?.Report(value);
        }
    }
}
