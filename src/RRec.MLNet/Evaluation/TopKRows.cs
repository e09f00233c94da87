using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>What was read of one scored row: where its relevant items stand.</summary>
/// <param name="Label">The relevant items' ids, joined; identifies the row in a comparison.</param>
/// <param name="Relevant">How many relevant items the row has.</param>
/// <param name="Ranks">The 1-based ranks at which some of them stand, ascending; the others are not known to stand anywhere.</param>
/// <param name="Top">The ids shown, best first.</param>
/// <param name="User">The user, where a column says it.</param>
/// <param name="Group">The group, where a column says it.</param>
internal readonly record struct TopKRow(string Label, int Relevant, int[] Ranks, string[] Top, string? User, string? Group);

/// <summary>Reads scored rows for evaluation, whatever made them.</summary>
internal sealed class TopKRows
{
    public List<TopKRow> Rows { get; } = [];

    /// <summary>Rows without a label; they are left out.</summary>
    public long WithoutLabel { get; private set; }

    /// <summary>Scores that are NaN although an item stands at their place.</summary>
    public long NaNScores { get; private set; }

    /// <summary>The longest list.</summary>
    public int ListLength { get; private set; }

    /// <summary>Whether ranks beyond the lists are known.</summary>
    public bool HasRanks { get; private set; }

    public static TopKRows Read(IDataView scored, string labelColumn, string itemsColumn, string? scoreColumn, string? rankColumn, string? userColumn, string? groupColumn)
    {
        DataViewSchema schema = scored.Schema;
        DataViewSchema.Column label = schema[labelColumn], items = schema[itemsColumn];
        DataViewSchema.Column? score = Find(scoreColumn, c => c.Type is VectorDataViewType { ItemType: NumberDataViewType });
        DataViewSchema.Column? rank = label.Type is VectorDataViewType ? null : Find(rankColumn, c => c.Type is NumberDataViewType);
        DataViewSchema.Column? user = Find(userColumn, _ => true), group = Find(groupColumn, _ => true);
        DataViewSchema.Column?[] needed = [label, items, score, rank, user, group];
        using DataViewRowCursor cursor = scored.GetRowCursor([.. needed.Where(c => c is not null).Select(c => c!.Value).DistinctBy(c => c.Index)]);
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> labelGetter = AsText.Vector(cursor, label), itemsGetter = AsText.Vector(cursor, items);
        ValueGetter<VBuffer<float>>? scoreGetter = score is { } s ? AsNumber.Ratings(cursor, s) : null;
        ValueGetter<float>? rankGetter = rank is { } r ? AsNumber.Rating(cursor, r) : null;
        ValueGetter<ReadOnlyMemory<char>>? userGetter = user is { } u ? AsText.Scalar(cursor, u) : null, groupGetter = group is { } g ? AsText.Scalar(cursor, g) : null;

        TopKRows read = new() { HasRanks = rank is not null };
        IdStrings strings = new();   // a few thousand ids in millions of places
        VBuffer<ReadOnlyMemory<char>> labels = default, top = default;
        VBuffer<float> scores = default;
        ReadOnlyMemory<char> text = default;
        float rankValue = 0;
        while (cursor.MoveNext())
        {
            labelGetter(ref labels);
            itemsGetter(ref top);
            scoreGetter?.Invoke(ref scores);
            rankGetter?.Invoke(ref rankValue);
            string? userText = Text(userGetter), groupText = Text(groupGetter);
            string[] relevant = [.. labels.DenseValues().Where(l => l.Length > 0).Select(l => strings.Of(l.Span)).Distinct(StringComparer.Ordinal)];
            if (relevant.Length == 0)
            {
                read.WithoutLabel++;
                continue;
            }

            string[] list = read.Ordered(top, scoreGetter is null ? default : scores, strings, out bool reordered);
            read.ListLength = Math.Max(read.ListLength, top.Length);
            int[] ranks = [.. relevant.Select(l => Array.IndexOf(list, l) + 1).Where(p => p > 0).Order()];
            if (rankGetter is not null && rankValue >= 1 && (ranks.Length == 0 || !reordered)) ranks = [(int)rankValue];
            read.Rows.Add(new TopKRow(string.Join('\n', relevant), relevant.Length, ranks, list, userText, groupText));
        }

        return read;

        DataViewSchema.Column? Find(string? name, Func<DataViewSchema.Column, bool> fits) => name is not null && schema.GetColumnOrNull(name) is { } column && fits(column) ? column : null;

        string? Text(ValueGetter<ReadOnlyMemory<char>>? getter)
        {
            if (getter is null) return null;
            getter(ref text);
            return strings.Of(text.Span);
        }
    }

    // Empty places are no items. A NaN score says nothing about its item, so it goes behind all others.
    private string[] Ordered(in VBuffer<ReadOnlyMemory<char>> top, in VBuffer<float> scores, IdStrings strings, out bool reordered)
    {
        List<string> list = new(top.Length), last = [];
        int place = 0;
        foreach (ReadOnlyMemory<char> id in top.DenseValues())
        {
            int i = place++;
            if (id.Length == 0) continue;
            bool isNaN = i < scores.Length && float.IsNaN(scores.GetItemOrDefault(i));
            if (isNaN) NaNScores++;
            (isNaN ? last : list).Add(strings.Of(id.Span));
        }

        reordered = last.Count > 0;
        list.AddRange(last);
        return [.. list];
    }

    private sealed class IdStrings
    {
        private readonly HashSet<string> _known = new(StringComparer.Ordinal);
        private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

        public IdStrings() => _bySpan = _known.GetAlternateLookup<ReadOnlySpan<char>>();

        public string Of(ReadOnlySpan<char> text)
        {
            if (_bySpan.TryGetValue(text, out string? known)) return known;
            string made = text.ToString();
            _known.Add(made);
            return made;
        }
    }
}
