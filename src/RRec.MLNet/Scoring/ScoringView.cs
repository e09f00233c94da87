using Microsoft.ML;

namespace RRec.MLNet;

/// <summary>
/// A view with the model's answers beside the source's columns. Lazy: the model runs when a getter of an output column is called, on the rows
/// that the cursor has looked ahead at. Where no output column is active the source's cursor passes through and no model runs.
/// </summary>
internal sealed class ScoringView(IDataView source, Scorer scorer) : IDataView
{
    private readonly ScoringSchema _schema = new(source.Schema, scorer.Options);

    public DataViewSchema Schema => _schema.Output;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = ViewCursor.Active(Schema, columnsNeeded);
        return Wrap(source.GetRowCursor(SourceColumns(active), rand), active);
    }

    // Each cursor of the source is batched by itself, so rows stay in the batches by which a consumer restores the order.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = ViewCursor.Active(Schema, columnsNeeded);
        return [.. source.GetRowCursorSet(SourceColumns(active), n, rand).Select(c => Wrap(c, active))];
    }

    private IEnumerable<DataViewSchema.Column> SourceColumns(bool[] active)
    {
        HashSet<int> needed = [.. Enumerable.Range(0, source.Schema.Count).Where(i => active[i])];
        if (Scores(active))
            foreach (DataViewSchema.Column column in _schema.NeededForScoring(scorer.Options, WantsRank(active))) needed.Add(column.Index);
        return [.. needed.Order().Select(i => source.Schema[i])];
    }

    private DataViewRowCursor Wrap(DataViewRowCursor cursor, bool[] active) => Scores(active)
        ? new ScoringCursor(cursor, _schema, active, scorer, WantsRank(active))
        : new PassThroughCursor(cursor, _schema, active);

    private bool Scores(bool[] active) => active.AsSpan(source.Schema.Count).Contains(true);

    private bool WantsRank(bool[] active) => Schema.Any(c => active[c.Index] && _schema[c] == ScoringOutput.LabelRank);
}
