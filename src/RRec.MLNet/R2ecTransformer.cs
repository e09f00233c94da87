using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace RRec.MLNet;

/// <summary>
/// A fitted R2ec: adds a reasoning, ranked items and their scores to rows with a purchase history. <see cref="Transform"/> is lazy: the model
/// runs when a cursor asks for one of its columns, by batches of rows.
/// </summary>
/// <remarks>
/// Not disposable on purpose: ML.NET's prediction engines dispose the transformers they are given, and a pool of engines shares one model.
/// </remarks>
public sealed partial class R2ecTransformer : ITransformer
{
    private readonly IHost _host;
    private readonly Scorer _scorer;

    internal R2ecTransformer(IHostEnvironment environment, IRecommender recommender, ScoringOptions options)
    {
        _host = environment.Register(nameof(R2ecTransformer));
        _scorer = new Scorer(_host, recommender, options);
    }

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    internal ScoringOptions ScoringOptions => _scorer.Options;

    internal IRecommender Recommender => _scorer.Recommender;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type; names role, column, found and expected type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new ScoringSchema(inputSchema, _scorer.Options).Output;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type; names role, column, found and expected type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoringView(input, _scorer);
    }

    /// <summary>
    /// This transformer with several sampled reasonings per row: the user vectors behind them are averaged, and the text shown is the first one's. Weights, item table and
    /// the turns that calls take are shared; both may be used and saved. Streaming (<see cref="RecommendAsync"/>) goes on writing one reasoning, greedily.
    /// </summary>
    /// <param name="samples">1 to 256; 1 writes one, greedily. Time grows with it.</param>
    /// <param name="temperature">Of the sampling; above 0 and finite. Ignored where <paramref name="samples"/> is 1.</param>
    /// <param name="seed">Together with what a row's prompt says it decides what is sampled: equal histories get equal answers wherever they stand.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public R2ecTransformer WithReasoningSamples(int samples, double temperature = 1, int seed = 0)
    {
        if (samples is < 1 or > 256) throw new ArgumentOutOfRangeException(nameof(samples), samples, "It must be 1 to 256.");
        if (!(temperature > 0) || !double.IsFinite(temperature)) throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "It must be above 0 and finite.");
        return new R2ecTransformer(_host, _scorer.Recommender, _scorer.Options with { ReasoningSamples = samples, ReasoningTemperature = temperature, ReasoningSeed = seed }) { BackboneStorage = BackboneStorage };
    }

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new ScoringRowMapper(inputSchema, _scorer);
    }
}
