using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// Fits R2ec (arXiv 2505.16994): one decoder that writes a reasoning about a purchase history and ranks the whole catalogue by it, trained by
/// reinforcement learning from the purchases alone.
/// </summary>
/// <remarks>
/// <para>Input columns (names are options): the history (ids, optionally ratings and times), the time, the label to learn. Output columns: <c>Reasoning</c>
/// (text), <c>PredictedItems</c> (K ids as text), <c>Score</c> (K numbers), optionally titles, and <c>LabelRank</c> where there is a label.</para>
/// <para>Kind of task: recommendation, by ranking. Needs normalisation: no. Needs caching: no, rows are read once. Runs on the CPU, or on the GPU
/// of <c>MLContext.GpuDeviceId</c>. Needs packages besides Microsoft.ML: TorchSharp with a libtorch.</para>
/// </remarks>
public sealed partial class R2ecTrainer : IEstimator<R2ecTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal R2ecTrainer(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ColumnRule.Check(options.Items!.Schema, nameof(Options.Items), CatalogueReader.Rules(options.ToItemColumns()));
        (_environment, _options) = (environment, options.Copy());
    }

    /// <summary>Fits on the rows given, without a validation set: the last state of training is kept.</summary>
    /// <param name="input">Rows with history and label; see <see cref="Options"/> for the columns.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type.</exception>
    /// <exception cref="ArgumentException">The items or a label are at fault; names row and column.</exception>
    /// <exception cref="InvalidOperationException">There are no rows.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public R2ecTransformer Fit(IDataView input) => Fit(input, null);

    /// <summary>Fits, and keeps the state that ranks the validation rows best.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">Rows with history and label; see <see cref="Options"/> for the columns.</param>
    /// <param name="validationData">Rows that are only measured; null: none.</param>
    public R2ecTransformer Fit(IDataView trainData, IDataView? validationData)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        ColumnRule.Check(trainData.Schema, nameof(trainData), FitRules());
        if (validationData is not null) ColumnRule.Check(validationData.Schema, nameof(validationData), FitRules());

        IHost host = _environment.Register(nameof(R2ecTrainer), _options.Seed);
        using IChannel channel = host.Start("Training");
        void Warn(string message) => channel.Warning(MessageSensitivity.None, message);
        Catalogue catalogue = CatalogueReader.Read(_options.Items!, _options.ToItemColumns(), _options.Category, _options.CategoryPlural);
        CatalogueIndex index = new(catalogue);
        IReadOnlyList<PurchaseRow> train = PurchaseRows.Read(trainData, "training", _options, index, Warn);
        IReadOnlyList<PurchaseRow>? valid = validationData is null ? null : PurchaseRows.Read(validationData, "validation", _options, index, Warn);
        R2ecModel model = Training.Run(_environment, host, channel, catalogue, train, valid, _options);
        return new R2ecTransformer(_environment, new ModelRecommender(model), _options.ToScoringOptions()) { BackboneStorage = _options.BackboneStorage };
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type; names role, column, found and expected type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ColumnRule.Check(inputSchema, nameof(inputSchema), FitRules());
        ScoringOptions options = _options.ToScoringOptions();
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(c => c.Name);
        void Add(ScoringOutput output, SchemaShape.Column.VectorKind kind, DataViewType item, SchemaShape? annotations = null)
        {
            string name = ScoringSchema.NameOf(output, options);
            columns[name] = new SchemaShape.Column(name, kind, item, false, annotations);
        }

        Add(ScoringOutput.Reasoning, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance);
        Add(ScoringOutput.PredictedItems, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance);
        Add(ScoringOutput.Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, new SchemaShape(
        [
            new SchemaShape.Column("ScoreColumnSetId", SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true),
            new SchemaShape.Column("ScoreColumnKind", SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, false),
            new SchemaShape.Column("ScoreValueKind", SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, false),
        ]));
        if (options.PredictedTitles is not null) Add(ScoringOutput.PredictedTitles, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance);
        if (options.LabelRank is not null) Add(ScoringOutput.LabelRank, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single);
        return new SchemaShape(columns.Values);
    }

    // The lists of allowed and excluded items belong to scoring; training does not look at them.
    private IEnumerable<ColumnRule> FitRules() =>
    [
        .. (_options.ToScoringOptions() with { AllowedItems = null, ExcludedItems = null }).InputRules(),
        ColumnRule.Ids("label", _options.LabelColumnName, true, false),
        ColumnRule.Ids("user", _options.UserColumnName, false, false),
    ];
}
