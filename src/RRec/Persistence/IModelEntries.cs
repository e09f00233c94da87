namespace RRec.Persistence;

/// <summary>Where a model's parts are written: named entries of a zip, or files of a folder. The archive does not know which.</summary>
public interface IModelEntryWriter
{
    /// <summary>Where large parts may lie while they are written; goes again. Default: the system's folder for temporary files.</summary>
    string TemporaryFolder => Path.GetTempPath();

    /// <summary>Writes one entry; the stream need not seek and is the writer's again afterwards.</summary>
    void Write(string name, Action<Stream> write);
}

/// <summary>Where a model's parts are read from.</summary>
public interface IModelEntryReader
{
    /// <summary>What to call the whole in error messages, e.g. the file's name.</summary>
    string Source { get; }

    /// <summary>Where large parts may lie while they are read (weights, uncompressed); goes again. Default: the system's folder for temporary files.</summary>
    string TemporaryFolder => Path.GetTempPath();

    /// <summary>Reads one entry, once; false where there is none of that name.</summary>
    bool TryRead(string name, Action<Stream> read);
}

/// <summary>Whether a saved model carries its backbone's weights.</summary>
public enum BackboneStorage
{
    /// <summary>By reference where the weights are unchanged, come from a folder and are larger than 500 MB; embedded otherwise.</summary>
    Auto = 0,

    /// <summary>The weights are in the file.</summary>
    Embed = 1,

    /// <summary>
    /// The file names the folder and the SHA-256 of its weight files. Loading looks there, then in the folders of the environment variable
    /// <c>RREC_MODELS</c>. Only for weights that training did not change (an adapter is always in the file).
    /// </summary>
    Reference = 2,
}

/// <summary>A folder of entries as files; for checkpoints and tests.</summary>
public sealed class FolderEntries(string folder) : IModelEntryWriter, IModelEntryReader
{
    /// <inheritdoc/>
    public string Source => folder;

    /// <inheritdoc/>
    public void Write(string name, Action<Stream> write)
    {
        Directory.CreateDirectory(folder);
        Weights.WholeFile.Write(Path.Combine(folder, name), write);
    }

    /// <inheritdoc/>
    public bool TryRead(string name, Action<Stream> read)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path)) return false;
        using FileStream stream = File.OpenRead(path);
        read(stream);
        return true;
    }
}
