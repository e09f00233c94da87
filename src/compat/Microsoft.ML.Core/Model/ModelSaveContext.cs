using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where one part of a model writes itself: its own bytes and strings, further streams beside them, and parts below it.</summary>
public sealed class ModelSaveContext : IDisposable
{
    internal readonly RepositoryWriter Repository;

    /// <summary>The part's folder inside the model; null at the top.</summary>
    internal readonly string? Directory;

    /// <summary>For the part's own bytes; other members write to it as well, so the order of calls is the format.</summary>
    internal readonly BinaryWriter Writer;
    internal readonly long FpMin;
    internal ModelHeader Header;

    private readonly Repository.Entry entry;
    private readonly IExceptionContext? ectx;
    private readonly List<string> strings = [];
    private readonly Dictionary<string, int> numberOfString = [];
    private string? loaderAssemblyName;

    internal ModelSaveContext(RepositoryWriter rep, string? dir, string name)
    {
        Contracts.CheckValue(rep, nameof(rep));
        ectx = rep.ExceptionContext;
        ectx.CheckNonEmpty(name, nameof(name));
        Repository = rep;
        Directory = dir;
        entry = rep.CreateEntry(dir, name);
        Writer = new BinaryWriter(entry.Stream, Encoding.UTF8, leaveOpen: true);
        Header = ModelHeader.BeginWrite(Writer, out FpMin);
    }

    internal void CheckAtModel()
        => ectx.Check(Writer.BaseStream.Position == FpMin + Header.FpModel, "Something was written before the part's own bytes.");

    internal void SetVersionInfo(VersionInfo ver)
    {
        Header.SetVersionInfo(ver);
        loaderAssemblyName = ver.LoaderAssemblyName;
    }

    internal void SaveTextStream(string name, Action<TextWriter> action)
    {
        CheckStream(name, action);
        using Repository.Entry stream = Repository.CreateEntry(Directory, name);
        using StreamWriter writer = RepositoryWriter.OpenText(stream.Stream);
        action(writer);
    }

    /// <summary>A stream of its own beside the part, for what is large: it goes through a file, never through memory.</summary>
    internal void SaveBinaryStream(string name, Action<BinaryWriter> action)
    {
        CheckStream(name, action);
        using Repository.Entry stream = Repository.CreateEntry(Directory, name);
        using var writer = new BinaryWriter(stream.Stream, Encoding.UTF8, leaveOpen: true);
        action(writer);
    }

    /// <summary>Writes the string's number; equal strings share one.</summary>
    internal void SaveString(string str)
    {
        ectx.CheckValue(str, nameof(str));
        if (!numberOfString.TryGetValue(str, out int number))
        {
            number = strings.Count;
            strings.Add(str);
            numberOfString.Add(str, number);
        }
        Writer.Write(number);
    }

    internal void SaveNonEmptyString(string str)
    {
        ectx.CheckParam(!string.IsNullOrEmpty(str), nameof(str));
        SaveString(str);
    }

    internal void SaveNonEmptyString(ReadOnlyMemory<char> str) => SaveString(str.ToString());

    /// <summary>A part below this one, in the folder <paramref name="name"/>.</summary>
    internal void SaveModel<T>(T? value, string name) where T : class
    {
        SaveModel(Repository, value, Path.Combine(Directory ?? "", name));
    }

    internal static void SaveModel<T>(RepositoryWriter rep, T? value, string path) where T : class
    {
        if (value is not ICanSaveModel model) return;
        using var context = new ModelSaveContext(rep, path, ModelLoadContext.ModelStreamName);
        model.Save(context);
        context.Done();
    }

    internal void SaveSubModel(string dir, Action<ModelSaveContext> fn)
    {
        CheckStream(dir, fn);
        using var context = new ModelSaveContext(Repository, Path.Combine(Directory ?? "", dir), ModelLoadContext.ModelStreamName);
        fn(context);
        context.Done();
    }

    /// <summary>Completes the part. Without it what was written is nothing.</summary>
    internal void Done()
    {
        ectx.Check(Header.ModelSignature != 0, "A model part must call SetVersionInfo.");
        Header.EndWrite(Writer, FpMin, strings, loaderAssemblyName);
        Dispose();
    }

    public void Dispose()
    {
        Writer.Dispose();
        entry.Dispose();
    }

    private void CheckStream(string name, Delegate action)
    {
        ectx.CheckNonEmpty(name, nameof(name));
        ectx.CheckValue(action, nameof(action));
    }
}
