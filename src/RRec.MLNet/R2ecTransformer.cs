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

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new ScoringRowMapper(inputSchema, _scorer);
    }
}
