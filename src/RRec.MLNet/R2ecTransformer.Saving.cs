using Microsoft.ML;
using Microsoft.ML.Runtime;
using RRec.MLNet;
using RRec.Persistence;

[assembly: LoadableClass(typeof(R2ecTransformer), null, typeof(SignatureLoadModel), "R2ec", R2ecTransformer.LoaderSignature)]

namespace RRec.MLNet;

// A transformer in ML.NET's zip: Model.key (signature, versions, this assembly's name), scoring.json (ScoringOptions), and beside them the
// entries of RRec.Persistence.ModelArchive. docs/model-format.md describes them all.
public sealed partial class R2ecTransformer
{
    internal const string LoaderSignature = "R2ecTransformer";

    private static VersionInfo Versions => new(
        modelSignature: "R2ECTRNS",
        verWrittenCur: 0x00010001,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderAssemblyName: typeof(R2ecTransformer).Assembly.FullName!,
        loaderSignature: LoaderSignature);

    /// <summary>Writes the LoRA adapter that training made, as PEFT does (<c>adapter_config.json</c>, <c>adapter_model.safetensors</c>), so that Python's stacks can load it on the same backbone.</summary>
    /// <param name="folder">Made where missing.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter: all its weights were trained.</exception>
    public void SaveAdapter(string folder)
    {
        if (Model.Backbone.Adapter is null) throw new InvalidOperationException("This model has no adapter: all its weights were trained, and its zip holds them.");
        Model.Backbone.SaveAdapter(folder, Model.Backbone.SourceFolder);
    }

    /// <summary>Whether saving embeds the backbone's weights. Set by the trainer's option; may be changed before saving.</summary>
    public BackboneStorage BackboneStorage { get; set; }

    /// <summary>The model itself, for what ML.NET's surface does not offer. It is shared by all cursors and engines of this transformer.</summary>
    public R2ecModel Model => Engine.Model;

    private ModelRecommender Engine => _scorer.Recommender as ModelRecommender ?? throw new InvalidOperationException("This transformer has no engine behind it.");

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Versions);
        ZipEntryWriter entries = new(ctx, _host);
        entries.Write(ScoringOptionsJson.FileName, stream => ScoringOptionsJson.Write(stream, _scorer.Options));
        ModelArchive.Save(Model, entries, BackboneStorage);
    }

    // Called by ML.NET's loader.
    private static R2ecTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(ctx);
        ctx.CheckAtModel(Versions);
        ZipEntryReader entries = new(ctx, env);
        ScoringOptions? options = null;
        if (!entries.TryRead(ScoringOptionsJson.FileName, stream => options = ScoringOptionsJson.Read(stream, $"{entries.Source}: {ScoringOptionsJson.FileName}")))
            throw new InvalidDataException($"{entries.Source}: has no entry '{ScoringOptionsJson.FileName}'; the file is incomplete.");
        using IChannel channel = env.Start("Loading R2ec");
        R2ecModel model = ModelArchive.Load(entries, Devices.Of(env, channel));
        return new R2ecTransformer(env, new ModelRecommender(model), options!);
    }
}
