using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ValueToKeyMappingTransformer), null, typeof(SignatureLoadModel), "Term Transform", ValueToKeyMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Learns which values a column has and numbers them.</summary>
public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    internal const int DefaultMaximumNumberOfKeys = 1_000_000;

    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    internal readonly record struct ColumnOptions(string OutputColumnName, string InputColumnName, int MaximumNumberOfKeys, KeyOrdinality Ordinality, bool KeyValuesAsText);

    private readonly IHost _host;
    private readonly ColumnOptions[] _columns;
    private readonly IDataView? _keyData;

    internal ValueToKeyMappingEstimator(IHostEnvironment env, ColumnOptions[] columns, IDataView? keyData)
    {
        _host = Contracts.CheckRef(env, nameof(env)).Register(nameof(ValueToKeyMappingEstimator));
        _columns = Contracts.CheckNonEmpty(columns, nameof(columns));
        foreach (ColumnOptions column in columns) Contracts.CheckNonWhiteSpace(column.OutputColumnName, "outputColumnName");
        Contracts.CheckParam(keyData is null || keyData.Schema.Count == 1, nameof(keyData), $"The data of keys must have one column, not {keyData?.Schema.Count}.");
        _keyData = keyData;
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        Contracts.CheckRef(input, nameof(input));
        DataViewSchema.Column[] sources = [.. _columns.Select(c => input.Schema.GetColumnOrNull(c.InputColumnName)
            ?? throw Contracts.ExceptSchemaMismatch("inputSchema", "input", c.InputColumnName))];
        foreach (ColumnOptions column in _columns)
            Contracts.CheckParam(column.MaximumNumberOfKeys > 0, "MaxNumTerms", $"Column '{column.OutputColumnName}' must be allowed at least one key.");
        TermMap[] maps = _keyData is null
            ? Collect(input, sources, [.. sources.Select((s, i) => ColumnTypes.ItemType(s.Type))])
            : FromKeyData(_keyData, sources);
        return new ValueToKeyMappingTransformer(_host, _columns, maps);
    }

    private TermMap[] Collect(IDataView data, DataViewSchema.Column[] sources, PrimitiveDataViewType[] types)
    {
        TermMapBuilder[] builders = [.. types.Select((t, i) => TermMap.Builder(t, _columns[i].MaximumNumberOfKeys, _columns[i].Ordinality == KeyOrdinality.ByValue))];
        using (DataViewRowCursor cursor = data.GetRowCursor(sources.DistinctBy(s => s.Index)))
        {
            List<Func<bool>> open = [.. builders.Select((b, i) => b.Reader(cursor, sources[i]))];
            while (open.Count > 0 && cursor.MoveNext()) open.RemoveAll(read => !read());
        }
        return [.. builders.Select(b => b.Finish())];
    }

    private TermMap[] FromKeyData(IDataView keyData, DataViewSchema.Column[] sources)
    {
        DataViewSchema.Column terms = keyData.Schema[0];
        foreach (DataViewSchema.Column source in sources)
            Contracts.CheckParam(terms.Type.Equals(ColumnTypes.ItemType(source.Type)), nameof(keyData), $"The keys are {terms.Type}, but column '{source.Name}' is {source.Type}.");
        TermMapBuilder builder = TermMap.Builder((PrimitiveDataViewType)terms.Type, int.MaxValue, _columns[0].Ordinality == KeyOrdinality.ByValue);
        using (DataViewRowCursor cursor = keyData.GetRowCursor([terms]))
        {
            Func<bool> read = builder.Reader(cursor, terms);
            while (cursor.MoveNext() && read()) { }
        }
        TermMap map = builder.Finish();
        return [.. sources.Select(_ => map)];
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var columns = Contracts.CheckRef(inputSchema, nameof(inputSchema)).ToDictionary(c => c.Name);
        foreach (ColumnOptions column in _columns)
        {
            if (!inputSchema.TryFindColumn(column.InputColumnName, out SchemaShape.Column source) || source.ItemType is not PrimitiveDataViewType)
                throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", column.InputColumnName);
            var annotations = new List<SchemaShape.Column>();
            if (source.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out SchemaShape.Column slots)) annotations.Add(slots);
            if (!source.IsKey || !source.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values)
                || values.Kind != SchemaShape.Column.VectorKind.Vector)
            {
                values = new SchemaShape.Column(AnnotationUtils.Kinds.KeyValues, SchemaShape.Column.VectorKind.Vector,
                    column.KeyValuesAsText ? TextDataViewType.Instance : source.ItemType, source.IsKey && !column.KeyValuesAsText);
            }
            annotations.Add(values);
            columns[column.OutputColumnName] = new SchemaShape.Column(column.OutputColumnName, source.Kind, NumberDataViewType.UInt32, true, new SchemaShape(annotations));
        }
        return new SchemaShape(columns.Values);
    }
}

