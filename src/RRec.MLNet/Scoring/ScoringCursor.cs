using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>
/// Scores by batches behind a row-by-row face. MoveNext reads ahead until a batch is full and keeps what the batch needs: histories for the
/// model and the passed-through values that are active. The model runs at the first call of an output's getter in the batch. Batches begin
/// small and double, so that looking at a few rows costs a few rows; memory is bounded by the largest.
/// </summary>
internal sealed class ScoringCursor : ViewCursor
{
    private const int FirstBatch = 8;
    private readonly DataViewRowCursor _source;
    private readonly ScoringSchema _schema;
    private readonly Scorer _scorer;
    private readonly bool _withLabel;
    private readonly HistoryReader _reader;
    private readonly Dictionary<int, ColumnBuffer> _buffers = [];
    private readonly ValueGetter<DataViewRowId> _idGetter;
    private readonly List<ScoringRow> _rows = [];
    private readonly List<DataViewRowId> _ids = [];
    private readonly List<long> _batches = [];
    private IReadOnlyList<Recommendation>? _answers;
    private int _size = FirstBatch;
    private int _slot = -1;
    private long _position = -1;
    private bool _ended;

    public ScoringCursor(DataViewRowCursor source, ScoringSchema schema, bool[] active, Scorer scorer, bool withLabel)
        : base(schema.Output, schema.Output.Where(c => active[c.Index]))
    {
        (_source, _schema, _scorer, _withLabel) = (source, schema, scorer, withLabel);
        _reader = new HistoryReader(source, scorer.Options, scorer.Index, withLabel);
        for (int i = 0; i < schema.Input.Count; i++)
            if (active[i]) _buffers.Add(i, ColumnBuffer.Create(source, schema.Input[i]));
        _idGetter = source.GetIdGetter();
    }

    public override long Position => _slot < 0 ? -1 : _position;

    public override long Batch => _slot < 0 ? 0 : _batches[_slot];

    public override bool MoveNext()
    {
        if (_slot + 1 >= _rows.Count && !Fill())
        {
            _slot = -1;
            return false;
        }

        _slot++;
        _position++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = _ids[Slot()];

    protected override Delegate MakeGetter(DataViewSchema.Column column) =>
        _schema[column] is { } output ? _scorer.MakeGetter(output, Answer) : _buffers[column.Index].MakeGetter(Slot);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Report();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    private Recommendation Answer()
    {
        int slot = Slot();
        _answers ??= _scorer.Score(_rows, _withLabel);
        return _answers[slot];
    }

    private int Slot() => _slot >= 0 ? _slot : throw new InvalidOperationException("The cursor is not on a row: call MoveNext first.");

    private bool Fill()
    {
        _rows.Clear();
        _ids.Clear();
        _batches.Clear();
        _answers = null;
        _slot = -1;
        while (!_ended && _rows.Count < _size)
        {
            if (!_source.MoveNext())
            {
                _ended = true;
                Report();
                break;
            }

            foreach (ColumnBuffer buffer in _buffers.Values) buffer.Capture(_rows.Count);
            DataViewRowId id = default;
            _idGetter(ref id);
            _ids.Add(id);
            _batches.Add(_source.Batch);
            _rows.Add(Scorer.Read(_reader, _source.Position, _withLabel));
        }

        _size = Math.Min(2 * _size, _scorer.Options.BatchSize);
        return _rows.Count > 0;
    }

    private bool _reported;

    private void Report()
    {
        if (_reported) return;
        _reported = true;
        _scorer.ReportUnknown(_reader.UnknownItems, _reader.EntriesRead);
    }
}
