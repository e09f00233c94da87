using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.Data;

namespace RRec.MLNet;

/// <summary>
/// Turns the columns of one row into a <see cref="UserHistory"/> over catalogue indexes. Ids that the catalogue lacks are left out together
/// with their rating and time, and counted; a row is never an error for what is in it, except vectors that do not fit together. A row whose ratings or times are
/// empty has none: a prediction engine's class may leave them unset.
/// </summary>
internal sealed class HistoryReader
{
    private readonly CatalogueIndex _index;
    private readonly ScoringOptions _options;
    private readonly Func<int[]> _items;
    private readonly ValueGetter<VBuffer<float>>? _ratings;
    private readonly ValueGetter<VBuffer<long>>? _times;
    private readonly ValueGetter<long>? _now;
    private readonly Func<int>? _label;
    private readonly Func<int[]>? _allowed;
    private readonly Func<int[]>? _excluded;
    private VBuffer<float> _ratingValues;
    private VBuffer<long> _timeValues;
    private string? _labelText;

    /// <summary>Binds to a row (or cursor) whose needed columns are active.</summary>
    public HistoryReader(DataViewRow row, ScoringOptions options, CatalogueIndex index, bool withLabel)
    {
        _options = options;
        _index = index;
        _items = Indexes(row, row.Schema[options.HistoryItems]);
        if (Find(row.Schema, options.HistoryRatings) is { } ratings) _ratings = AsNumber.Ratings(row, ratings);
        if (Find(row.Schema, options.HistoryTimestamps) is { } times) _times = AsNumber.TimeVector(row, times, options.TimestampUnit);
        if (Find(row.Schema, options.Timestamp) is { } now) _now = AsNumber.Time(row, now, options.TimestampUnit);
        if (Find(row.Schema, options.AllowedItems) is { } allowed) _allowed = Indexes(row, allowed);
        if (Find(row.Schema, options.ExcludedItems) is { } excluded) _excluded = Indexes(row, excluded);
        if (withLabel) _label = Label(row, row.Schema[options.Label!]);
    }

    /// <summary>History entries whose id the catalogue does not have, over all rows read.</summary>
    public long UnknownItems { get; private set; }

    /// <summary>All entries read, the unknown ones included.</summary>
    public long EntriesRead { get; private set; }

    /// <summary>The label's text of the last <see cref="ReadLabel"/>, for messages.</summary>
    public string LabelText => _labelText ?? "";

    /// <summary>The columns that <see cref="Read"/> touches.</summary>
    public static IEnumerable<DataViewSchema.Column> Needed(DataViewSchema schema, ScoringOptions options, bool withLabel)
    {
        string?[] names = [options.HistoryItems, options.HistoryRatings, options.HistoryTimestamps, options.Timestamp, options.AllowedItems, options.ExcludedItems,
            withLabel ? options.Label : null];
        return names.Select(n => Find(schema, n)).Where(c => c is not null).Select(c => c!.Value);
    }

    /// <summary>The present row's history.</summary>
    /// <exception cref="InvalidOperationException">Ratings or times are not one per history item; names column, row and lengths.</exception>
    public UserHistory Read(long position)
    {
        int[] items = _items();
        int length = items.Length, known = 0;
        foreach (int item in items)
            if (item >= 0) known++;
        EntriesRead += length;
        UnknownItems += length - known;

        float[] ratings = [];
        if (_ratings is not null)
        {
            _ratings(ref _ratingValues);
            ratings = Kept(_ratingValues.GetValues(), items, known, _options.HistoryRatings!, position);
            if (_options.RatingFactor != 1)
                for (int i = 0; i < ratings.Length; i++) ratings[i] *= _options.RatingFactor;
        }

        long[] times = [];
        if (_times is not null)
        {
            _times(ref _timeValues);
            times = Kept(_timeValues.GetValues(), items, known, _options.HistoryTimestamps!, position);
            if (Array.IndexOf(times, AsNumber.NoTime) >= 0) times = [];   // a history with holes in its times is shown without any
        }

        long? now = null;
        if (_now is not null)
        {
            long value = 0;
            _now(ref value);
            if (value != AsNumber.NoTime) now = value;
        }

        return new UserHistory(known == length ? items : [.. items.Where(i => i >= 0)], ratings, times, now);
    }

    /// <summary>The present row's label as a catalogue index; -1 where it is missing or unknown.</summary>
    public int ReadLabel() => _label!();

    /// <summary>The present row's allowed items; null where there is no such column. Unknown ids are left out.</summary>
    public int[]? ReadAllowed() => _allowed?.Invoke().Where(i => i >= 0).ToArray();

    /// <summary>The present row's excluded items; null where there is no such column. Unknown ids are left out.</summary>
    public int[]? ReadExcluded() => _excluded?.Invoke().Where(i => i >= 0).ToArray();

    private static DataViewSchema.Column? Find(DataViewSchema schema, string? name) => name is null ? null : schema.GetColumnOrNull(name);

    private static T[] Kept<T>(ReadOnlySpan<T> values, int[] items, int known, string column, long position)
    {
        if (values.IsEmpty) return [];
        // Ratings and times are dense here: AsNumber makes them so.
        if (values.Length != items.Length)
            throw new InvalidOperationException($"Row {position}: column '{column}' has {values.Length} entries but the history has {items.Length} items; one per item is needed.");
        T[] kept = new T[known];
        for (int i = 0, k = 0; i < items.Length; i++)
            if (items[i] >= 0) kept[k++] = values[i];
        return kept;
    }

    // A getter of a column's ids as catalogue indexes, -1 where unknown. Keys are looked up once for all rows.
    private Func<int[]> Indexes(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType { ItemType: KeyDataViewType key } && key.RawType == typeof(uint) && AsText.KeyTexts(column) is { } texts)
        {
            int[] indexOfKey = [-1, .. texts.Select(t => _index.Find(t.Span))];
            ValueGetter<VBuffer<uint>> keyGetter = row.GetGetter<VBuffer<uint>>(column);
            VBuffer<uint> keys = default;
            return () =>
            {
                keyGetter(ref keys);
                int[] found = new int[keys.Length];
                int i = 0;
                foreach (uint k in keys.DenseValues()) found[i++] = k < indexOfKey.Length ? indexOfKey[k] : -1;
                return found;
            };
        }

        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = AsText.Vector(row, column);
        VBuffer<ReadOnlyMemory<char>> ids = default;
        return () =>
        {
            getter(ref ids);
            int[] found = new int[ids.Length];
            if (ids.IsDense)
            {
                ReadOnlySpan<ReadOnlyMemory<char>> values = ids.GetValues();
                for (int i = 0; i < found.Length; i++) found[i] = _index.Find(values[i].Span);
            }
            else
            {
                int i = 0;
                foreach (ReadOnlyMemory<char> id in ids.DenseValues()) found[i++] = _index.Find(id.Span);
            }

            return found;
        };
    }

    private Func<int> Label(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<ReadOnlyMemory<char>> getter = AsText.Scalar(row, column);
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            getter(ref text);
            _labelText = text.ToString();
            return _index.Find(text.Span);
        };
    }
}
