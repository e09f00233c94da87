using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(KeyToValueMappingTransformer), null, typeof(SignatureLoadModel), "Key To Value Transform", KeyToValueMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Puts the values back that keys stand for; they are annotated to the key column.</summary>
public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    internal KeyToValueMappingEstimator(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(KeyToValueMappingEstimator)), new KeyToValueMappingTransformer(env, columns)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var columns = Contracts.CheckRef(inputSchema, nameof(inputSchema)).ToDictionary(c => c.Name);
        foreach ((string output, string input) in Transformer.ColumnPairs)
        {
            if (!inputSchema.TryFindColumn(input, out SchemaShape.Column source)) throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", input);
            if (!source.IsKey) throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", input, "key", source.GetTypeString());
            if (!source.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values))
                throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", input, "key with values", "key without values");
            SchemaShape annotations = source.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out SchemaShape.Column slots) ? new SchemaShape([slots]) : new SchemaShape([]);
            columns[output] = new SchemaShape.Column(output, source.Kind, values.ItemType, values.IsKey, annotations);
        }
        return new SchemaShape(columns.Values);
    }
}

/// <summary>Model stream "KEY2VALT": the column pairs of <see cref="OneToOneTransformerBase"/>.</summary>
public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";

    internal KeyToValueMappingTransformer(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(KeyToValueMappingTransformer)), columns) { }

    private static VersionInfo GetVersionInfo() => new("KEY2VALT", 0x00010001, 0x00010001, 0x00010001, ModelNames.ThisAssembly, LoaderSignature);

    private static KeyToValueMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new KeyToValueMappingTransformer(env, LoadColumns(ctx));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : OneToOneMapperBase
    {
        private readonly PrimitiveDataViewType[] _valueTypes;

        public Mapper(KeyToValueMappingTransformer parent, DataViewSchema schema) : base(parent, schema)
        {
            _valueTypes = new PrimitiveDataViewType[Count];
            for (int i = 0; i < Count; i++)
            {
                DataViewSchema.Column input = Input(i);
                if (ColumnTypes.ItemType(input.Type) is not KeyDataViewType key || input.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues) is not { } values)
                    throw new InvalidOperationException($"Column '{input.Name}' of type {input.Type} is no key that is annotated with its values.");
                Contracts.Check(values.Type is VectorDataViewType vector && (ulong)vector.Size == key.Count, $"Column '{input.Name}' has {values.Type} as values of its {key.Count} keys.");
                _valueTypes[i] = ColumnTypes.ItemType(values.Type);
            }
        }

        protected override DataViewSchema.DetachedColumn OutputColumn(int pair)
        {
            DataViewSchema.Column input = Input(pair);
            var builder = new DataViewSchema.Annotations.Builder();
            builder.Add(input.Annotations, name => name == AnnotationUtils.Kinds.SlotNames);
            DataViewType type = input.Type is VectorDataViewType vector ? new VectorDataViewType(_valueTypes[pair], vector.Dimensions) : _valueTypes[pair];
            return new DataViewSchema.DetachedColumn(OutputName(pair), type, builder.ToAnnotations());
        }

        protected override Delegate MakeGetter(DataViewRow input, DataViewSchema.Column column, int pair) =>
            Generic.Call<Delegate>(typeof(Mapper), nameof(Getter), null, [ColumnTypes.ItemType(column.Type).RawType, _valueTypes[pair].RawType], input, column);

        private static Delegate Getter<TKey, TValue>(DataViewRow row, DataViewSchema.Column column) where TKey : unmanaged
        {
            VBuffer<TValue> annotation = default;
            column.GetKeyValues(ref annotation);
            TValue[] values = [.. annotation.DenseValues()];
            TValue missing = typeof(TValue) == typeof(float) ? (TValue)(object)float.NaN : typeof(TValue) == typeof(double) ? (TValue)(object)double.NaN : default!;
            TValue ValueOf(TKey key)
            {
                ulong number = TypedGetters.Widen(key);
                return number > 0 && number <= (ulong)values.Length ? values[number - 1] : missing;
            }
            if (column.Type is not VectorDataViewType)
            {
                ValueGetter<TKey> get = row.GetGetter<TKey>(column);
                TKey key = default;
                return (ValueGetter<TValue>)((ref TValue value) =>
                {
                    get(ref key);
                    value = ValueOf(key);
                });
            }
            ValueGetter<VBuffer<TKey>> getVector = row.GetGetter<VBuffer<TKey>>(column);
            VBuffer<TKey> keys = default;
            return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> value) =>
            {
                getVector(ref keys);
                VBufferEditor<TValue> editor = VBufferEditor.Create(ref value, keys.Length);
                foreach (KeyValuePair<int, TKey> pair in keys.Items(all: true)) editor.Values[pair.Key] = ValueOf(pair.Value);
                value = editor.Commit();
            });
        }
    }
}
