using System.Collections;
using Microsoft.ML.Data;
using Microsoft.ML.Internal.DataView;

namespace Microsoft.ML;

/// <summary>
/// The columns of a view, in order. Of columns with one name the last is found by that name, the others are hidden behind it and
/// reachable by index only.
/// </summary>
public sealed partial class DataViewSchema : IReadOnlyList<DataViewSchema.Column>
{
    private readonly Column[] columns;
    private readonly Dictionary<string, int> indexOfName;

    private DataViewSchema(Column[] columns, Dictionary<string, int> indexOfName)
    {
        this.columns = columns;
        this.indexOfName = indexOfName;
    }

    public int Count => columns.Length;

    public Column this[string name] => GetColumnOrNull(name)
        ?? throw new ArgumentOutOfRangeException(nameof(name), $"There is no column '{name}' among: {string.Join(", ", indexOfName.Keys)}.");

    public Column this[int columnIndex]
    {
        get
        {
            Guard.Param(columnIndex >= 0 && columnIndex < columns.Length, nameof(columnIndex));
            return columns[columnIndex];
        }
    }

    public Column? GetColumnOrNull(string name)
    {
        Guard.NonEmpty(name, nameof(name));
        return indexOfName.TryGetValue(name, out int index) ? columns[index] : null;
    }

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"{Count} columns";

    /// <summary>A column at its place in a schema.</summary>
    public struct Column
    {
        internal Column(string name, int index, bool isHidden, DataViewType type, Annotations? annotations)
        {
            Guard.NonEmpty(name, nameof(name));
            if (index < 0) throw new ArgumentOutOfRangeException(nameof(index));
            Name = name;
            Index = index;
            IsHidden = isHidden;
            Type = Guard.Value(type, nameof(type));
            Annotations = annotations ?? Annotations.Empty;
        }

        public string Name { get; }

        public int Index { get; }

        public bool IsHidden { get; }

        public DataViewType Type { get; }

        public Annotations Annotations { get; }

        public override string ToString()
        {
            // default(Column) has no annotations at all
            string annotations = Annotations is { Schema.Count: > 0 } some ? $" {{{some}}}" : "";
            return $"{Name}: {Type}{annotations}";
        }
    }

    /// <summary>A column without a place, to build schemas from.</summary>
    public struct DetachedColumn
    {
        public DetachedColumn(string name, DataViewType type, Annotations? annotations = null)
        {
            Guard.NonEmpty(name, nameof(name));
            Name = name;
            Type = Guard.Value(type, nameof(type));
            Annotations = annotations ?? Annotations.Empty;
        }

        public DetachedColumn(Column column)
        {
            Name = column.Name;
            Type = column.Type;
            Annotations = column.Annotations;
        }

        public string Name { get; }

        public DataViewType Type { get; }

        public Annotations Annotations { get; }
    }

    /// <summary>Collects columns; several may bear one name.</summary>
    public sealed class Builder
    {
        private readonly List<DetachedColumn> items = [];

        public void AddColumn(string name, DataViewType type, Annotations? annotations = null)
            => items.Add(new DetachedColumn(name, type, annotations));

        public void AddColumns(IEnumerable<Column> source)
        {
            foreach (Column column in source) AddColumn(column.Name, column.Type, column.Annotations);
        }

        public void AddColumns(IEnumerable<DetachedColumn> source)
        {
            foreach (DetachedColumn column in source) AddColumn(column.Name, column.Type, column.Annotations);
        }

        public DataViewSchema ToSchema()
        {
            var last = new Dictionary<string, int>(items.Count);
            for (int i = 0; i < items.Count; i++) last[items[i].Name] = i;
            var columns = new Column[items.Count];
            for (int i = 0; i < columns.Length; i++)
                columns[i] = new Column(items[i].Name, i, last[items[i].Name] != i, items[i].Type, items[i].Annotations);
            return new DataViewSchema(columns, last);
        }
    }
}
