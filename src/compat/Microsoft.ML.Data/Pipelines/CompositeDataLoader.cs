using Microsoft.ML;
using Microsoft.ML.Data;

[assembly: LoadableClass(typeof(CompositeDataLoader<IMultiStreamSource, ITransformer>), null, typeof(SignatureLoadModel), "Composite Loader", CompositeLoaderNames.Signature)]

namespace Microsoft.ML.Data;

/// <summary>A loader and the transformers that its data goes through. Model stream "CMPSTLDR": empty; the parts lie in the folders Loader and TransformerChain.</summary>
public sealed class CompositeDataLoader<TSource, TLastTransformer> : IDataLoader<TSource>, IDisposable where TLastTransformer : class, ITransformer
{
    public readonly IDataLoader<TSource> Loader;
    public readonly TransformerChain<TLastTransformer> Transformer;

    public CompositeDataLoader(IDataLoader<TSource> loader, TransformerChain<TLastTransformer>? transformerChain = null)
    {
        Loader = Contracts.CheckRef(loader, nameof(loader));
        Transformer = transformerChain ?? new TransformerChain<TLastTransformer>();
    }

    private static CompositeDataLoader<TSource, TLastTransformer> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(CompositeLoaderNames.VersionInfo);
        ctx.LoadModel<IDataLoader<TSource>, SignatureLoadModel>(env, out IDataLoader<TSource> loader, ModelNames.LoaderFolder);
        ctx.LoadModel<TransformerChain<TLastTransformer>, SignatureLoadModel>(env, out TransformerChain<TLastTransformer> chain, ModelNames.TransformerFolder);
        return new CompositeDataLoader<TSource, TLastTransformer>(loader, chain);
    }

    public IDataView Load(TSource input) => Transformer.Transform(Loader.Load(input));

    public DataViewSchema GetOutputSchema() => Transformer.GetOutputSchema(Loader.GetOutputSchema());

    public CompositeDataLoader<TSource, TNewLast> AppendTransformer<TNewLast>(TNewLast transformer) where TNewLast : class, ITransformer =>
        new(Loader, Transformer.Append(Contracts.CheckRef(transformer, nameof(transformer))));

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(CompositeLoaderNames.VersionInfo);
        ctx.SaveModel(Loader, ModelNames.LoaderFolder);
        ctx.SaveModel(Transformer, ModelNames.TransformerFolder);
    }

    public void Dispose() => Transformer.Dispose();
}

internal static class CompositeLoaderNames
{
    public const string Signature = "CompositeLoader";

    public static VersionInfo VersionInfo => new("CMPSTLDR", 0x00010001, 0x00010001, 0x00010001, ModelNames.ThisAssembly, Signature);
}
