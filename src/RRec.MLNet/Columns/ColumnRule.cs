using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>
/// What a column must be to play a role. The same rules are applied to a <see cref="SchemaShape"/> (before fitting) and to a
/// <see cref="DataViewSchema"/>, so that a pipeline fails where it is put together and not hours later.
/// </summary>
/// <param name="Role">What the column is for, e.g. <c>history items</c>.</param>
/// <param name="Name">Its name; null: the role is not used.</param>
/// <param name="Required">Whether a schema without it is an error.</param>
/// <param name="IsVector">Whether a vector is wanted; null: either.</param>
/// <param name="Expected">The wanted type in words.</param>
/// <param name="Accepts">Whether an item type will do.</param>
internal sealed record ColumnRule(string Role, string? Name, bool Required, bool? IsVector, string Expected, Func<DataViewType, bool> Accepts)
{
    public static ColumnRule Ids(string role, string? name, bool required, bool vector) => new(role, name, required, vector,
        vector ? "a vector of text, key or whole numbers" : "text, key or a whole number", t => t is KeyDataViewType or TextDataViewType or NumberDataViewType);

    public static ColumnRule Numbers(string role, string? name, bool required, bool vector) =>
        new(role, name, required, vector, vector ? "a vector of numbers" : "a number", AsNumber.IsNumber);

    public static ColumnRule Times(string role, string? name, bool required, bool vector) => new(role, name, required, vector,
        vector ? "a vector of unix times (Int64) or dates" : "a unix time (Int64) or a date", AsNumber.IsTime);

    public static ColumnRule Text(string role, string? name, bool required) =>
        new(role, name, required, false, "text, a number, a key or a date", AsText.Supports);

    /// <summary>Throws where a rule is broken, naming every broken one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type (ML.NET's own exception for a schema mismatch).</exception>
    public static void Check(DataViewSchema schema, string parameter, IEnumerable<ColumnRule> rules)
    {
        List<string> broken = [];
        foreach (ColumnRule rule in rules)
        {
            if (rule.Name is null) continue;
            if (schema.GetColumnOrNull(rule.Name) is not { } column)
            {
                rule.Missing(broken, schema.Where(c => !c.IsHidden).Select(c => c.Name));
                continue;
            }

            VectorDataViewType? vector = column.Type as VectorDataViewType;
            rule.Check(vector?.ItemType ?? column.Type, vector is not null, column.Type.ToString()!, broken);
        }

        Throw(broken, parameter);
    }

    /// <inheritdoc cref="Check(DataViewSchema, string, IEnumerable{ColumnRule})"/>
    public static void Check(SchemaShape shape, string parameter, IEnumerable<ColumnRule> rules)
    {
        List<string> broken = [];
        foreach (ColumnRule rule in rules)
        {
            if (rule.Name is null) continue;
            if (!shape.TryFindColumn(rule.Name, out SchemaShape.Column column))
            {
                rule.Missing(broken, shape.Select(c => c.Name));
                continue;
            }

            // A shape knows a key by a flag and the number type behind it.
            DataViewType item = column.IsKey ? new KeyDataViewType(column.ItemType.RawType, 1) : column.ItemType;
            string found = column.IsKey ? $"Key<{column.ItemType}>" : column.ItemType.ToString()!;
            bool isVector = column.Kind != SchemaShape.Column.VectorKind.Scalar;
            rule.Check(item, isVector, isVector ? $"Vector<{found}>" : found, broken);
        }

        Throw(broken, parameter);
    }

    private void Missing(List<string> broken, IEnumerable<string> names)
    {
        if (!Required) return;
        string there = string.Join(", ", names.Take(30).Select(n => $"'{n}'"));
        broken.Add($"The {Role} column '{Name}' is missing: expected {Expected}. Columns there: {(there.Length == 0 ? "none" : there)}.");
    }

    private void Check(DataViewType item, bool isVector, string found, List<string> broken)
    {
        if ((IsVector is null || IsVector == isVector) && Accepts(item)) return;
        broken.Add($"The {Role} column '{Name}' is {found}: expected {Expected}.");
    }

    private static void Throw(List<string> broken, string parameter)
    {
        if (broken.Count > 0) throw new ArgumentOutOfRangeException(parameter, string.Join(Environment.NewLine, broken));
    }
}

/// <summary>The shape of a schema; ML.NET's own method for it is internal.</summary>
internal static class Shapes
{
    public static SchemaShape Of(DataViewSchema schema) => SchemaShape.Create(schema);
}
