using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>A member of a user's row class that is bound to a column.</summary>
internal sealed class RowMember
{
    private Delegate? _reader, _writer; // compiled once for all cursors

    private RowMember(string column, DataViewType type, MemberInfo member, DataViewSchema.Annotations annotations)
    {
        (Column, Type, Member, Annotations) = (column, type, member, annotations);
    }

    public string Column { get; }
    public DataViewType Type { get; }
    public MemberInfo Member { get; }
    public DataViewSchema.Annotations Annotations { get; }
    public Type ValueType => ValueTypeOf(Member);

    /// <summary>The members that can be columns: public fields, then public properties that can be read or written.</summary>
    public static IEnumerable<MemberInfo> Of(Type type, SchemaDefinition.Direction direction)
    {
        const BindingFlags flags = BindingFlags.Public | BindingFlags.Instance;
        bool read = direction.HasFlag(SchemaDefinition.Direction.Read), write = direction.HasFlag(SchemaDefinition.Direction.Write);
        IEnumerable<MemberInfo> properties = type.GetProperties(flags)
            .Where(p => p.GetIndexParameters().Length == 0 && ((read && p.GetGetMethod() is not null) || (write && p.GetSetMethod() is not null)));
        return type.GetFields(flags).Concat(properties)
            .Where(m => m.GetCustomAttribute<NoColumnAttribute>() is null && ValueTypeOf(m) != typeof(Runtime.IChannel));
    }

    /// <summary>The column type that a member stands for, with what its attributes add.</summary>
    public static DataViewType ColumnType(MemberInfo member)
    {
        (Type raw, bool vector) = ItemOf(member);
        PrimitiveDataViewType item = ColumnTypeExtensions.PrimitiveTypeFromType(raw);
        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
        {
            if (!KeyDataViewType.IsValidDataType(raw))
                throw new ArgumentOutOfRangeException("userType", $"Member '{member.Name}' is marked as a key, which must be an unsigned integer, not {raw}.");
            item = new KeyDataViewType(raw, key.KeyCount.Count.GetValueOrDefault());
        }
        var shape = member.GetCustomAttribute<VectorTypeAttribute>();
        if (shape is not null && !vector)
            throw new ArgumentOutOfRangeException("userType", $"Member '{member.Name}' is marked as a vector, but its type is {ValueTypeOf(member)}.");
        if (!vector) return item;
        return shape?.Dims is { Length: > 0 } dims ? new VectorDataViewType(item, dims) : new VectorDataViewType(item);
    }

    /// <summary>What a member holds, or the exception that a type which no column can have gives.</summary>
    public static (Type Raw, bool IsVector) ItemOf(MemberInfo member)
    {
        (Type raw, bool vector) = ColumnTypes.OfMember(ValueTypeOf(member));
        if (!ColumnTypes.TryFromRaw(raw, out _))
            throw new ArgumentOutOfRangeException("rawType", $"Member '{member.Name}' has the type {ValueTypeOf(member)}, which no column can hold.");
        return (raw, vector);
    }

    /// <summary>Binds a definition to the class that it is used with.</summary>
    public static RowMember[] Bind(Type type, SchemaDefinition definition) => [.. definition.Select(column => Bind(type, column))];

    private static RowMember Bind(Type type, SchemaDefinition.Column column)
    {
        MemberInfo member = (MemberInfo?)type.GetField(column.MemberName) ?? type.GetProperty(column.MemberName)
            ?? throw new ArgumentOutOfRangeException("userSchemaDefinition", $"{type} has no public field or property '{column.MemberName}'.");
        string name = string.IsNullOrEmpty(column.ColumnName) ? column.MemberName : column.ColumnName;
        (Type raw, bool vector) = ItemOf(member);
        DataViewType columnType = column.ColumnType ?? ColumnType(member);
        if (columnType is VectorDataViewType != vector)
            throw new ArgumentOutOfRangeException("userSchemaDefinition", $"Column '{name}' is declared as {columnType}, but member '{member.Name}' is {ValueTypeOf(member)}.");
        if (ColumnTypes.ItemType(columnType).RawType != raw)
            throw new ArgumentOutOfRangeException("userSchemaDefinition", $"Column '{name}' is declared as {columnType}, but member '{member.Name}' holds {raw}.");
        return new RowMember(name, columnType, member, column.Annotations);
    }

    /// <summary>A class's definition with the column types and annotations of a given schema, which may say more than the class does.</summary>
    public static SchemaDefinition DefinitionFor(Type type, DataViewSchema schema)
    {
        SchemaDefinition definition = SchemaDefinition.Create(type, SchemaDefinition.Direction.Read);
        foreach (DataViewSchema.Column column in schema)
        {
            SchemaDefinition.Column own = definition[column.Name] ?? throw new InvalidOperationException($"{type} has no member for column '{column.Name}'.");
            own.ColumnType = column.Type;
            own.AddAnnotations(column.Annotations);
        }
        return definition;
    }

    public static DataViewSchema Schema(IEnumerable<RowMember> members)
    {
        var builder = new DataViewSchema.Builder();
        foreach (RowMember m in members) builder.AddColumn(m.Column, m.Type, m.Annotations);
        return builder.ToSchema();
    }

    /// <summary><c>row =&gt; row.Member</c>.</summary>
    public Func<TRow, TValue> Reader<TRow, TValue>()
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow));
        return (Func<TRow, TValue>)(_reader ??= Expression.Lambda<Func<TRow, TValue>>(Expression.MakeMemberAccess(row, Member), row).Compile());
    }

    /// <summary><c>(row, value) =&gt; row.Member = value</c>.</summary>
    public Action<TRow, TValue> Writer<TRow, TValue>()
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow)), value = Expression.Parameter(typeof(TValue));
        return (Action<TRow, TValue>)(_writer ??=
            Expression.Lambda<Action<TRow, TValue>>(Expression.Assign(Expression.MakeMemberAccess(row, Member), value), row, value).Compile());
    }

    public bool CanRead => Member is FieldInfo || ((PropertyInfo)Member).GetGetMethod() is not null;

    private static Type ValueTypeOf(MemberInfo member) => member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;
}
