using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>
/// One row per purchase that has a history: everything the user bought before, and what came next, in the order of the label's time. Or, without
/// labels, one row per user with everything bought so far. Rows are pairs (user, position) over the arrays of a <see cref="PurchaseLog"/>;
/// vectors are filled only when a cursor's getter is called.
/// </summary>
internal sealed class HistoryView : IDataView
{
    private const int RowsPerBatch = 64;
    private readonly int[] _users;
    private readonly int[] _positions;

    private readonly long? _now;

    /// <summary>Takes the rows: the user and the position of the label among the user's purchases (without labels: how many purchases the history has).</summary>
    /// <param name="log">The purchases.</param>
    /// <param name="users">By row.</param>
    /// <param name="positions">By row.</param>
    /// <param name="hasLabel">Whether a row asks about a known purchase.</param>
    /// <param name="now">Without labels: the moment of the question, unix milliseconds; null: no such column.</param>
    public HistoryView(PurchaseLog log, int[] users, int[] positions, bool hasLabel = true, long? now = null)
    {
        (Log, HasLabel, _now) = (log, hasLabel, now);
        _users = users;
        _positions = positions;
        DataViewSchema.Builder builder = new();
        builder.AddColumn(HistoryColumns.User, TextDataViewType.Instance);
        builder.AddColumn(HistoryColumns.Items, new VectorDataViewType(TextDataViewType.Instance));
        if (log.RatingsOf is not null) builder.AddColumn(HistoryColumns.Ratings, new VectorDataViewType(NumberDataViewType.Single));
        builder.AddColumn(HistoryColumns.Timestamps, new VectorDataViewType(NumberDataViewType.Int64));
        if (hasLabel || now is not null) builder.AddColumn(HistoryColumns.Timestamp, NumberDataViewType.Int64);
        if (hasLabel) builder.AddColumn(HistoryColumns.Label, TextDataViewType.Instance);
        Schema = builder.ToSchema();
    }

    public PurchaseLog Log { get; }

    public bool HasLabel { get; }

    public int Count => _users.Length;

    public DataViewSchema Schema { get; }

    public bool CanShuffle => true;

    public (int User, int Position) this[int row] => (_users[row], _positions[row]);

    /// <summary>A view of some of the rows, in the order given; it shares the log.</summary>
    public HistoryView Select(IReadOnlyList<int> rows)
    {
        int[] users = new int[rows.Count], positions = new int[rows.Count];
        for (int i = 0; i < rows.Count; i++) (users[i], positions[i]) = this[rows[i]];
        return new HistoryView(Log, users, positions, HasLabel, _now);
    }

    public long? GetRowCount() => Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, columnsNeeded, Shuffled(rand), 0, 1);

    // Cursors of a set take turns batch by batch; a consumer that wants the order back merges by Batch.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        int count = Math.Max(1, Math.Min(n, (Count + RowsPerBatch - 1) / RowsPerBatch));
        int[]? order = Shuffled(rand);
        return [.. Enumerable.Range(0, count).Select(i => new Cursor(this, columnsNeeded, order, i, count))];
    }

    private int[]? Shuffled(Random? rand)
    {
        if (rand is null) return null;
        int[] order = [.. Enumerable.Range(0, Count)];
        rand.Shuffle(order);
        return order;
    }

    private sealed class Cursor : ViewCursor
    {
        private readonly HistoryView _view;
        private readonly int[]? _order;
        private readonly int _part;
        private readonly int _parts;
        private int _next;          // the next place in the order, over all parts
        private int _row = -1;
        private int _user;
        private int _position;
        private long _batch = -1;
        private long _moved = -1;

        public Cursor(HistoryView view, IEnumerable<DataViewSchema.Column> needed, int[]? order, int part, int parts)
            : base(view.Schema, needed)
        {
            (_view, _order, _part, _parts) = (view, order, part, parts);
            _next = part * RowsPerBatch;
        }

        public override long Position => _row < 0 ? -1 : _moved;

        public override long Batch => Math.Max(0, _batch);

        public override bool MoveNext()
        {
            if (_next >= _view.Count)
            {
                _row = -1;
                return false;
            }

            _row = _order is null ? _next : _order[_next];
            (_user, _position) = _view[_row];
            _batch = _next / RowsPerBatch;
            _moved++;
            _next++;
            if (_next % RowsPerBatch == 0) _next += (_parts - 1) * RowsPerBatch;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)Row, 0);

        private int Row => _row >= 0 ? _row : throw new InvalidOperationException("The cursor is not on a row: call MoveNext first.");

        protected override Delegate MakeGetter(DataViewSchema.Column column) => column.Name switch
        {
            HistoryColumns.User => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> v) => { _ = Row; v = _view.Log.Users[_user]; }),
            HistoryColumns.Label => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> v) => { _ = Row; v = _view.Log.Items[_view.Log.ItemsOf[_user][_position]]; }),
            HistoryColumns.Timestamp => (ValueGetter<long>)((ref long v) => { _ = Row; v = _view._now ?? _view.Log.TimesOf[_user][_position]; }),
            HistoryColumns.Items => (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)Items,
            HistoryColumns.Timestamps => (ValueGetter<VBuffer<long>>)((ref VBuffer<long> v) => Copy(_view.Log.TimesOf[_user], ref v)),
            _ => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> v) => Copy(_view.Log.RatingsOf![_user], ref v)),
        };

        private void Items(ref VBuffer<ReadOnlyMemory<char>> value)
        {
            _ = Row;
            VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, _position);
            ReadOnlySpan<int> items = _view.Log.ItemsOf[_user].AsSpan(0, _position);
            for (int i = 0; i < items.Length; i++) editor.Values[i] = _view.Log.Items[items[i]];
            value = editor.Commit();
        }

        private void Copy<T>(T[] values, ref VBuffer<T> value)
        {
            _ = Row;
            VBufferEditor<T> editor = VBufferEditor.Create(ref value, _position);
            values.AsSpan(0, _position).CopyTo(editor.Values);
            value = editor.Commit();
        }
    }
}
