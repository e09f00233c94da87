using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>What a class that loads itself from a model takes: a constructor or static Create (IHostEnvironment, ModelLoadContext).</summary>
internal delegate void SignatureLoadModel(ModelLoadContext ctx);

/// <summary>Where one part of a model reads itself from: the counterpart of <see cref="ModelSaveContext"/>.</summary>
internal sealed partial class ModelLoadContext : IDisposable
{
    public const string ModelStreamName = "Model.key";

    public readonly RepositoryReader Repository;
    public readonly string? Directory;
    public readonly BinaryReader Reader;
    public readonly string[] Strings;
    public readonly string? LoaderAssemblyName;
    public readonly long FpMin;
    internal ModelHeader Header;

    private readonly IExceptionContext? ectx;

    internal ModelLoadContext(RepositoryReader rep, Repository.Entry ent, string? dir)
    {
        Contracts.CheckValue(rep, nameof(rep));
        ectx = rep.ExceptionContext;
        ectx.CheckValue(ent, nameof(ent));
        Repository = rep;
        Directory = dir;
        Reader = new BinaryReader(ent.Stream, Encoding.UTF8, leaveOpen: true);
        Header = ModelHeader.BeginRead(Reader, out FpMin, out Strings, out LoaderAssemblyName);
    }

    public void CheckAtModel()
        => ectx.Check(Reader.BaseStream.Position == FpMin + Header.FpModel, "Something was read before the part's own bytes.");

    public void CheckAtModel(VersionInfo ver)
    {
        CheckAtModel();
        CheckVersionInfo(ver);
    }

    public void CheckVersionInfo(VersionInfo ver) => Header.CheckVersionInfo(ver);

    public string LoadString() => StringOf(Reader.ReadInt32());

    public string LoadNonEmptyString()
    {
        string text = LoadString();
        ectx.CheckDecode(text.Length > 0, "A model part has an empty string where it needs a text.");
        return text;
    }

    /// <summary>False when the part has no such stream. The stream ends with the call.</summary>
    public bool TryLoadBinaryStream(string name, Action<BinaryReader> action)
    {
        using Repository.Entry? entry = OpenBeside(name, action);
        if (entry is null) return false;
        using var reader = new BinaryReader(entry.Stream, Encoding.UTF8, leaveOpen: true);
        action(reader);
        return true;
    }

    public bool TryLoadTextStream(string name, Action<TextReader> action)
    {
        using Repository.Entry? entry = OpenBeside(name, action);
        if (entry is null) return false;
        using var reader = new StreamReader(entry.Stream);
        action(reader);
        return true;
    }

    /// <summary>The part must have been read to its end.</summary>
    public void Done()
    {
        Header.EndRead(Reader, FpMin);
        Dispose();
    }

    public void Dispose() => Reader.Dispose();

    private string StringOf(int number)
    {
        ectx.CheckDecode(number >= 0 && number < Strings.Length, $"A model part asks for string {number} of {Strings.Length}.");
        return Strings[number];
    }

    private Repository.Entry? OpenBeside(string name, Delegate action)
    {
        ectx.CheckNonEmpty(name, nameof(name));
        ectx.CheckValue(action, nameof(action));
        return Repository.OpenEntryOrNull(Directory, name);
    }
}
