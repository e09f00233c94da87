using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Predicts one object at a time. Not for several threads at once.</summary>
public abstract class PredictionEngineBase<TSrc, TDst> : IDisposable where TSrc : class where TDst : class, new()
{
    private readonly InputRow<TSrc> _input;
    private readonly Action<TDst> _fill;
    private readonly bool _ownsTransformer;
    private bool _disposed;

    private protected PredictionEngineBase(ITransformer transformer, bool ignoreMissingColumns, SchemaDefinition? inputSchemaDefinition,
        SchemaDefinition? outputSchemaDefinition, bool ownsTransformer)
    {
        Transformer = Contracts.CheckRef(transformer, nameof(transformer));
        Contracts.CheckParam(transformer.IsRowToRowMapper, nameof(transformer), "The transformer must work row by row.");
        _ownsTransformer = ownsTransformer;
        _input = new InputRow<TSrc>(inputSchemaDefinition);
        IRowToRowMapper mapper = transformer.GetRowToRowMapper(_input.Schema);
        OutputSchema = mapper.OutputSchema;
        var reader = new RowReader<TDst>(OutputSchema, ignoreMissingColumns, outputSchemaDefinition);
        _fill = reader.Bind(mapper.GetRow(_input, OutputSchema));
    }

    public DataViewSchema OutputSchema { get; }

    private protected ITransformer Transformer { get; }

    public TDst Predict(TSrc example)
    {
        var prediction = new TDst();
        Predict(example, ref prediction);
        return prediction;
    }

    public abstract void Predict(TSrc example, ref TDst prediction);

    private protected void Fill(TSrc example, TDst prediction)
    {
        _input.Set(Contracts.CheckRef(example, nameof(example)));
        _fill(prediction);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _input.Dispose();
        if (_ownsTransformer) (Transformer as IDisposable)?.Dispose();
    }
}

public sealed class PredictionEngine<TSrc, TDst> : PredictionEngineBase<TSrc, TDst> where TSrc : class where TDst : class, new()
{
    internal PredictionEngine(ITransformer transformer, bool ignoreMissingColumns, SchemaDefinition? inputSchemaDefinition,
        SchemaDefinition? outputSchemaDefinition, bool ownsTransformer)
        : base(transformer, ignoreMissingColumns, inputSchemaDefinition, outputSchemaDefinition, ownsTransformer) { }

    public override void Predict(TSrc example, ref TDst prediction) => Fill(example, prediction ??= new TDst());
}

public sealed class PredictionEngineOptions
{
    /// <summary>Members of the result that no column fits stay as they are, instead of being an error.</summary>
    public bool IgnoreMissingColumns = true;

    public SchemaDefinition? InputSchemaDefinition;
    public SchemaDefinition? OutputSchemaDefinition;

    /// <summary>Disposing the engine disposes the transformer.</summary>
    public bool OwnsTransformer = true;
}