/// <summary>
/// Gives each value its number. Model stream "TERMTRNF": the column pairs, a byte for each (key values as text); the maps lie in the folder
/// Vocabulary ("TERM MAN": a count, the maps), with a text file that nobody reads back.
/// </summary>
public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";
    private const string MapsFolder = "Vocabulary", MapsText = "Terms.txt";

    private readonly TermMap[] _maps;
    private readonly bool[] _asText;

    internal ValueToKeyMappingTransformer(IHostEnvironment env, ValueToKeyMappingEstimator.ColumnOptions[] columns, TermMap[] maps)
        : this(env, [.. columns.Select(c => (c.OutputColumnName, c.InputColumnName))], maps, [.. columns.Select(c => c.KeyValuesAsText)]) { }

    private ValueToKeyMappingTransformer(IHostEnvironment env, (string, string)[] columns, TermMap[] maps, bool[] asText)
        : base(Contracts.CheckRef(env, nameof(env)).Register("Term"), columns) => (_maps, _asText) = (maps, asText);

    private static VersionInfo GetVersionInfo() => new("TERMTRNF", 0x00010003, 0x00010003, 0x00010003, ModelNames.ThisAssembly, LoaderSignature);

    private static VersionInfo GetMapsVersionInfo() => new("TERM MAN", 0x00010002, 0x00010002, 0x00010002, ModelNames.ThisAssembly, "TermManager");

    private static ValueToKeyMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        (string, string)[] columns = LoadColumns(ctx);
        bool[] asText = [.. columns.Select(_ => ctx.Reader.ReadBoolean())];
        var maps = new List<TermMap>();
        bool found = ctx.TryProcessSubModel(MapsFolder, c =>
        {
            c.CheckAtModel(GetMapsVersionInfo());
            int count = c.Reader.ReadInt32();
            Contracts.CheckDecode(count == columns.Length, $"A saved transformer has {columns.Length} columns and {count} maps of values.");
            for (int i = 0; i < count; i++) maps.Add(TermMap.Load(c));
        });
        Contracts.CheckDecode(found, $"A saved transformer has no part '{MapsFolder}'.");
        return new ValueToKeyMappingTransformer(env, columns, [.. maps], asText);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
        foreach (bool text in _asText) ctx.Writer.Write(text);
        ctx.SaveSubModel(MapsFolder, c =>
        {
            c.CheckAtModel();
            c.SetVersionInfo(GetMapsVersionInfo());
            c.Writer.Write(_maps.Length);
            foreach (TermMap map in _maps) map.Save(c);
            c.SaveTextStream(MapsText, writer =>
            {
                foreach (TermMap map in _maps) map.WriteText(writer);
            });
        });
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : OneToOneMapperBase
    {
        private readonly ValueToKeyMappingTransformer _parent;

        public Mapper(ValueToKeyMappingTransformer parent, DataViewSchema schema) : base(parent, schema)
        {
            _parent = parent;
            for (int i = 0; i < Count; i++)
            {
                Contracts.Check(ColumnTypes.ItemType(Input(i).Type).Equals(parent._maps[i].ItemType),
                    $"Column '{Input(i).Name}' is {Input(i).Type}, but the map of values that was learned is of {parent._maps[i].ItemType}.");
            }
        }

        protected override DataViewSchema.DetachedColumn OutputColumn(int pair)
        {
            TermMap map = _parent._maps[pair];
            DataViewSchema.Column input = Input(pair);
            var builder = new DataViewSchema.Annotations.Builder();
            map.AddKeyValues(builder, _parent._asText[pair], input);
            builder.Add(input.Annotations, name => name == AnnotationUtils.Kinds.SlotNames);
            DataViewType type = input.Type is VectorDataViewType vector ? new VectorDataViewType(map.OutputType, vector.Dimensions) : map.OutputType;
            return new DataViewSchema.DetachedColumn(OutputName(pair), type, builder.ToAnnotations());
        }

        protected override Delegate MakeGetter(DataViewRow input, DataViewSchema.Column column, int pair) => _parent._maps[pair].Getter(input, column);
    }
}
