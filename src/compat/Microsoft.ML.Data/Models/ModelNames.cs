namespace Microsoft.ML.Data;

/// <summary>What a saved model says about where its loaders live: the published assembly's full name, whichever assembly wrote it.</summary>
internal static class ModelNames
{
    public const string ThisAssembly = "Microsoft.ML.Data, Version=1.0.0.0, Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51";

    /// <summary>The folder of a model's zip that holds the transformer.</summary>
    public const string TransformerFolder = "TransformerChain";

    public const string LoaderFolder = "Loader";

    /// <summary>The entry that holds the schema of the data that the model was fitted on.</summary>
    public const string SchemaEntry = "Schema";
}
