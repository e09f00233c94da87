using Microsoft.ML;
using RRec.TestSupport;

namespace RRec.MLNet.Tests;

/// <summary>What is wrong is said at once, with its name and place.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec-bad-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private R2ecTrainer Trainer(Action<R2ecTrainer.Options>? change = null)
    {
        R2ecTrainer.Options options = SmallShop.Options(_ml);
        change?.Invoke(options);
        return _ml.Recommendation().Trainers.R2ec(options);
    }

    private static void AssertNames(Exception e, params string[] names) => Assert.All(names, n => Assert.Contains(n, e.Message));

    [Fact]
    public void All_options_out_of_range_are_named_together()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Trainer(o =>
        {
            o.Items = null;
            o.K = 0;
            o.TitleColumnName = " ";
            o.WeightType = "int3";
            o.Backbone = Path.Combine(_folder, "nowhere");
            o.ScoreColumnName = "Reasoning";
        }));
        AssertNames(e, "Items is null", "K is 0", "TitleColumnName", "int3", "nowhere", "Two output columns are called 'Reasoning'");
    }

    [Fact]
    public void Options_of_the_stages_are_named_by_stage_before_anything_is_trained()
    {
        string file = Path.Combine(_folder, "a file");
        File.WriteAllText(file, "where a folder is asked for");
        ArgumentException e = Assert.Throws<ArgumentException>(() => Trainer(o =>
        {
            o.CatalogueBackbone = new() { HiddenSize = 100, Folds = 1 };
            o.WarmUp = new() { Steps = -1 };
            o.RecPO = new() { MaxSteps = -2, CheckpointDirectory = file };
            o.Settings = new() { Window = 0 };
            o.BackboneOutput = file;
            o.ItemAttributes = [("Genres", " "), (null!, "Price")];
        }));
        AssertNames(e, "CatalogueBackbone.HiddenSize is 100", "CatalogueBackbone.Folds is 1", "WarmUp.Steps is -1", "RecPO.MaxSteps is -2", $"RecPO.CheckpointDirectory is '{file}'", "Settings.Window is 0",
            $"BackboneOutput is '{file}'", "column 'Genres' is ' '", "A column of ItemAttributes is null");
    }

    [Fact]
    public void Missing_columns_of_the_items_are_named_when_the_trainer_is_made() =>
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => Trainer(o => { o.TitleColumnName = "Name"; o.ItemAttributes = [("Colour", "Colour")]; })),
            "title column 'Name' is missing", "item attribute column 'Colour' is missing", "'Title'");

    [Fact]
    public void Missing_and_wrongly_typed_columns_of_the_rows_are_named_by_shape_fit_and_transform()
    {
        IDataView wrong = _ml.Data.LoadFromEnumerable(new[] { new Wrong { HistoryItems = "i1", HistoryRatings = ["good"] } });
        string[] names = ["history items column 'HistoryItems' is String", "expected a vector of text", "history ratings column 'HistoryRatings' is Vector<String>", "label column 'Label' is missing"];
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => Trainer().GetOutputSchema(Shapes.Of(wrong.Schema))), names);
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => Trainer().Fit(wrong)), names);
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => Rows.Transformer(_ml, FakeRecommender.Of(3)).Transform(wrong)), names[..3]);
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => Rows.Transformer(_ml, FakeRecommender.Of(3)).GetRowToRowMapper(wrong.Schema)), names[..3]);
    }

    [Fact]
    public void An_empty_training_set_is_refused() =>
        AssertNames(Assert.Throws<InvalidOperationException>(() => Trainer().Fit(_ml.Data.SkipRows(SmallShop.Histories(_ml), 1_000_000))), "training data has no rows");

    [Fact]
    public void A_label_outside_the_catalogue_is_named_with_its_row()
    {
        HistoryRow[] rows = [new HistoryRow { HistoryItems = ["i1"], HistoryRatings = [3], HistoryTimestamps = [1], Label = "i2" }, new HistoryRow { HistoryItems = ["i1"], HistoryRatings = [3], HistoryTimestamps = [1], Label = "i999" }];
        AssertNames(Assert.Throws<ArgumentException>(() => Trainer().Fit(_ml.Data.LoadFromEnumerable(rows))), "row 1", "'Label'", "'i999'", "36 items");

        // The same by the fast path.
        IDataView few = _ml.Data.LoadFromEnumerable(SmallShop.ItemRows().Where(i => i.ItemId != "i7"));
        AssertNames(Assert.Throws<ArgumentException>(() => Trainer(o => o.Items = few).Fit(SmallShop.Histories(_ml))), "'i7'", "'Label'");
    }

    [Fact]
    public void Duplicate_and_empty_item_ids_are_named_with_their_rows()
    {
        SmallShop.Item[] items = SmallShop.ItemRows();
        items[9].ItemId = "i4";
        AssertNames(Assert.Throws<ArgumentException>(() => Trainer(o => o.Items = _ml.Data.LoadFromEnumerable(items)).Fit(SmallShop.Histories(_ml))), "'i4'", "rows 4 and 9", "'ItemId'");
        items[9].ItemId = "";
        AssertNames(Assert.Throws<ArgumentException>(() => Trainer(o => o.Items = _ml.Data.LoadFromEnumerable(items)).Fit(SmallShop.Histories(_ml))), "row 9", "'ItemId'");
        AssertNames(Assert.Throws<ArgumentException>(() => Trainer(o => o.Items = _ml.Data.SkipRows(SmallShop.Items(_ml), 1_000_000)).Fit(SmallShop.Histories(_ml))), "Items is empty");
    }

    [Fact]
    public void Ratings_that_are_not_one_per_item_are_named_with_their_row()
    {
        HistoryRow[] rows = [new HistoryRow { HistoryItems = ["i1", "i2"], HistoryRatings = [3], HistoryTimestamps = [1, 2], Label = "i2" }];
        AssertNames(Assert.Throws<InvalidOperationException>(() => Trainer().Fit(_ml.Data.LoadFromEnumerable(rows))), "Row 0", "'HistoryRatings'", "1 entries", "2 items");
    }

    [Fact]
    public void An_empty_or_emptied_log_is_refused()
    {
        IDataView log = SmallShop.Log(_ml, users: 2);
        AssertNames(Assert.Throws<InvalidOperationException>(() => _ml.Recommendation().CreatePurchaseHistories(_ml.Data.SkipRows(log, 1_000_000), "User", "Item", "When")), "empty");
        AssertNames(Assert.Throws<InvalidOperationException>(() => _ml.Recommendation().CreatePurchaseHistories(log, "User", "Item", "When", kCore: 50)), "kCore = 50");
        AssertNames(Assert.Throws<InvalidOperationException>(() => _ml.Recommendation().CreatePurchaseHistories(log, "User", "Item", "When", minimumHistory: 9)), "18 purchases of 2 users", "minimumHistory = 9");
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Recommendation().CreatePurchaseHistories(log, "Buyer", "Item", "Item")), "user column 'Buyer' is missing", "time column 'Item' is String");
        AssertNames(Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Recommendation().TimeOrderedSplit(SmallShop.Histories(_ml), 0.6, 0.4)), "below 1");
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_backbone_folder_without_config_tokenizer_or_weights_or_with_other_shapes_is_named()
    {
        foreach (string missing in new[] { "config.json", "tokenizer.json", "model.safetensors" })
        {
            string folder = CopyOfTiny(missing.Replace('.', '-'));
            File.Delete(Path.Combine(folder, missing));
            AssertNames(Assert.ThrowsAny<IOException>(() => Trainer(o => o.Backbone = folder).Fit(SmallShop.Histories(_ml))), folder, missing.Split('.')[0] == "model" ? "safetensors" : missing);
        }

        string other = CopyOfTiny("other-shapes");
        string config = File.ReadAllText(Path.Combine(other, "config.json"));
        File.WriteAllText(Path.Combine(other, "config.json"), System.Text.RegularExpressions.Regex.Replace(config, "\"intermediate_size\": *\\d+", "\"intermediate_size\": 8"));
        Exception e = Assert.ThrowsAny<Exception>(() => Trainer(o => o.Backbone = other).Fit(SmallShop.Histories(_ml)));
        AssertNames(e, other, "mlp");
    }

    [Fact]
    public void A_zip_of_another_transformer_is_no_R2ec()
    {
        IDataView view = SmallShop.Items(_ml);
        string path = Path.Combine(_folder, "copy.zip");
        _ml.Model.Save(_ml.Transforms.CopyColumns("B", "Title").Fit(view), view.Schema, path);
        Assert.IsNotType<R2ecTransformer>(_ml.Model.Load(path, out _));
    }

    private string CopyOfTiny(string name)
    {
        string folder = Path.Combine(_folder, name);
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(Goldens.PathOf(TinyModel.Needs))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return folder;
    }

    private sealed class Wrong
    {
        public string HistoryItems { get; set; } = "";
        public string[] HistoryRatings { get; set; } = [];
    }
}
