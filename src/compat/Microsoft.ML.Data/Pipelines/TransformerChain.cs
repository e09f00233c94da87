using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;

[assembly: LoadableClass(typeof(TransformerChain<ITransformer>), typeof(TransformerChainLoader), null, typeof(SignatureLoadModel), "Transformer chain", TransformerChainLoader.Signature)]

namespace Microsoft.ML.Data;

/// <summary>When a link of a chain takes part.</summary>
[Flags]
public enum TransformerScope
{
    None = 0,
    Training = 1 << 0,
    Testing = 1 << 1,
    Scoring = 1 << 2,
    TrainTest = Training | Testing,
    Everything = Training | Testing | Scoring,
}

/// <summary>Transformers one after the other. Model stream "XF CHAIN": a count, then each link's scope; the links lie in the folders Transform_000, Transform_001...</summary>
public sealed class TransformerChain<TLastTransformer> : ITransformer, IEnumerable<ITransformer>, IDisposable where TLastTransformer : class, ITransformer
{
    private readonly ITransformer[] _transformers;
    private readonly TransformerScope[] _scopes;
    private bool _disposed;

    public readonly TLastTransformer LastTransformer;

    public TransformerChain(params ITransformer[] transformers)
        : this(transformers ?? [], (transformers ?? []).Select(_ => TransformerScope.Everything)) { }

    public TransformerChain(IEnumerable<ITransformer> transformers, IEnumerable<TransformerScope> scopes)
    {
        _transformers = [.. Contracts.CheckRef(transformers, nameof(transformers))];
        _scopes = [.. scopes ?? []];
        LastTransformer = (_transformers.LastOrDefault() as TLastTransformer)!;
        Contracts.Check(_transformers.Length == 0 || LastTransformer is not null, $"The last transformer of the chain is not a {typeof(TLastTransformer)}.");
        Contracts.Check(_transformers.Length == _scopes.Length, $"The chain has {_transformers.Length} transformers, but {_scopes.Length} scopes.");
    }

    bool ITransformer.IsRowToRowMapper => _transformers.All(t => t.IsRowToRowMapper);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => GetOutputSchema(inputSchema, TransformerScope.Scoring);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema, TransformerScope scope)
    {
        DataViewSchema schema = Contracts.CheckRef(inputSchema, nameof(inputSchema));
        foreach (ITransformer transformer in GetModelFor(scope)) schema = transformer.GetOutputSchema(schema);
        return schema;
    }

    public IDataView Transform(IDataView input) => Transform(input, TransformerScope.Scoring);

    public IDataView Transform(IDataView input, TransformerScope scope)
    {
        IDataView view = Contracts.CheckRef(input, nameof(input));
        // Wrong columns anywhere in the chain are reported before anything is made.
        GetOutputSchema(input.Schema, scope);
        foreach (ITransformer transformer in GetModelFor(scope)) view = transformer.Transform(view);
        return view;
    }

    public TransformerChain<ITransformer> GetModelFor(TransformerScope scopeFilter)
    {
        int[] kept = [.. Enumerable.Range(0, _transformers.Length).Where(i => (_scopes[i] & scopeFilter) != 0)];
        return new TransformerChain<ITransformer>(kept.Select(i => _transformers[i]), kept.Select(i => _scopes[i]));
    }

    public TransformerChain<TNewLast> Append<TNewLast>(TNewLast transformer, TransformerScope scope = TransformerScope.Everything) where TNewLast : class, ITransformer =>
        new([.. _transformers, Contracts.CheckRef(transformer, nameof(transformer))], [.. _scopes, scope]);

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        Contracts.CheckRef(inputSchema, nameof(inputSchema));
        Contracts.Check(((ITransformer)this).IsRowToRowMapper, "A link of this chain does not work row by row.");
        var mappers = new List<IRowToRowMapper>();
        DataViewSchema schema = inputSchema;
        foreach (ITransformer transformer in _transformers)
        {
            IRowToRowMapper mapper = transformer.GetRowToRowMapper(schema);
            schema = mapper.OutputSchema;
            mappers.Add(mapper);
        }
        return new ChainMapper(inputSchema, [.. mappers]);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(TransformerChainLoader.VersionInfo);
        ctx.Writer.Write(_transformers.Length);
        for (int i = 0; i < _transformers.Length; i++)
        {
            ctx.Writer.Write((int)_scopes[i]);
            ctx.SaveModel(_transformers[i], TransformerChainLoader.Folder(i));
        }
    }

    public IEnumerator<ITransformer> GetEnumerator() => ((IEnumerable<ITransformer>)_transformers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (ITransformer transformer in _transformers) (transformer as IDisposable)?.Dispose();
    }
}

/// <summary>Loads a chain: what its last transformer is, a file cannot say in types, so it is a chain of <see cref="ITransformer"/>.</summary>
internal static class TransformerChainLoader
{
    public const string Signature = "TransformerChain";

    public static VersionInfo VersionInfo => new("XF CHAIN", 0x00010001, 0x00010001, 0x00010001, ModelNames.ThisAssembly, Signature);

    public static string Folder(int link) => $"Transform_{link:000}";

    private static TransformerChain<ITransformer> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(VersionInfo);
        int count = ctx.Reader.ReadInt32();
        Contracts.CheckDecode(count >= 0, $"A saved chain claims to have {count} transformers.");
        var transformers = new List<ITransformer>();
        var scopes = new List<TransformerScope>();
        for (int i = 0; i < count; i++)
        {
            scopes.Add((TransformerScope)ctx.Reader.ReadInt32());
            ctx.LoadModel<ITransformer, SignatureLoadModel>(env, out ITransformer link, Folder(i));
            transformers.Add(link);
        }
        return new TransformerChain<ITransformer>(transformers, scopes);
    }
}

/// <summary>The mappers of a chain as one: what a later one needs is what an earlier one must give.</summary>
internal sealed class ChainMapper(DataViewSchema input, IRowToRowMapper[] mappers) : IRowToRowMapper
{
    public DataViewSchema InputSchema => input;
    public DataViewSchema OutputSchema => mappers.Length > 0 ? mappers[^1].OutputSchema : input;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        for (int i = mappers.Length - 1; i >= 0; i--) dependingColumns = mappers[i].GetDependencies(dependingColumns);
        return dependingColumns;
    }

    public DataViewRow GetRow(DataViewRow row, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Contracts.CheckRef(row, nameof(row));
        Contracts.CheckRef(activeColumns, nameof(activeColumns));
        Contracts.CheckParam(row.Schema == input, "input", "The row's schema is not the one that this mapper was made for.");
        var needed = new IEnumerable<DataViewSchema.Column>[mappers.Length];
        IEnumerable<DataViewSchema.Column> columns = activeColumns.ToArray();
        for (int i = mappers.Length - 1; i >= 0; i--)
        {
            needed[i] = columns;
            columns = mappers[i].GetDependencies(columns).ToArray();
        }
        for (int i = 0; i < mappers.Length; i++) row = mappers[i].GetRow(row, needed[i]);
        return row;
    }
}
