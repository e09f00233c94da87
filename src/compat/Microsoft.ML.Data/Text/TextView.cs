namespace Microsoft.ML.Data;

/// <summary>The rows of a text source; only active columns are parsed.</summary>
internal sealed class TextView(TextLoader loader, IMultiStreamSource source) : IDataView
{
    public DataViewSchema Schema => loader.GetOutputSchema();
    public bool CanShuffle => false;
    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(loader, source, Schema.Mask(columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursor
    {
        private const int ProblemsShown = 10;

        private readonly TextLoader _loader;
        private readonly IEnumerator<TextLine> _lines;
        private readonly FieldSplitter _fields;
        private readonly Slot?[] _slots;
        private readonly Slot[] _activeSlots;
        private long _problems;
        private bool _disposed;

        public Cursor(TextLoader loader, IMultiStreamSource source, bool[] active) : base(loader.GetOutputSchema(), active)
        {
            _loader = loader;
            _lines = LineSource.Read(source, loader.Format).GetEnumerator();
            _slots = [.. loader.Columns.Items.Select((column, i) => active[i] ? Slot.For(column, loader.Format, this) : null)];
            _activeSlots = [.. _slots.OfType<Slot>()];
            int lim = loader.Columns.Items.Where((_, i) => active[i]).SelectMany(c => c.Segments).Select(s => s.Lim).DefaultIfEmpty(1).Max();
            // A line's size must be known as a whole for a vector that goes to its end.
            _fields = new FieldSplitter(loader.Format, lim == int.MaxValue ? lim : lim - 1);
        }

        protected override Delegate GetterOf(int column) => _slots[column]!.Getter;

        public void CheckOnRow() => Contracts.Check(Position >= 0, "The cursor is not on a row: call MoveNext first.");

        protected override bool Advance()
        {
            if (!_lines.MoveNext()) return false;
            TextLine line = _lines.Current;
            int count = _fields.Split(line.Text);
            if (_fields.Problem is { } problem) Note(line, problem);
            foreach (Slot slot in _activeSlots)
                if (slot.Fill(_fields, count) is { } unreadable) Report(line, slot, unreadable);
            return true;
        }

        private void Report(TextLine line, Slot slot, string text)
        {
            string what = $"Column '{slot.Column.Name}' of type {slot.Column.Type} cannot hold the value '{text}' ({line.Path ?? "data"}, line {line.Number}).";
            if (!slot.HasMissing) throw new FormatException($"Reading text failed: {what}", new InvalidOperationException(what));
            Note(line, $"column '{slot.Column.Name}' cannot hold the value '{text}'");
        }

        /// <summary>The first problems are told one by one, the others are counted.</summary>
        private void Note(TextLine line, string problem)
        {
            if (_problems++ >= ProblemsShown) return;
            using IChannel channel = _loader.Host.Start("TextLoader");
            channel.Warning($"{line.Path ?? "data"}, line {line.Number}: {problem}");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                _disposed = true;
                _lines.Dispose();
                if (_problems > ProblemsShown)
                {
                    using IChannel channel = _loader.Host.Start("TextLoader");
                    channel.Warning($"{_problems} fields in all could not be read as they stand.");
                }
            }
            base.Dispose(disposing);
        }
    }

    /// <summary>The current value of a column.</summary>
    private abstract class Slot(TextColumn column, bool hasMissing)
    {
        public TextColumn Column => column;
        public bool HasMissing => hasMissing;
        public abstract Delegate Getter { get; }

        /// <summary>Reads the line's value; returns the text of the first field that could not be read.</summary>
        public abstract string? Fill(FieldSplitter fields, int count);

        public static Slot For(TextColumn column, TextFormat format, Cursor cursor) => Generic.Call<Slot>(typeof(Slot), nameof(Create), null,
            ColumnTypes.ItemType(column.Type).RawType, column, format, cursor);

        private static Slot Create<T>(TextColumn column, TextFormat format, Cursor cursor)
        {
            (ValueParser<T> parse, bool hasMissing) = ValueParsers.For<T>(ColumnTypes.ItemType(column.Type), format);
            return column.Type is VectorDataViewType ? new Vector<T>(column, parse, hasMissing, cursor) : new Scalar<T>(column, parse, hasMissing, cursor);
        }
    }

    private sealed class Scalar<T>(TextColumn column, ValueParser<T> parse, bool hasMissing, Cursor cursor) : Slot(column, hasMissing)
    {
        private T _value = default!;

        public override Delegate Getter => (ValueGetter<T>)((ref T value) =>
        {
            cursor.CheckOnRow();
            value = _value;
        });

        public override string? Fill(FieldSplitter fields, int count)
        {
            int place = Column.Segments[0].Min, i = fields.Find(place);
            if (i < fields.Count && fields.Place(i) == place) return parse(fields.Text(i), out _value) ? null : fields.Text(i).ToString();
            parse(default, out _value); // a field that is not there is empty
            return null;
        }
    }

    private sealed class Vector<T>(TextColumn column, ValueParser<T> parse, bool hasMissing, Cursor cursor) : Slot(column, hasMissing)
    {
        private VBuffer<T> _value;

        public override Delegate Getter => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            cursor.CheckOnRow();
            _value.CopyTo(ref value);
        });

        public override string? Fill(FieldSplitter fields, int count)
        {
            int size = Column.FixedSize + Column.Segments.Where(s => s.IsVariable).Sum(s => Math.Max(0, count - s.Min));
            VBufferEditor<T> editor = VBufferEditor.Create(ref _value, size);
            editor.Values.Clear();
            string? unreadable = null;
            int start = 0;
            foreach (Segment segment in Column.Segments)
            {
                int lim = segment.IsVariable ? Math.Max(segment.Min, count) : segment.Lim;
                for (int i = fields.Find(segment.Min); i < fields.Count && fields.Place(i) < lim; i++)
                    if (!parse(fields.Text(i), out editor.Values[start + fields.Place(i) - segment.Min])) unreadable ??= fields.Text(i).ToString();
                start += lim - segment.Min;
            }
            _value = editor.Commit();
            return unreadable;
        }
    }
}
