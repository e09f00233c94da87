using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Saves and loads models, and makes prediction engines. A model is a zip: the transformer in the folder TransformerChain, the schema of its input beside it.</summary>
public sealed class ModelOperationsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal ModelOperationsCatalog(IHostEnvironment env) => _env = env;

    IHostEnvironment IInternalCatalog.Environment => _env;

    public void Save(ITransformer? model, DataViewSchema? inputSchema, Stream stream)
    {
        Contracts.CheckRef(stream, nameof(stream));
        using RepositoryWriter rep = RepositoryWriter.CreateNew(stream, _env);
        ModelSaveContext.SaveModel(rep, model, ModelNames.TransformerFolder);
        if (inputSchema is not null)
        {
            using Repository.Entry entry = rep.CreateEntry(ModelNames.SchemaEntry);
            SchemaStream.Write(inputSchema, entry.Stream);
        }
        rep.Commit();
    }

    public void Save(ITransformer? model, DataViewSchema? inputSchema, string filePath)
    {
        Contracts.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.Create(filePath);
        Save(model, inputSchema, stream);
    }

    public void Save<TSource>(ITransformer? model, IDataLoader<TSource> loader, Stream stream)
    {
        Contracts.CheckRef(loader, nameof(loader));
        Contracts.CheckRef(stream, nameof(stream));
        // The transformer is saved as a chain of one, whatever it is.
        TransformerChain<ITransformer>? chain = model is null ? null : new TransformerChain<ITransformer>(model);
        using RepositoryWriter rep = RepositoryWriter.CreateNew(stream, _env);
        ModelSaveContext.SaveModel(rep, new CompositeDataLoader<TSource, ITransformer>(loader, chain), null!);
        rep.Commit();
    }

    public void Save<TSource>(ITransformer? model, IDataLoader<TSource> loader, string filePath)
    {
        Contracts.CheckRef(loader, nameof(loader));
        Contracts.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.Create(filePath);
        Save(model, loader, stream);
    }

    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        Contracts.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.OpenRead(filePath);
        return Load(stream, out inputSchema);
    }

    /// <summary>The transformer, and the schema of the data that it was fitted on (null where the model was saved without).</summary>
    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        Contracts.CheckRef(stream, nameof(stream));
        using RepositoryReader rep = RepositoryReader.Open(stream, _env);
        using (Repository.Entry? schema = rep.OpenEntryOrNull(ModelNames.SchemaEntry))
        {
            if (schema is not null)
            {
                inputSchema = SchemaStream.Read(schema.Stream);
                ModelLoadContext.LoadModel<ITransformer, SignatureLoadModel>(_env, out ITransformer transformer, rep, ModelNames.TransformerFolder);
                return transformer;
            }
        }
        if (ModelLoadContext.LoadModelOrNull<IDataLoader<IMultiStreamSource>, SignatureLoadModel>(_env, out IDataLoader<IMultiStreamSource>? loader, rep, null!))
        {
            ITransformer transformer = Split(ref loader!);
            inputSchema = loader.GetOutputSchema();
            return transformer;
        }
        if (ModelLoadContext.LoadModelOrNull<ITransformer, SignatureLoadModel>(_env, out ITransformer? bare, rep, ModelNames.TransformerFolder))
        {
            inputSchema = null!;
            return bare!;
        }
        throw new InvalidOperationException(
            $"This zip is no model: it has none of the entries '{ModelNames.SchemaEntry}', 'Model.key' and '{ModelNames.TransformerFolder}/Model.key'.",
            new InvalidOperationException("Models of the time before ML.NET 1.0 (entry DataLoaderModel/Model.key) are not read."));
    }

    public ITransformer LoadWithDataLoader(string filePath, out IDataLoader<IMultiStreamSource> loader)
    {
        Contracts.CheckNonEmpty(filePath, nameof(filePath));
        using FileStream stream = File.OpenRead(filePath);
        return LoadWithDataLoader(stream, out loader);
    }

    public ITransformer LoadWithDataLoader(Stream stream, out IDataLoader<IMultiStreamSource> loader)
    {
        Contracts.CheckRef(stream, nameof(stream));
        using RepositoryReader rep = RepositoryReader.Open(stream, _env);
        try
        {
            ModelLoadContext.LoadModel<IDataLoader<IMultiStreamSource>, SignatureLoadModel>(_env, out loader, rep, null!);
            return Split(ref loader);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException("The model holds no data loader: it was saved with a schema, or with nothing about its input. Load reads such models.", e);
        }
    }

    /// <summary>A saved model with a loader is one loader: takes the transformers out of it again.</summary>
    private static ITransformer Split(ref IDataLoader<IMultiStreamSource> loader)
    {
        if (loader is not CompositeDataLoader<IMultiStreamSource, ITransformer> composite) return new TransformerChain<ITransformer>();
        loader = composite.Loader;
        ITransformer[] links = [.. composite.Transformer];
        return links.Length == 1 ? links[0] : composite.Transformer;
    }

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, bool ignoreMissingColumns = true,
        SchemaDefinition? inputSchemaDefinition = null, SchemaDefinition? outputSchemaDefinition = null) where TSrc : class where TDst : class, new() =>
        new(transformer, ignoreMissingColumns, inputSchemaDefinition, outputSchemaDefinition, true);

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, DataViewSchema inputSchema) where TSrc : class where TDst : class, new() =>
        new(transformer, false, RowMember.DefinitionFor(typeof(TSrc), Contracts.CheckRef(inputSchema, nameof(inputSchema))), null, true);

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, PredictionEngineOptions options)
        where TSrc : class where TDst : class, new()
    {
        Contracts.CheckRef(options, nameof(options));
        return new(transformer, options.IgnoreMissingColumns, options.InputSchemaDefinition, options.OutputSchemaDefinition, options.OwnsTransformer);
    }
}
