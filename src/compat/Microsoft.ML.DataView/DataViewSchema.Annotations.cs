using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Internal.DataView;

namespace Microsoft.ML;

public sealed partial class DataViewSchema
{
    /// <summary>Facts about a column (slot names, key values, what a score means): a row of its own, each value behind a getter.</summary>
    public sealed class Annotations
    {
        private readonly Delegate[] getters;

        private Annotations(DataViewSchema schema, Delegate[] getters)
        {
            Schema = schema;
            this.getters = getters;
        }

        public static Annotations Empty { get; } = new(new DataViewSchema.Builder().ToSchema(), []);

        public DataViewSchema Schema { get; }

        public ValueGetter<TValue> GetGetter<TValue>(Column column)
        {
            if (column.Index >= getters.Length)
                throw new ArgumentException($"Annotation {column.Index} of {getters.Length} was asked for.", nameof(column));
            return getters[column.Index] as ValueGetter<TValue>
                ?? throw new InvalidOperationException($"Annotation '{Schema[column.Index]}' cannot be read as '{typeof(TValue)}'.");
        }

        public void GetValue<TValue>(string kind, ref TValue value)
        {
            Column column = Schema.GetColumnOrNull(kind)
                ?? throw new InvalidOperationException($"There is no annotation '{kind}' among: {this}.");
            GetGetter<TValue>(column)(ref value);
        }

        public override string ToString() => string.Join(", ", Schema.Select(column => column.Name));

        public sealed class Builder
        {
            private readonly DataViewSchema.Builder columns = new();
            private readonly List<Delegate> getters = [];

            /// <summary>Takes over those of <paramref name="annotations"/> whose names <paramref name="selector"/> accepts.</summary>
            public void Add(Annotations? annotations, Func<string, bool> selector)
            {
                if (annotations is null) return;
                Guard.Value(selector, nameof(selector));
                foreach (Column column in annotations.Schema)
                {
                    if (selector(column.Name))
                        Append(column.Name, column.Type, annotations.getters[column.Index], column.Annotations);
                }
            }

            public void Add<TValue>(string name, DataViewType type, ValueGetter<TValue> getter, Annotations? annotations = null)
            {
                CheckNames(name, type, getter);
                CheckValueType<TValue>(type);
                Append(name, type, getter, annotations);
            }

            public void Add(string name, DataViewType type, Delegate getter, Annotations? annotations = null)
            {
                CheckNames(name, type, getter);
                Type expected = typeof(ValueGetter<>).MakeGenericType(type.RawType);
                // The real one checks behind reflection, so callers see its wrapper around the argument's exception.
                if (!expected.IsInstanceOfType(getter))
                    throw new TargetInvocationException(new ArgumentException($"Annotation '{name}' needs a '{expected}', not a '{getter.GetType()}'.", nameof(getter)));
                Append(name, type, getter, annotations);
            }

            public void AddPrimitiveValue<TValue>(string name, PrimitiveDataViewType type, TValue value, Annotations? annotations = null)
            {
                Guard.NonEmpty(name, nameof(name));
                CheckValueType<TValue>(Guard.Value(type, nameof(type)));
                ValueGetter<TValue> getter = (ref TValue destination) => destination = value;
                Append(name, type, getter, annotations);
            }

            public Annotations ToAnnotations() => new(columns.ToSchema(), [.. getters]);

            private void Append(string name, DataViewType type, Delegate getter, Annotations? annotations)
            {
                columns.AddColumn(name, type, annotations);
                getters.Add(getter);
            }

            private static void CheckNames(string name, DataViewType type, Delegate getter)
            {
                Guard.NonEmpty(name, nameof(name));
                Guard.Value(type, nameof(type));
                Guard.Value(getter, nameof(getter));
            }

            private static void CheckValueType<TValue>(DataViewType type)
            {
                if (type.RawType != typeof(TValue))
                    throw new ArgumentException($"A value of '{typeof(TValue)}' does not fit type '{type}', whose values are '{type.RawType}'.", nameof(type));
            }
        }
    }
}
