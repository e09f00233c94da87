using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>An output of scoring.</summary>
internal enum ScoringOutput { Reasoning, PredictedItems, Score, PredictedTitles, LabelRank }

/// <summary>
/// The schema behind scoring: the input's columns, then ours. <c>LabelRank</c> is there where the input has a scalar label to rank.
/// </summary>
internal sealed class ScoringSchema
{
    private readonly List<ScoringOutput> _outputs = [ScoringOutput.Reasoning, ScoringOutput.PredictedItems, ScoringOutput.Score];

    public ScoringSchema(DataViewSchema input, ScoringOptions options)
    {
        ColumnRule.Check(input, "inputSchema", options.InputRules());
        Input = input;
        if (options.PredictedTitles is not null) _outputs.Add(ScoringOutput.PredictedTitles);
        if (options is { Label: not null, LabelRank: not null } && input.GetColumnOrNull(options.Label) is { } label
            && label.Type is KeyDataViewType or TextDataViewType or NumberDataViewType) _outputs.Add(ScoringOutput.LabelRank);

        DataViewSchema.Builder builder = new();
        builder.AddColumns(input);
        foreach (ScoringOutput output in _outputs)
        {
            DataViewSchema.Annotations? annotations = output == ScoringOutput.Score ? ScoreAnnotations(input) : null;
            builder.AddColumn(NameOf(output, options), TypeOf(output, options.K), annotations);
        }

        Output = builder.ToSchema();
    }

    public DataViewSchema Input { get; }

    public DataViewSchema Output { get; }

    /// <summary>What a column of <see cref="Output"/> is; null for one that is passed through.</summary>
    public ScoringOutput? this[DataViewSchema.Column column] => column.Index < Input.Count ? null : _outputs[column.Index - Input.Count];

    public static string NameOf(ScoringOutput output, ScoringOptions options) => output switch
    {
        ScoringOutput.Reasoning => options.Reasoning,
        ScoringOutput.PredictedItems => options.PredictedItems,
        ScoringOutput.Score => options.Score,
        ScoringOutput.PredictedTitles => options.PredictedTitles!,
        _ => options.LabelRank!,
    };

    public static DataViewType TypeOf(ScoringOutput output, int k) => output switch
    {
        ScoringOutput.Reasoning => TextDataViewType.Instance,
        ScoringOutput.Score => new VectorDataViewType(NumberDataViewType.Single, k),
        ScoringOutput.LabelRank => NumberDataViewType.Single,
        _ => new VectorDataViewType(TextDataViewType.Instance, k),
    };

    /// <summary>The input columns that computing an answer needs.</summary>
    public IEnumerable<DataViewSchema.Column> NeededForScoring(ScoringOptions options, bool withLabel) => HistoryReader.Needed(Input, options, withLabel);

    // How ML.NET marks the columns of one scorer: a set number above all others, what was scored, which part this is.
    private static DataViewSchema.Annotations ScoreAnnotations(DataViewSchema input)
    {
        uint set = 0;
        foreach (DataViewSchema.Column column in input)
        {
            if (column.Annotations.Schema.GetColumnOrNull("ScoreColumnSetId") is not { Type: KeyDataViewType { RawType: { } raw } } || raw != typeof(uint)) continue;
            uint other = 0;
            column.Annotations.GetValue("ScoreColumnSetId", ref other);
            set = Math.Max(set, other);
        }

        DataViewSchema.Annotations.Builder builder = new();
        builder.AddPrimitiveValue("ScoreColumnSetId", new KeyDataViewType(typeof(uint), int.MaxValue), set + 1);
        builder.AddPrimitiveValue("ScoreColumnKind", TextDataViewType.Instance, "Recommender".AsMemory());
        builder.AddPrimitiveValue("ScoreValueKind", TextDataViewType.Instance, "Score".AsMemory());
        return builder.ToAnnotations();
    }
}
