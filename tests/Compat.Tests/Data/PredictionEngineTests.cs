using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class PredictionEngineTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Prediction
    {
        public string? Copy { get; set; }
        public uint TextKey { get; set; }
        public string[] Free { get; set; } = [];
    }

    private sealed class Missing
    {
        public string Nothing { get; set; } = "as it was";
    }

    private ITransformer Model()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        return _ml.Transforms.CopyColumns("Copy", "Text").Append(_ml.Transforms.Conversion.MapValueToKey("TextKey", "Text")).Fit(input);
    }

    [GoldenFact(Recorded.Folder)]
    public void An_engine_predicts_row_by_row_as_recorded()
    {
        using PredictionEngine<Row, Prediction> engine = _ml.Model.CreatePredictionEngine<Row, Prediction>(Model());
        Assert.Equal(Recorded.At("prediction engine", "Predict").GetString(), engine.Predict(Row.Three[2]).Copy);
        Assert.Equal(Recorded.Schema(Recorded.At("prediction engine", "OutputSchema")), Recorded.Schema(engine.OutputSchema));
        Prediction prediction = engine.Predict(Row.Three[0]);
        Assert.Equal(("a", 1u), (prediction.Copy, prediction.TextKey));
        Assert.Equal(["x", "y"], prediction.Free);
        Assert.Equal(2u, engine.Predict(Row.Three[2]).TextKey);
        engine.Predict(Row.Three[1], ref prediction);
        Assert.Equal(("", 0u), (prediction.Copy, prediction.TextKey));
        engine.Dispose();
        Assert.Equal(Recorded.Exception(Recorded.At("prediction engine", "Predict after Dispose")), Recorded.Exception(() => engine.Predict(Row.Three[0])));
    }

    [GoldenFact(Recorded.Folder)]
    public void Missing_columns_throw_what_is_recorded()
    {
        Recorded.MessageMatches("PredictionEngine<Other, Named> without the input column", () => _ml.Model.CreatePredictionEngine<Other, Named>(Model()));
        Recorded.MessageMatches("PredictionEngine<Row, Missing> output member that nothing makes", () => _ml.Model.CreatePredictionEngine<Row, Missing>(Model()));
        Assert.Equal("as it was", _ml.Model.CreatePredictionEngine<Row, Missing>(Model()).Predict(Row.Three[0]).Nothing);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<Row, Missing>(Model(), ignoreMissingColumns: false));
    }

    [Fact]
    public void The_schema_of_a_saved_model_can_be_the_engines_input()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        using PredictionEngine<Row, Prediction> engine = _ml.Model.CreatePredictionEngine<Row, Prediction>(Model(), input.Schema);
        Assert.Equal("a", engine.Predict(Row.Three[0]).Copy);
    }

    [GoldenFact(Recorded.Folder)]
    public void A_transformer_is_disposed_with_the_engine_that_owns_it()
    {
        Assert.True(Recorded.At("prediction engine", "disposable transformers are disposed with the engine (PredictionEngineOptions.OwnsTransformer default)").GetBoolean());
        var owned = new Disposable(Model());
        _ml.Model.CreatePredictionEngine<Row, Prediction>(owned).Dispose();
        Assert.True(owned.Disposed);
        var kept = new Disposable(Model());
        _ml.Model.CreatePredictionEngine<Row, Prediction>(kept, new PredictionEngineOptions { OwnsTransformer = false }).Dispose();
        Assert.False(kept.Disposed);
        var inChain = new Disposable(Model());
        _ml.Model.CreatePredictionEngine<Row, Prediction>(new TransformerChain<ITransformer>(inChain)).Dispose();
        Assert.True(inChain.Disposed);
    }

    private sealed class Disposable(ITransformer inner) : ITransformer, IDisposable
    {
        public bool Disposed { get; private set; }

        public bool IsRowToRowMapper => inner.IsRowToRowMapper;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inner.GetOutputSchema(inputSchema);
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => inner.GetRowToRowMapper(inputSchema);
        public IDataView Transform(IDataView input) => inner.Transform(input);
        void ICanSaveModel.Save(ModelSaveContext ctx) => inner.Save(ctx);
        public void Dispose() => Disposed = true;
    }
}
