namespace Microsoft.ML.Data;

/// <summary>A transformer that adds columns to each row, looking at nothing but that row.</summary>
public abstract class RowToRowTransformerBase : ITransformer
{
    internal readonly IHost Host;

    private protected RowToRowTransformerBase(IHost host) => Host = Contracts.CheckRef(host, nameof(host));

    bool ITransformer.IsRowToRowMapper => true;

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    private protected abstract void SaveModel(ModelSaveContext ctx);

    private protected abstract IRowMapper MakeRowMapper(DataViewSchema schema);

    private protected RowToRowMapperTransform MakeDataTransform(IDataView input) =>
        new(Contracts.CheckRef(input, nameof(input)), MakeRowMapper(input.Schema));

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        MakeDataTransform(new EmptyView(Contracts.CheckRef(inputSchema, nameof(inputSchema))));

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) =>
        RowToRowMapperTransform.GetOutputSchema(Contracts.CheckRef(inputSchema, nameof(inputSchema)), MakeRowMapper(inputSchema));

    public IDataView Transform(IDataView input) => MakeDataTransform(input);
}

/// <summary>A transformer that makes each of its columns from one input column.</summary>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    internal readonly (string outputColumnName, string inputColumnName)[] ColumnPairs;

    private protected OneToOneTransformerBase(IHost host, params (string outputColumnName, string inputColumnName)[] columns) : base(host)
    {
        Contracts.CheckRef(columns, nameof(columns));
        var names = new HashSet<string>();
        foreach ((string output, string input) in columns)
        {
            Contracts.CheckNonEmpty(input, nameof(columns));
            Contracts.CheckNonEmpty(output, nameof(columns));
            Contracts.CheckParam(names.Add(output), nameof(columns), $"Two of the new columns are called '{output}'.");
        }
        ColumnPairs = columns;
    }

    /// <summary>Reads what <see cref="SaveColumns"/> wrote: a count, then for each column the output's and the input's name.</summary>
    internal static (string outputColumnName, string inputColumnName)[] LoadColumns(ModelLoadContext ctx)
    {
        int count = ctx.Reader.ReadInt32();
        // A name takes at least 8 bytes of the header's string table: a greater count is not a transformer, and must not be allocated.
        Contracts.CheckDecode(count is >= 0 and <= 1_000_000, $"A saved transformer claims to have {count} columns.");
        var columns = new List<(string, string)>();
        for (int i = 0; i < count; i++)
        {
            string output = ctx.LoadNonEmptyString();
            columns.Add((output, ctx.LoadNonEmptyString()));
        }
        return [.. columns];
    }

    private protected void SaveColumns(ModelSaveContext ctx)
    {
        ctx.Writer.Write(ColumnPairs.Length);
        foreach ((string output, string input) in ColumnPairs)
        {
            ctx.SaveNonEmptyString(output);
            ctx.SaveNonEmptyString(input);
        }
    }

    /// <summary>The part of a mapper that all one-to-one transformers share.</summary>
    private protected abstract class OneToOneMapperBase : IRowMapper
    {
        private readonly OneToOneTransformerBase _parent;
        private readonly DataViewSchema.Column[] _inputs;

        protected OneToOneMapperBase(OneToOneTransformerBase parent, DataViewSchema inputSchema)
        {
            _parent = parent;
            _inputs = [.. parent.ColumnPairs.Select(p => inputSchema.GetColumnOrNull(p.inputColumnName)
                ?? throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", p.inputColumnName))];
        }

        /// <summary>The input of the pair, in the schema that the mapper is bound to.</summary>
        protected DataViewSchema.Column Input(int pair) => _inputs[pair];

        protected int Count => _inputs.Length;
        protected string OutputName(int pair) => _parent.ColumnPairs[pair].outputColumnName;

        protected abstract DataViewSchema.DetachedColumn OutputColumn(int pair);

        protected abstract Delegate MakeGetter(DataViewRow input, DataViewSchema.Column column, int pair);

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. Enumerable.Range(0, Count).Select(OutputColumn)];

        public Func<int, bool> GetDependencies(Func<int, bool> activeOutput)
        {
            HashSet<int> needed = [.. Enumerable.Range(0, Count).Where(activeOutput).Select(i => _inputs[i].Index)];
            return needed.Contains;
        }

        public Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action? disposer)
        {
            disposer = null;
            return [.. Enumerable.Range(0, Count).Select(i => activeOutput(i) ? MakeGetter(input, input.Schema[_inputs[i].Index], i) : null)];
        }
    }
}
