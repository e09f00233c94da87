using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class PipelineTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Input => _ml.Data.LoadFromEnumerable(Row.Three);

    [GoldenFact(Recorded.Folder)]
    public void Missing_input_columns_throw_what_is_recorded()
    {
        IEstimator<ITransformer> wrong = _ml.Transforms.CopyColumns("B", "nope");
        Recorded.MessageMatches("CopyColumns(\"B\",\"nope\").Fit(view)", () => wrong.Fit(Input));
        Recorded.MessageMatches("CopyColumns(\"B\",\"nope\").GetOutputSchema", () =>
        {
            ITransformer copy = _ml.Transforms.CopyColumns("B", "Text").Fit(Input);
            copy.GetOutputSchema(_ml.Data.LoadFromEnumerable(new Other[1]).Schema);
        });
        Recorded.MessageMatches("transformer on a view without its input column",
            () => _ml.Transforms.CopyColumns("B", "Text").Fit(Input).Transform(_ml.Data.LoadFromEnumerable(new Other[1])));
        Recorded.MessageMatches("chain: Append(null)", () => _ml.Transforms.CopyColumns("B", "Text").Append((IEstimator<ITransformer>)null!));
    }

    [Fact]
    public void A_new_column_hides_the_one_of_its_name_and_stands_right_after_it()
    {
        IDataView output = _ml.Transforms.CopyColumns("Int", "Text").Fit(Input).Transform(Input);
        Assert.Equal(["Real", "Int", "Int", "Text"], output.Schema.Take(4).Select(c => c.Name));
        Assert.True(output.Schema[1].IsHidden);
        Assert.Equal(2, output.Schema["Int"].Index);
        Assert.Equal(["a", "", "ü, \"q\""], output.GetColumn<string>("Int"));
        Assert.Equal([-3, 0, 1], output.GetColumn<int>(output.Schema[1]));
    }

    [Fact]
    public void A_chain_fits_its_estimators_on_what_comes_before_them()
    {
        int fitted = 0;
        TransformerChain<Microsoft.ML.Transforms.ColumnCopyingTransformer> chain = _ml.Transforms.CopyColumns("A", "Text")
            .WithOnFitDelegate(_ => fitted++)
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.CopyColumns("B", "A")).Fit(Input);
        Assert.Equal(1, fitted);
        Assert.Equal(2, chain.Count());
        Assert.Same(chain.Last(), chain.LastTransformer);
        Assert.Equal(["a", "", "ü, \"q\""], chain.Transform(Input).GetColumn<string>("B"));
        Assert.Equal(chain.Transform(Input).Schema.Select(c => c.Name), chain.GetOutputSchema(Input.Schema).Select(c => c.Name));
    }

    [Fact]
    public void A_link_for_training_only_is_left_out_when_scoring()
    {
        var chain = new EstimatorChain<ITransformer>().Append(_ml.Transforms.CopyColumns("A", "Text"), TransformerScope.TrainTest)
            .Append(_ml.Transforms.CopyColumns("B", "Text")).Fit(Input);
        Assert.Null(chain.GetOutputSchema(Input.Schema).GetColumnOrNull("A"));
        Assert.NotNull(chain.GetOutputSchema(Input.Schema, TransformerScope.Training).GetColumnOrNull("A"));
        Assert.Single(chain.GetModelFor(TransformerScope.Scoring));
    }

    [GoldenFact(Recorded.Folder)]
    public void The_shape_of_a_pipelines_output_is_as_recorded()
    {
        // What a shape is made from is not public: an estimator is asked to keep the one that it is given.
        var probe = new Probe();
        probe.Append(_ml.Transforms.CopyColumns("Copy", "Text")).Append(_ml.Transforms.Conversion.MapValueToKey("TextKey", "Text")).Fit(Input);
        Assert.Equal(Recorded.At("schema shape", "SchemaShape.Create(view)").EnumerateArray().Select(e => e.GetString()),
            probe.Seen!.Select(c => $"{c.Name}: {c.Kind} {c.ItemType} key={c.IsKey} annotations={c.Annotations.Count}"));
        SchemaShape output = _ml.Transforms.CopyColumns("Copy", "Text").Append(_ml.Transforms.Conversion.MapValueToKey("TextKey", "Text")).GetOutputSchema(probe.Seen!);
        Assert.Equal(Recorded.At("schema shape", "GetOutputSchema of CopyColumns+MapValueToKey").EnumerateArray().Select(e => e.GetString()),
            output.Select(c => $"{c.Name}: {c.Kind} {c.ItemType} key={c.IsKey} annotations=[{string.Join(",", c.Annotations.Select(a => a.Name))}]"));
    }

    private sealed class Probe : IEstimator<ITransformer>
    {
        public SchemaShape? Seen { get; private set; }

        public ITransformer Fit(IDataView input) => new TransformerChain<ITransformer>();

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Seen = inputSchema;
    }

    [Fact]
    public void The_log_tells_of_a_components_messages()
    {
        var lines = new List<LoggingEventArgs>();
        _ml.Log += (_, line) => lines.Add(line);
        using (Microsoft.ML.Runtime.IChannel channel = ((Microsoft.ML.Runtime.IChannelProvider)_ml).Start("Training"))
            channel.Warning(Microsoft.ML.Runtime.MessageSensitivity.None, "careful");
        LoggingEventArgs warning = Assert.Single(lines, l => l.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning);
        Assert.Equal("[Source=Training, Kind=Warning] careful", warning.Message);
        Assert.Equal("careful", warning.RawMessage);
        Assert.Equal(["Channel started", "careful"], lines.Take(2).Select(l => l.RawMessage));
    }
}
