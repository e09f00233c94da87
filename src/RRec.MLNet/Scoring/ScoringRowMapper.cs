using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>Scores one row at a time, for <c>PredictionEngine</c> and for chains that map rows.</summary>
internal sealed class ScoringRowMapper(DataViewSchema input, Scorer scorer) : IRowToRowMapper
{
    private readonly ScoringSchema _schema = new(input, scorer.Options);

    public DataViewSchema InputSchema => _schema.Input;

    public DataViewSchema OutputSchema => _schema.Output;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        bool[] active = ViewCursor.Active(OutputSchema, dependingColumns);
        HashSet<int> needed = [.. Enumerable.Range(0, InputSchema.Count).Where(i => active[i])];
        if (OutputSchema.Any(c => active[c.Index] && _schema[c] is not null))
            foreach (DataViewSchema.Column column in _schema.NeededForScoring(scorer.Options, WantsRank(active))) needed.Add(column.Index);
        return [.. needed.Order().Select(i => InputSchema[i])];
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        bool[] active = ViewCursor.Active(OutputSchema, activeColumns);
        return new Row(input, _schema, active, scorer, WantsRank(active));
    }

    private bool WantsRank(bool[] active) => OutputSchema.Any(c => active[c.Index] && _schema[c] == ScoringOutput.LabelRank);

    private sealed class Row : DataViewRow
    {
        private readonly DataViewRow _input;
        private readonly ScoringSchema _schema;
        private readonly bool[] _active;
        private readonly Scorer _scorer;
        private readonly bool _withLabel;
        private readonly HistoryReader? _reader;
        private Recommendation? _answer;
        private long _answeredAt = -1;
        private long _unknown;

        public Row(DataViewRow input, ScoringSchema schema, bool[] active, Scorer scorer, bool withLabel)
        {
            (_input, _schema, _active, _scorer, _withLabel) = (input, schema, active, scorer, withLabel);
            if (active.AsSpan(schema.Input.Count).Contains(true)) _reader = new HistoryReader(input, scorer.Options, scorer.Index, withLabel);
        }

        public override DataViewSchema Schema => _schema.Output;

        public override long Position => _input.Position;

        public override long Batch => _input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _active.Length && _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' was not asked for when the row was made.");
            if (_schema[column] is not { } output) return _input.GetGetter<TValue>(_schema.Input[column.Index]);
            return _scorer.MakeGetter(output, Answer) as ValueGetter<TValue>
                ?? throw new InvalidOperationException($"Column '{column.Name}' is {Schema[column.Index].Type}: a getter of that type was expected, not of {typeof(TValue)}.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                if (_unknown > 0) _scorer.ReportUnknown(_unknown, _reader!.EntriesRead);
                _input.Dispose();
            }

            base.Dispose(disposing);
        }

        // Several outputs of a row share one answer; a prediction engine moves the input's position with every example.
        private Recommendation Answer()
        {
            long position = _input.Position;
            if (_answer is not null && position >= 0 && position == _answeredAt) return _answer;
            ScoringRow row = Scorer.Read(_reader!, position, _withLabel);
            _unknown = _reader!.UnknownItems;
            _answer = _scorer.Score([row], _withLabel)[0];
            _answeredAt = position;
            return _answer;
        }
    }
}
