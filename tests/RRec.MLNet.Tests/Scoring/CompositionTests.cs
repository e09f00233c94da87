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

    private sealed class WhyAnswer
    {
        public string Why { get; set; } = "";
    }
}
