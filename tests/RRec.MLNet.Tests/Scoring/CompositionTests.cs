using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

/// <summary>The transformer among ML.NET's own: prediction engines, chains, filters, caches, key columns.</summary>
public class CompositionTests
{
    private readonly MLContext _ml = new(seed: 1);

    [Fact]
    public void A_prediction_engine_answers_like_the_view()
    {
        R2ecTransformer model = Rows.Transformer(_ml, FakeRecommender.Of(11));
        AnswerWithRank[] expected = [.. _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(Rows.View(_ml, 30, 11)), false)];
        using PredictionEngine<HistoryRow, AnswerWithRank> engine = _ml.Model.CreatePredictionEngine<HistoryRow, AnswerWithRank>(model);
        for (int n = 0; n < 30; n++)
        {
            AnswerWithRank answer = engine.Predict(Rows.Make(n, 11));
            Assert.Equal(expected[n].Reasoning, answer.Reasoning);
            Assert.Equal(expected[n].PredictedItems, answer.PredictedItems);
            Assert.Equal(expected[n].Score, answer.Score);
            Assert.Equal(expected[n].LabelRank, answer.LabelRank);
        }
    }

    [Fact]
    public void An_engine_asks_the_model_once_per_example()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        using PredictionEngine<HistoryRow, AnswerWithRank> engine = _ml.Model.CreatePredictionEngine<HistoryRow, AnswerWithRank>(Rows.Transformer(_ml, fake));
        for (int n = 0; n < 4; n++) engine.Predict(Rows.Make(3, 11));   // equal examples are still examples
        Assert.Equal([1, 1, 1, 1], fake.Calls);
    }

    [Fact]
    public void A_pool_of_engines_from_many_threads_is_right_and_disposing_one_leaves_the_others()
    {
        R2ecTransformer model = Rows.Transformer(_ml, FakeRecommender.Of(11));
        string[] expected = [.. Rows.Texts(model.Transform(Rows.View(_ml, 200, 11)), "Reasoning")];
        Parallel.For(0, 8, t =>
        {
            using PredictionEngine<HistoryRow, AnswerWithRank> engine = _ml.Model.CreatePredictionEngine<HistoryRow, AnswerWithRank>(model);
            for (int n = t; n < 200; n += 8) Assert.Equal(expected[n], engine.Predict(Rows.Make(n, 11)).Reasoning);
        });
    }

    [Fact]
    public void Transforms_before_and_after_work_in_views_and_engines()
    {
        R2ecTransformer model = Rows.Transformer(_ml, FakeRecommender.Of(11), change: o => o with { HistoryItems = "Bought" });
        IDataView view = Rows.View(_ml, 20, 11);
        ITransformer before = _ml.Transforms.CopyColumns("Bought", "HistoryItems").Fit(view);
        ITransformer chain = before.Append(model).Append(_ml.Transforms.CopyColumns("Why", "Reasoning").Fit(model.Transform(before.Transform(view))));
        string[] why = [.. Rows.Texts(chain.Transform(view), "Why")];
        Assert.Equal(20, why.Length);
        Assert.StartsWith("after 3 items", why[3]);
        using PredictionEngine<HistoryRow, WhyAnswer> engine = _ml.Model.CreatePredictionEngine<HistoryRow, WhyAnswer>(chain);
        Assert.Equal(why[3], engine.Predict(Rows.Make(3, 11)).Why);
    }

    [Fact]
    public void Filtered_skipped_shuffled_and_cached_views_can_be_scored()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        R2ecTransformer model = Rows.Transformer(_ml, fake);
        IDataView view = Rows.View(_ml, 100, 11);
        Assert.Equal(10, Rows.Texts(model.Transform(_ml.Data.FilterRowsByColumn(view, "Real", 10, 20)), "Reasoning").Count);
        Assert.Equal(40, Rows.Texts(_ml.Data.SkipRows(model.Transform(view), 60), "Reasoning").Count);
        Assert.Equal(100, Rows.Texts(model.Transform(_ml.Data.Cache(view)), "Reasoning").Count);

        IDataView shuffled = model.Transform(_ml.Data.ShuffleRows(view, seed: 3));
        foreach (AnswerWithRank answer in _ml.Data.CreateEnumerable<AnswerWithRank>(shuffled, false))
            Assert.StartsWith($"after {answer.Number % 7} items", answer.Reasoning);
    }

    [Fact]
    public void Key_typed_items_are_read_by_their_text()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView view = Rows.View(_ml, 30, 11);
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair("HistoryItems"), new InputOutputColumnPair("Label")]).Fit(view).Transform(view);
        Assert.IsType<KeyDataViewType>(((VectorDataViewType)keyed.Schema["HistoryItems"].Type).ItemType);
        R2ecTransformer model = Rows.Transformer(_ml, fake);
        Assert.Equal(Rows.Texts(model.Transform(view), "Reasoning"), Rows.Texts(model.Transform(keyed), "Reasoning"));
        Assert.Equal(Rows.Column<float>(model.Transform(view), "LabelRank"), Rows.Column<float>(model.Transform(keyed), "LabelRank"));
    }

    [Fact]
    public void Both_sides_of_a_random_split_can_be_scored_and_together_are_all_rows()
    {
        R2ecTransformer model = Rows.Transformer(_ml, FakeRecommender.Of(11));
        IDataView view = Rows.View(_ml, 200, 11);
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(view, testFraction: 0.25, seed: 4);
        AnswerWithRank[] train = [.. _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(split.TrainSet), false)], test = [.. _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(split.TestSet), false)];
        Assert.InRange(test.Length, 20, 90);
        Assert.Equal(Enumerable.Range(0, 200), train.Concat(test).Select(a => a.Number).Order());
        Assert.All(train.Concat(test), a => Assert.StartsWith($"after {a.Number % 7} items", a.Reasoning));
    }

    // The same with an engine that can do one thing at a time behind it, and views beside the prediction engines.
    [GoldenFact(TinyModel.Needs)]
    public void Prediction_engines_and_views_of_one_model_on_many_threads_give_the_answers_of_one()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        IDataView view = Rows.View(_ml, 48, 30);
        AnswerWithRank[] expected = [.. _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(view), false)];
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 6 }, t =>
        {
            if (t == 0)
            {
                Same(expected, [.. _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(view), false)]);
                return;
            }

            using PredictionEngine<HistoryRow, AnswerWithRank> engine = _ml.Model.CreatePredictionEngine<HistoryRow, AnswerWithRank>(model);
            for (int n = t; n < 48; n += 6) Same([expected[n]], [engine.Predict(Rows.Make(n, 30))]);
        });

        static void Same(AnswerWithRank[] a, AnswerWithRank[] b)
        {
            Assert.Equal(a.Length, b.Length);
            for (int i = 0; i < a.Length; i++)
            {
                Assert.Equal((a[i].Reasoning, a[i].LabelRank), (b[i].Reasoning, b[i].LabelRank));
                Assert.Equal(a[i].PredictedItems, b[i].PredictedItems);
                for (int k = 0; k < a[i].Score.Length; k++) Assert.Equal(a[i].Score[k], b[i].Score[k], 1e-4f); // other batches: to rounding
            }
        }
    }

    [GoldenFact(TinyModel.Needs)]
    public void Bought_items_are_answered_again_only_where_the_mask_is_off()
    {
        foreach (bool mask in new[] { true, false })
        {
            R2ecModel engine = R2ecModel.Open(Goldens.PathOf(TinyModel.Needs), TinyModel.Catalogue, new R2ecSettings { Window = 1, MaxNewTokens = 4, MaskHistory = mask });
            R2ecTransformer model = new(_ml, new ModelRecommender(engine), new ScoringOptions { K = 30 });
            BareRow row = new() { HistoryItems = [.. Enumerable.Range(0, 12).Select(i => $"i{i}")] }; // far beyond the window
            string[] items = Rows.Strings(Rows.Column<VBuffer<ReadOnlyMemory<char>>>(model.Transform(_ml.Data.LoadFromEnumerable(new[] { row })), "PredictedItems")[0]);
            Assert.Equal(mask ? 0 : 12, items.Count(row.HistoryItems.Contains));
            Assert.Equal(mask ? 18 : 30, items.Count(i => i.Length > 0));
        }
    }

    private sealed class WhyAnswer
    {
        public string Why { get; set; } = "";
    }
}
