using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

/// <summary>From a log to a loaded model, by the public surface only.</summary>
public sealed class TrainerTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec-train-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_log_becomes_a_model_that_recommends_evaluates_saves_and_loads()
    {
        TrainValidationTestData split = _ml.Recommendation().TimeOrderedSplit(SmallShop.Histories(_ml));
        List<TrainingPhase> phases = [];
        R2ecTrainer.Options options = SmallShop.Options(_ml);
        options.Progress = new Recorder(p => { if (phases.Count == 0 || phases[^1] != p.Phase) phases.Add(p.Phase); });
        R2ecTransformer model = _ml.Recommendation().Trainers.R2ec(options).Fit(split.TrainSet, split.ValidationSet);
        Assert.Contains(TrainingPhase.Backbone, phases);
        Assert.Contains(TrainingPhase.RecPO, phases);

        IDataView scored = model.Transform(split.TestSet);
        TopKMetrics metrics = _ml.Recommendation().EvaluateTopK(scored, userColumn: "UserId", catalogueSize: SmallShop.ItemCount, trainCounts: _ml.Recommendation().CountPurchases(split.TrainSet));
        Assert.Equal(split.TestSet.GetRowCount(), metrics.Rows);
        Assert.NotNull(metrics.Mrr);
        Assert.InRange(metrics.HitRate[10].Value, 0.5, 1);   // chance would be 10 of 36; the next item follows from the last

        _ml.Model.Save(model, split.TrainSet.Schema, Path.Combine(_folder, "shop.zip"));
        ITransformer loaded = new MLContext().Model.Load(Path.Combine(_folder, "shop.zip"), out DataViewSchema schema);
        Assert.NotNull(schema.GetColumnOrNull("HistoryItems"));
        Assert.Equal(Rows.Texts(scored, "Reasoning"), Rows.Texts(loaded.Transform(split.TestSet), "Reasoning"));
        List<VBuffer<float>> before = Rows.Column<VBuffer<float>>(scored, "Score"), after = Rows.Column<VBuffer<float>>(loaded.Transform(split.TestSet), "Score");
        for (int r = 0; r < before.Count; r++) Assert.Equal(before[r].DenseValues(), after[r].DenseValues());
    }

    [Fact]
    public void A_second_fit_continues_from_the_first_and_leaves_it_alone()
    {
        TrainValidationTestData split = _ml.Recommendation().TimeOrderedSplit(SmallShop.Histories(_ml));
        R2ecTrainer.Options options = SmallShop.Options(_ml);
        options.RunRecPO = false;
        R2ecTransformer first = _ml.Recommendation().Trainers.R2ec(options).Fit(split.TrainSet);
        List<string> before = Rows.Texts(first.Transform(split.TestSet), "Reasoning");
        options = SmallShop.Options(_ml);
        options.InitialModel = first;
        R2ecTransformer second = _ml.Recommendation().Trainers.R2ec(options).Fit(split.TrainSet, split.ValidationSet);
        Assert.Equal(before, Rows.Texts(first.Transform(split.TestSet), "Reasoning"));
        Assert.Equal((int)split.TestSet.GetRowCount()!.Value, Rows.Texts(second.Transform(split.TestSet), "Reasoning").Count);
    }

    [Fact]
    public void Any_view_with_the_columns_trains_as_the_view_of_the_log_does()
    {
        IDataView histories = SmallShop.Histories(_ml);
        List<string> warnings = [];
        CatalogueIndex index = new(CatalogueReader.Read(SmallShop.Items(_ml), SmallShop.Options(_ml).ToItemColumns(), "movie", null));
        IReadOnlyList<Data.PurchaseRow> fast = PurchaseRows.Read(histories, "training", SmallShop.Options(_ml), index, warnings.Add);
        IReadOnlyList<Data.PurchaseRow> slow = PurchaseRows.Read(_ml.Data.TakeRows(histories, 1_000_000), "training", SmallShop.Options(_ml), index, warnings.Add);
        Assert.Equal(histories.GetRowCount(), fast.Count);
        Assert.Equal(fast.Count, slow.Count);
        for (int r = 0; r < fast.Count; r++)
        {
            Assert.Equal((fast[r].Target, fast[r].User, fast[r].History.Now), (slow[r].Target, slow[r].User, slow[r].History.Now));
            Assert.Equal(fast[r].History.Items.ToArray(), slow[r].History.Items.ToArray());
            Assert.Equal(fast[r].History.Ratings.ToArray(), slow[r].History.Ratings.ToArray());
            Assert.Equal(fast[r].History.Timestamps.ToArray(), slow[r].History.Timestamps.ToArray());
        }

        Assert.Empty(warnings);
    }

    [Fact]
    public void Cancelling_stops_the_fit()
    {
        using CancellationTokenSource stop = new();
        R2ecTrainer.Options options = SmallShop.Options(_ml);
        options.CancellationToken = stop.Token;
        options.Progress = new Recorder(_ => stop.Cancel());
        Assert.ThrowsAny<OperationCanceledException>(() => _ml.Recommendation().Trainers.R2ec(options).Fit(SmallShop.Histories(_ml)));
    }

    [Fact]
    public void Cancelling_the_context_stops_within_a_step_and_leaves_a_checkpoint_to_continue_from()
    {
        MLContext ml = new(seed: 1);
        R2ecTrainer.Options options = SmallShop.Options(ml);
        options.RecPO = options.RecPO! with { MaxSteps = 6, Epochs = 100, CheckpointDirectory = Path.Combine(_folder, "run"), CheckpointSteps = 0 };
        int last = 0;
        options.Progress = new Recorder(p =>
        {
            last = p.StepMetrics?.Step ?? last;
            if (p.StepMetrics?.Step == 3) Cancel(ml);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => ml.Recommendation().Trainers.R2ec(options).Fit(SmallShop.Histories(ml)));
        Assert.Equal(3, last);
        Assert.Single(Directory.GetFiles(options.RecPO.CheckpointDirectory!, "step-00000003.sha256"));

        List<int> steps = [];
        options.Items = SmallShop.Items(_ml);
        options.Progress = new Recorder(p => { if (p.StepMetrics is { } step) steps.Add(step.Step); });
        _ml.Recommendation().Trainers.R2ec(options).Fit(SmallShop.Histories(_ml));
        Assert.Equal([4, 5, 6], steps);

        // ML.NET's own way; internal in 5.0.0.
        static void Cancel(MLContext ml) => typeof(MLContext).GetMethod("CancelExecution", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public)!.Invoke(ml, null);
    }

    [Fact]
    public void The_contexts_log_hears_of_phases_steps_evaluations_and_of_a_disk_that_refuses()
    {
        MLContext ml = new(seed: 1);
        List<LoggingEventArgs> log = [];
        ml.Log += (_, e) => log.Add(e);
        R2ecTrainer.Options options = SmallShop.Options(ml);
        string blocked = Path.Combine(_folder, "a file");
        File.WriteAllText(blocked, "where a folder is asked for");
        options.RecPO = options.RecPO! with { CheckpointDirectory = Path.Combine(blocked, "run") };
        TrainValidationTestData split = ml.Recommendation().TimeOrderedSplit(SmallShop.Histories(ml));
        ml.Recommendation().Trainers.R2ec(options).Fit(split.TrainSet, split.ValidationSet);
        foreach (string part in new[] { "36 items", "training rows", "seed 3", "Phase Backbone", "Phase WarmUp", "Phase RecPO", "Step 1 of 2", "Step 2 of 2", "reward", "Validation:" })
            Assert.Contains(log, e => e.Message.Contains(part));
        Assert.Contains(log, e => e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning && e.Message.Contains("could not be written"));
    }

    [Fact]
    public void The_trainer_stands_in_a_chain_behind_key_columns_and_a_cache()
    {
        IDataView histories = SmallShop.Histories(_ml);
        R2ecTrainer.Options options = SmallShop.Options(_ml);
        options.RunRecPO = false;
        var pipeline = _ml.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair("HistoryItems"), new InputOutputColumnPair("Label")])
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.Recommendation().Trainers.R2ec(options))
            .Append(_ml.Transforms.CopyColumns("Why", "Reasoning"));
        Assert.Equal(SchemaShape.Column.VectorKind.Vector, pipeline.GetOutputSchema(Shapes.Of(histories.Schema)).Single(c => c.Name == "Score").Kind);
        ITransformer model = pipeline.Fit(histories);
        Assert.All(Rows.Texts(_ml.Data.TakeRows(model.Transform(histories), 5), "Why"), Assert.NotEmpty);
    }

    private sealed class Recorder(Action<R2ecProgress> tell) : IProgress<R2ecProgress>
    {
        public void Report(R2ecProgress value) => tell(value);
    }
}
