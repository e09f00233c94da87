using Microsoft.ML;
using Microsoft.ML.Data;

[assembly: LoadableClass(typeof(TextLoader), null, typeof(SignatureLoadModel), "Text Loader", TextLoader.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>
/// Reads lines of separated fields. Empty lines, lines that begin with // and, before the first data, with # are skipped; a field's leading
/// spaces are skipped; missing fields are 0, false or empty text. A field that a number column cannot read is not-a-number where the type has it
/// and an error otherwise.
/// Model stream "TXTLOADR": int 4, long rows at most, uint flags, int fields of a line, separators, escape character, decimal marker, columns.
/// </summary>
public sealed partial class TextLoader : IDataLoader<IMultiStreamSource>
{
    internal const string LoaderSignature = "TextLoader";
    private const uint VersionWithForceVector = 0x0001000A, VersionWithPlainKeys = 0x0001000C, VersionWithEscape = 0x0001000D;

    [Flags]
    private enum Flags : uint
    {
        TrimWhitespace = 1,
        HasHeader = 2,
        AllowQuoting = 4,
        AllowSparse = 8,
        ReadMultilines = 16,
        MissingRealsAsNaNs = 32,
    }

    private readonly IHost _host;
    private readonly TextFormat _format;
    private readonly TextColumns _columns;

    internal TextLoader(IHostEnvironment env, Options? options = null, IMultiStreamSource? dataSample = null)
    {
        _host = Contracts.CheckRef(env, nameof(env)).Register(LoaderSignature);
        options ??= new Options();
        IMultiStreamSource? headerFile = string.IsNullOrWhiteSpace(options.HeaderFile) ? null : new MultiFileSource(options.HeaderFile);
        _format = TextFormat.Create(options, headerFile is not null);
        Column[] columns = options.Columns is { Length: > 0 } given ? given :
            [new Column("Label", DataKind.Single, 0), new Column("Features", DataKind.Single, [new Range(1, null)])];
        _columns = TextColumns.Create(columns, _format, headerFile, dataSample);
    }

    private TextLoader(IHost host, TextFormat format, TextColumns columns) => (_host, _format, _columns) = (host, format, columns);

    internal TextFormat Format => _format;
    internal TextColumns Columns => _columns;
    internal IHost Host => _host;

    public DataViewSchema GetOutputSchema() => _columns.Schema;

    public IDataView Load(IMultiStreamSource source) => new TextView(this, Contracts.CheckRef(source, nameof(source)));

    private static VersionInfo GetVersionInfo() => new("TXTLOADR", 0x0001000E, 0x0001000A, 0x00010009, ModelNames.ThisAssembly, LoaderSignature);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        BinaryWriter writer = ctx.Writer;
        writer.Write(sizeof(float));
        writer.Write(_format.MaxRows);
        writer.Write((uint)((_format.TrimWhitespace ? Flags.TrimWhitespace : 0) | (_format.HasHeader ? Flags.HasHeader : 0)
            | (_format.AllowQuoting ? Flags.AllowQuoting : 0) | (_format.AllowSparse ? Flags.AllowSparse : 0)
            | (_format.ReadMultilines ? Flags.ReadMultilines : 0) | (_format.MissingRealsAsNaNs ? Flags.MissingRealsAsNaNs : 0)));
        writer.Write(_format.InputSize);
        writer.Write(_format.Separators.Length);
        foreach (char separator in _format.Separators) writer.Write((short)separator);
        writer.Write(_format.EscapeChar);
        writer.Write(_format.DecimalMarker);
        _columns.Save(ctx);
    }

    private static TextLoader Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        BinaryReader reader = ctx.Reader;
        uint version = ctx.Header.ModelVerWritten;
        Contracts.CheckDecode(reader.ReadInt32() == sizeof(float), "A saved text loader does not begin as one.");
        long maxRows = reader.ReadInt64();
        var flags = (Flags)reader.ReadUInt32();
        int inputSize = reader.ReadInt32();
        Contracts.CheckDecode(maxRows > 0 && (uint)flags < 64 && inputSize >= 0, "A saved text loader has options that cannot be.");
        int count = reader.ReadInt32();
        Contracts.CheckDecode(count is > 0 and < 65536, $"A saved text loader claims to have {count} separators.");
        char[] separators = [.. Enumerable.Range(0, count).Select(_ => (char)reader.ReadUInt16())];
        Contracts.CheckDecode(!separators.Any("\0\r\n\"0123456789".Contains), "A saved text loader has a separator that cannot be one.");
        char escape = version >= VersionWithEscape ? reader.ReadChar() : '"', marker = version >= VersionWithEscape ? reader.ReadChar() : '.';
        Contracts.CheckDecode(marker is '.' or ',' && !separators.Contains(escape), "A saved text loader has an escape character or decimal marker that cannot be one.");
        var format = new TextFormat(separators, escape, marker, inputSize, maxRows, flags.HasFlag(Flags.AllowQuoting), flags.HasFlag(Flags.AllowSparse),
            flags.HasFlag(Flags.TrimWhitespace), flags.HasFlag(Flags.HasHeader), flags.HasFlag(Flags.ReadMultilines), flags.HasFlag(Flags.MissingRealsAsNaNs));
        return new TextLoader(env.Register(LoaderSignature), format,
            TextColumns.Load(ctx, format, version >= VersionWithForceVector, version >= VersionWithPlainKeys));
    }
}
