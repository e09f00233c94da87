using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

// From a part's header to an object: the header names an assembly, whose loadable classes are registered then and there, and up to
// two load names, which together with TSig find the class.
internal sealed partial class ModelLoadContext
{
    /// <summary>The part in folder <paramref name="dir"/>; false when there is none.</summary>
    public static bool LoadModelOrNull<TRes, TSig>(
        IHostEnvironment env, [NotNullWhen(true)] out TRes? result, RepositoryReader rep, string? dir, params object[] extra) where TRes : class
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(rep, nameof(rep));
        using Repository.Entry? entry = rep.OpenEntryOrNull(dir, ModelStreamName);
        result = null;
        if (entry is null) return false;
        LoadModel<TRes, TSig>(env, out result, rep, entry, dir, extra);
        return true;
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string? dir, params object[] extra)
        where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out TRes? found, rep, dir, extra))
            throw env.ExceptDecode($"The model has no part '{Path.Combine(dir ?? "", ModelStreamName)}'.");
        result = found;
    }

    public static void LoadModel<TRes, TSig>(
        IHostEnvironment env, out TRes result, RepositoryReader rep, Repository.Entry ent, string? dir, params object[] extra) where TRes : class
    {
        Contracts.CheckValue(env, nameof(env));
        using var context = new ModelLoadContext(rep, ent, dir);
        result = context.Instantiate<TRes, TSig>(env, extra)
            ?? throw env.ExceptDecode($"Nothing here can load the model's part '{dir}' ('{context.Header.LoaderSignature}' as {typeof(TRes).Name}).");
    }

    /// <summary>A part below this one; false when there is none.</summary>
    public bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, [NotNullWhen(true)] out TRes? result, string name, params object[] extra) where TRes : class
    {
        ectx.CheckValue(env, nameof(env));
        return LoadModelOrNull<TRes, TSig>(env, out result, Repository, Path.Combine(Directory ?? "", name), extra);
    }

    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra) where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out TRes? found, name, extra))
            throw ectx.ExceptDecode($"The model's part '{Directory}' has no part '{name}' below it.");
        result = found;
    }

    /// <summary>Reads a part below this one without making an object of it; false when there is none.</summary>
    public bool TryProcessSubModel(string dir, Action<ModelLoadContext> action)
    {
        ectx.CheckNonEmpty(dir, nameof(dir));
        ectx.CheckValue(action, nameof(action));
        string path = Path.Combine(Directory ?? "", dir);
        using Repository.Entry? entry = Repository.OpenEntryOrNull(path, ModelStreamName);
        if (entry is null) return false;
        using var context = new ModelLoadContext(Repository, entry, path);
        action(context);
        return true;
    }

    private TRes? Instantiate<TRes, TSig>(IHostEnvironment env, object[] extra) where TRes : class
    {
        if (!string.IsNullOrEmpty(LoaderAssemblyName)) env.ComponentCatalog.RegisterAssembly(Assembly.Load(LoaderAssemblyName));
        object[] all = [this, .. extra];
        foreach (string loader in (string[])[Header.LoaderSignature, Header.LoaderSignatureAlt])
        {
            if (string.IsNullOrWhiteSpace(loader)) continue;
            if (ComponentCatalog.TryCreateInstance<object, TSig>(env, out object? made, loader, "", all) && made is TRes result)
            {
                Done();
                return result;
            }
        }
        return null;
    }
}
