using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>One row waiting for its answer.</summary>
internal readonly record struct ScoringRow(UserHistory History, int Label, int[]? Allowed, int[]? Excluded);

/// <summary>What cursors and row mappers share: the model, the options, and how an answer becomes column values.</summary>
internal sealed class Scorer(IHost host, IRecommender recommender, ScoringOptions options)
{
    private readonly ReadOnlyMemory<char>[] _ids = [.. recommender.Catalogue.Items.Select(i => i.Id.AsMemory())];

    public ScoringOptions Options => options;

    public IRecommender Recommender => recommender;

    public CatalogueIndex Index { get; } = new(recommender.Catalogue);

    /// <summary>Answers rows in their order, by one call of the model.</summary>
    public IReadOnlyList<Recommendation> Score(IReadOnlyList<ScoringRow> rows, bool withLabel)
    {
        if (host is ICancelable { IsCanceled: true }) throw new OperationCanceledException("The MLContext's execution was cancelled.");
        RecommendRequest request = new()
        {
            K = Math.Min(options.K, recommender.Catalogue.Count),
            BatchSize = options.BatchSize,
            Samples = options.ReasoningSamples,
            SamplingTemperature = options.ReasoningTemperature,
            Seed = options.ReasoningSeed,
            Labels = withLabel ? [.. rows.Select(r => r.Label)] : null,
            AllowedByRow = options.AllowedItems is null ? null : [.. rows.Select(r => r.Allowed)],
            ExcludedByRow = options.ExcludedItems is null ? null : [.. rows.Select(r => r.Excluded)],
        };
        return recommender.Recommend([.. rows.Select(r => r.History)], request, CancellationToken.None);
    }

    /// <summary>Reads a row for <see cref="Score"/>.</summary>
    public static ScoringRow Read(HistoryReader reader, long position, bool withLabel) =>
        new(reader.Read(position), withLabel ? reader.ReadLabel() : -1, reader.ReadAllowed(), reader.ReadExcluded());

    /// <summary>A getter of an output column; <paramref name="answer"/> gives the present row's answer and computes it if need be.</summary>
    public Delegate MakeGetter(ScoringOutput output, Func<Recommendation> answer) => output switch
    {
        ScoringOutput.Reasoning => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> v) => v = answer().Reasoning.AsMemory().TrimEnd(" ,\r\n\t")),
        ScoringOutput.LabelRank => (ValueGetter<float>)((ref float v) => v = answer().LabelRank ?? float.NaN),
        ScoringOutput.PredictedItems => (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> v) => Texts(answer(), i => _ids[i], ref v)),
        ScoringOutput.PredictedTitles =>
            (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> v) => Texts(answer(), i => recommender.Catalogue.Items[i].Title.AsMemory(), ref v)),
        _ => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> v) => Scores(answer(), ref v)),
    };

    /// <summary>One warning for a whole pass, not one per row.</summary>
    public void ReportUnknown(long unknown, long read)
    {
        if (unknown == 0) return;
        using IChannel channel = host.Start("R2ec scoring");
        channel.Warning(MessageSensitivity.None, string.Create(CultureInfo.InvariantCulture,
            $"{unknown} of {read} history entries are not in the catalogue and were skipped."));
    }

    // The vectors have K slots always; where masks leave fewer items the rest is empty text with score NaN.
    private void Texts(Recommendation answer, Func<int, ReadOnlyMemory<char>> text, ref VBuffer<ReadOnlyMemory<char>> value)
    {
        VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, options.K);
        for (int i = 0; i < options.K; i++) editor.Values[i] = i < answer.Items.Length ? text(answer.Items[i]) : default;
        value = editor.Commit();
    }

    private void Scores(Recommendation answer, ref VBuffer<float> value)
    {
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, options.K);
        for (int i = 0; i < options.K; i++) editor.Values[i] = i < answer.Scores.Length ? answer.Scores[i] : float.NaN;
        value = editor.Commit();
    }
}
