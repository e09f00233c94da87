using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>How the members of a user's class become columns: made from the class, then changed by the user where it must.</summary>
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    public sealed class Column
    {
        private readonly List<string> _kinds = [];
        private readonly DataViewSchema.Annotations.Builder _builder = new();

        internal Column(string memberName, DataViewType columnType, string columnName)
        {
            MemberName = memberName;
            ColumnType = columnType;
            ColumnName = columnName;
        }

        public string MemberName { get; }
        public string ColumnName { get; set; }
        public DataViewType ColumnType { get; set; }
        public DataViewSchema.Annotations Annotations => _builder.ToAnnotations();

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            Contracts.CheckRef(kind, nameof(kind));
            Contracts.CheckRef(annotationType, nameof(annotationType));
            if (_kinds.Contains(kind)) throw new InvalidOperationException($"Column '{ColumnName}' already has an annotation '{kind}'.");
            _builder.Add(kind, annotationType, AnnotationValue.Getter(value, annotationType));
            _kinds.Add(kind);
        }

        /// <summary>Takes over what a column of another schema is annotated with.</summary>
        internal void AddAnnotations(DataViewSchema.Annotations annotations)
        {
            _builder.Add(annotations, _ => true);
            _kinds.AddRange(annotations.Schema.Select(c => c.Name));
        }
    }

    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    private SchemaDefinition() { }

    public Column this[string columnName]
    {
        get => this.FirstOrDefault(c => c.ColumnName == columnName)!;
        set
        {
            Contracts.CheckRef(value, nameof(value));
            Contracts.CheckParam(value.ColumnName == columnName, nameof(columnName), $"The column is named '{value.ColumnName}', not '{columnName}'.");
            int index = FindIndex(c => c.ColumnName == columnName);
            if (index >= 0) this[index] = value;
            else Add(value);
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        var definition = new SchemaDefinition();
        var names = new HashSet<string>();
        foreach (MemberInfo member in RowMember.Of(Contracts.CheckRef(userType, nameof(userType)), direction))
        {
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            Contracts.CheckParam(names.Add(name), nameof(userType), $"Two members of {userType} are called '{name}'.");
            definition.Add(new Column(member.Name, RowMember.ColumnType(member), name));
        }
        return definition;
    }
}
