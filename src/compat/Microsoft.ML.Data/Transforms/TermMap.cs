namespace Microsoft.ML.Data;

/// <summary>The values that a column's keys stand for, numbered from 1 in the order of <see cref="TermMap{T}.Terms"/>. Immutable once it is made.</summary>
internal abstract class TermMap(PrimitiveDataViewType itemType)
{
    private const byte TextTerms = 0, CodedTerms = 1;

    public PrimitiveDataViewType ItemType => itemType;
    public abstract int Count { get; }

    /// <summary>A key cannot have no values, so that an empty map counts as one.</summary>
    public KeyDataViewType OutputType => new(typeof(uint), (ulong)Math.Max(1, Count));

    public abstract Delegate Getter(DataViewRow row, DataViewSchema.Column column);
    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder builder, bool asText, DataViewSchema.Column source);
    public abstract void WriteText(TextWriter writer);
    public abstract void Save(ModelSaveContext ctx);

    /// <summary>Collects terms; <c>row</c> is read at each call of the result, which says whether there is room for more.</summary>
    public static TermMapBuilder Builder(PrimitiveDataViewType itemType, int maximum, bool sorted) =>
        Generic.Call<TermMapBuilder>(typeof(TermMap), nameof(CreateBuilder), null, itemType.RawType, itemType, maximum, sorted);

    private static TermMapBuilder CreateBuilder<T>(PrimitiveDataViewType itemType, int maximum, bool sorted) where T : notnull =>
        new TermMapBuilder<T>(itemType, maximum, sorted);

    /// <summary>A kind byte; for text a count and the terms' numbers in the string table, otherwise the type, a count and the values.</summary>
    public static TermMap Load(ModelLoadContext ctx)
    {
        BinaryReader reader = ctx.Reader;
        switch (reader.ReadByte())
        {
            case TextTerms:
                int count = CheckCount(reader.ReadInt32());
                var texts = new List<ReadOnlyMemory<char>>();
                for (int i = 0; i < count; i++) texts.Add(ctx.LoadNonEmptyString().AsMemory());
                return new TermMap<ReadOnlyMemory<char>>(TextDataViewType.Instance, texts);
            case CodedTerms:
                if (TypeCodec.Read(reader) is not PrimitiveDataViewType type) throw new FormatException("A saved map of values has terms of an unknown type.");
                return Generic.Call<TermMap>(typeof(TermMap), nameof(LoadCoded), null, type.RawType, reader, type);
            default:
                throw new FormatException("A saved map of values is of an unknown kind.");
        }
    }

    private static TermMap LoadCoded<T>(BinaryReader reader, PrimitiveDataViewType type) where T : notnull =>
        new TermMap<T>(type, [.. ValueCodec.ReadItems<T>(reader, CheckCount(reader.ReadInt32()))]);

    private static int CheckCount(int count)
    {
        Contracts.CheckDecode(count >= 0, $"A saved map of values claims to have {count} terms.");
        return count;
    }

    protected static void SaveHead(ModelSaveContext ctx, bool text) => ctx.Writer.Write(text ? TextTerms : CodedTerms);
}

internal sealed class TermMap<T> : TermMap where T : notnull
{
    private readonly Dictionary<T, uint> _keys = new(TermComparer<T>.Instance);

    public TermMap(PrimitiveDataViewType itemType, List<T> terms) : base(itemType)
    {
        Terms = terms;
        for (int i = 0; i < terms.Count; i++)
            Contracts.CheckDecode(_keys.TryAdd(terms[i], (uint)i + 1), $"A map of values has the term '{terms[i]}' twice.");
    }

    public List<T> Terms { get; }
    public override int Count => Terms.Count;

    /// <summary>0 for a value that is none of the terms.</summary>
    private uint Key(T value) => _keys.GetValueOrDefault(value);

    public override Delegate Getter(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> get = row.GetGetter<T>(column);
            T value = default!;
            return (ValueGetter<uint>)((ref uint key) =>
            {
                get(ref value);
                key = Key(value);
            });
        }
        ValueGetter<VBuffer<T>> getVector = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> values = default;
        return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> keys) =>
        {
            getVector(ref values);
            VBufferEditor<uint> editor = VBufferEditor.Create(ref keys, values.Length);
            foreach (KeyValuePair<int, T> pair in values.Items(all: true)) editor.Values[pair.Key] = Key(pair.Value);
            keys = editor.Commit();
        });
    }

    public override void AddKeyValues(DataViewSchema.Annotations.Builder builder, bool asText, DataViewSchema.Column source)
    {
        if (Count == 0) return;
        // A key's own values are passed on where there are some: what matters to the user is what it stands for.
        if (ItemType is KeyDataViewType key && source.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is VectorDataViewType meant
            && (ulong)meant.Size == key.Count)
        {
            Generic.Call<object?>(typeof(TermMap<T>), nameof(AddMeanings), this, meant.ItemType.RawType, builder, meant.ItemType, source);
        }
        else if (asText && ItemType is not TextDataViewType)
        {
            Add(builder, TextDataViewType.Instance, Terms.Select(t => Text(t).AsMemory()));
        }
        else
        {
            Add(builder, ItemType, Terms);
        }
    }

    private object? AddMeanings<TMeaning>(DataViewSchema.Annotations.Builder builder, PrimitiveDataViewType type, DataViewSchema.Column source)
    {
        VBuffer<TMeaning> meanings = default;
        source.GetKeyValues(ref meanings);
        TMeaning[] dense = [.. meanings.DenseValues()];
        Add(builder, type, Terms.Select(t => Convert.ToUInt64(t)).Select(k => k > 0 && k <= (ulong)dense.Length ? dense[k - 1] : default!));
        return null;
    }

    private static void Add<TItem>(DataViewSchema.Annotations.Builder builder, PrimitiveDataViewType type, IEnumerable<TItem> items)
    {
        TItem[] values = [.. items];
        var vector = new VectorDataViewType(type, values.Length);
        builder.Add(AnnotationUtils.Kinds.KeyValues, vector, AnnotationValue.Getter(new VBuffer<TItem>(values.Length, values), vector));
    }

    private static string Text(T term) => FormattableString.Invariant($"{term}");

    public override void WriteText(TextWriter writer)
    {
        writer.WriteLine(ItemType is TextDataViewType ? $"# Number of terms = {Count}" : $"# Number of terms of type '{ItemType}' = {Count}");
        for (int i = 0; i < Count; i++) writer.WriteLine($"{i}\t{Text(Terms[i])}");
    }

    public override void Save(ModelSaveContext ctx)
    {
        SaveHead(ctx, ItemType is TextDataViewType);
        if (Terms is List<ReadOnlyMemory<char>> texts)
        {
            ctx.Writer.Write(Count);
            foreach (ReadOnlyMemory<char> text in texts) ctx.SaveNonEmptyString(text);
            return;
        }
        TypeCodec.Write(ItemType, ctx.Writer);
        ctx.Writer.Write(Count);
        ValueCodec.WriteItems<T>(ctx.Writer, [.. Terms]);
    }
}

/// <summary>Texts are equal by their characters, everything else as it is by default.</summary>
internal sealed class TermComparer<T> : IEqualityComparer<T>, IComparer<T>
{
    public static readonly TermComparer<T> Instance = new();

    private static readonly bool IsText = typeof(T) == typeof(ReadOnlyMemory<char>);

    private static ReadOnlySpan<char> Span(T? value) => ((ReadOnlyMemory<char>)(object)value!).Span;

    public bool Equals(T? x, T? y) => IsText ? Span(x).SequenceEqual(Span(y)) : EqualityComparer<T>.Default.Equals(x, y);

    public int GetHashCode(T value) => IsText ? string.GetHashCode(Span(value)) : EqualityComparer<T>.Default.GetHashCode(value!);

    public int Compare(T? x, T? y) => IsText ? Span(x).SequenceCompareTo(Span(y)) : Comparer<T>.Default.Compare(x, y);
}

/// <summary>Collects the terms of a column, in the order in which they are met.</summary>
internal abstract class TermMapBuilder
{
    /// <summary>Adds the terms of the current row, until the map is full.</summary>
    public abstract Func<bool> Reader(DataViewRow row, DataViewSchema.Column column);

    public abstract TermMap Finish();
}

internal sealed class TermMapBuilder<T>(PrimitiveDataViewType itemType, int maximum, bool sorted) : TermMapBuilder where T : notnull
{
    private readonly HashSet<T> _seen = new(TermComparer<T>.Instance);
    private readonly List<T> _terms = [];

    public override Func<bool> Reader(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> get = row.GetGetter<T>(column);
            T value = default!;
            return () =>
            {
                get(ref value);
                return Add(value);
            };
        }
        ValueGetter<VBuffer<T>> getVector = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> values = default;
        return () =>
        {
            getVector(ref values);
            foreach (KeyValuePair<int, T> pair in values.Items(all: true))
                if (!Add(pair.Value)) return false;
            return _terms.Count < maximum;
        };
    }

    private bool Add(T value)
    {
        if (_terms.Count >= maximum) return false;
        if (!IsMissing(value) && _seen.Add(value)) _terms.Add(value);
        return _terms.Count < maximum;
    }

    /// <summary>Empty text, not-a-number and the key 0 are no values.</summary>
    private bool IsMissing(T value) => value switch
    {
        ReadOnlyMemory<char> text => text.IsEmpty,
        float number => float.IsNaN(number),
        double number => double.IsNaN(number),
        _ => itemType is KeyDataViewType && EqualityComparer<T>.Default.Equals(value, default),
    };

    public override TermMap Finish()
    {
        if (sorted) _terms.Sort(TermComparer<T>.Instance);
        return new TermMap<T>(itemType, _terms);
    }
}
