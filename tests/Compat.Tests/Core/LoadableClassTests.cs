using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Compat.Tests.Core;

/// <summary>What a third party relies on: its class goes into a model and comes out of it in a context that never heard of it.</summary>
public sealed class LoadableClassTests : IDisposable
{
    private static readonly byte[] Pattern = [.. Enumerable.Range(0, 1 << 16).Select(i => (byte)(i * 31 >> 3))];
    private readonly string folder = Directory.CreateTempSubdirectory("compat").FullName;

    public void Dispose()
    {
        Notes.FailWith = null;
        Notes.ReadAs = default;
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_class_comes_back_with_its_values_strings_and_streams_without_being_registered()
    {
        Notes loaded = Load(Save(new Notes("größer ✓", 42, Pattern, 3)));
        Assert.Equal(("größer ✓", 42, 3, true), (loaded.Text, loaded.Number, loaded.Repeats, loaded.HasStream));
    }

    [Fact]
    public void The_header_names_versions_loader_and_assembly_and_the_tail_closes_it()
    {
        byte[] content = Entry(Save(new Notes("text", 7, [1, 2], 1)), "TransformerChain/Model.key");
        Assert.Equal("ML\0MODEL", Latin(content, 0, 8));
        Assert.Equal("NOTES\0TX", Latin(content, 0x40, 8));
        Assert.Equal([0x00010002u, 0x00010001u], [BitConverter.ToUInt32(content, 0x48), BitConverter.ToUInt32(content, 0x4C)]);
        Assert.Equal(Notes.LoadName, Latin(content, 0x50, 24).TrimEnd('\0'));
        Assert.Equal(8, BitConverter.ToInt64(content, 0x28)); // one string: equal ones are kept once
        int name = (int)BitConverter.ToInt64(content, 0x90), bytes = (int)BitConverter.ToUInt32(content, 0x98);
        Assert.Equal(typeof(Notes).Assembly.FullName, Encoding.Unicode.GetString(content, name, bytes));
        Assert.Equal("LEDOM\0LM", Latin(content, content.Length - 8, 8));
        Assert.Equal(BitConverter.ToInt64(content, 0x88), content.Length);
        // the part's own bytes: the number, the string's number twice, the pattern's length and bytes
        Assert.Equal([7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2], content[0x100..(0x100 + 18)]);
    }

    [Fact]
    public void A_long_stream_never_is_in_memory_and_its_files_lie_in_the_contexts_folder_while_it_is_written()
    {
        const int repeats = 1 << 10; // of 64 KiB
        string temporary = Directory.CreateDirectory(Path.Combine(folder, "temporary")).FullName;
        long largest = 0;
        var notes = new Notes("long", 1, Pattern, repeats)
        {
            WhileSaving = () => largest = Directory.GetFiles(temporary, "*", SearchOption.AllDirectories).Max(file => new FileInfo(file).Length),
        };
        var ml = new MLContext(1) { TempFilePath = temporary };
        string path = Path.Combine(folder, "long.zip");
        long before = GC.GetAllocatedBytesForCurrentThread();
        ml.Model.Save(notes, null, path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
        Assert.InRange(largest, Pattern.Length * (repeats - 1L), Pattern.Length * (long)repeats);
        Assert.Empty(Directory.GetFileSystemEntries(temporary));

        using (ZipArchive zip = ZipFile.OpenRead(path))
        {
            ZipArchiveEntry entry = zip.GetEntry("TransformerChain/Long.bin")!;
            Assert.Equal(Pattern.Length * (long)repeats, entry.Length);
            Assert.InRange(entry.CompressedLength, 1, entry.Length / 10);
        }
        Assert.Equal(repeats, ((Notes)ml.Model.Load(path, out _)).Repeats);
        Assert.Empty(Directory.GetFileSystemEntries(temporary));
    }

    [Theory]
    [InlineData("too new: readable from a later version on")]
    [InlineData("too old: written by an earlier version than is read")]
    [InlineData("another format")]
    public void A_part_of_a_version_that_cannot_be_read_is_refused(string what)
    {
        string path = Save(new Notes("text", 1, [1], 1)
        {
            WrittenAs = what[..7] switch
            {
                "too new" => Notes.Version(written: 0x00020001, readable: 0x00020001),
                "another" => Notes.Version(signature: "OTHERFMT"),
                _ => Notes.Version(),
            },
        });
        if (what.StartsWith("too old")) Notes.ReadAs = Notes.Version(written: 0x00030001, readable: 0x00030001, back: 0x00020001);
        Assert.IsType<FormatException>(LoadingFailure(path).GetBaseException());
    }

    [Fact]
    public void A_part_that_is_not_read_to_its_end_is_refused()
        => Assert.IsType<FormatException>(LoadingFailure(Save(new Notes("text", 1, [1], 1) { WriteTooMuch = true })).GetBaseException());

    [Fact]
    public void An_exception_of_the_class_itself_is_wrapped()
    {
        string path = Save(new Notes("text", 1, [1], 1));
        Notes.FailWith = new NotSupportedException("reason");
        var plain = Assert.IsType<TargetInvocationException>(LoadingFailure(path));
        Assert.Same(Notes.FailWith, plain.InnerException);

        IExceptionContext context = new MLContext(1);
        Notes.FailWith = context.Process(new NotSupportedException("reason"));
        Exception marked = Assert.IsType<InvalidOperationException>(LoadingFailure(path));
        Assert.Same(Notes.FailWith, marked.GetBaseException());
    }

    [Fact]
    public void A_part_that_says_nothing_of_its_format_cannot_be_saved()
        => Assert.Throws<InvalidOperationException>(() => Save(new Notes("text", 1, [1], 1) { WrittenAs = default }));

    [Fact]
    public void A_loader_assembly_that_is_not_there_is_reported_as_such()
    {
        var foreign = new VersionInfo("NOTES TX", 1, 1, 1, "No.Such.Assembly, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null", Notes.LoadName);
        string path = Save(new Notes("text", 1, [1], 1) { WrittenAs = foreign });
        Assert.Contains("No.Such.Assembly", Assert.IsType<FileNotFoundException>(LoadingFailure(path)).Message);
    }

    [Fact]
    public void Loading_by_another_name_of_a_class_finds_nothing()
    {
        var foreign = new VersionInfo("NOTES TX", 1, 1, 1, typeof(Notes).Assembly.FullName!, "NobodysName");
        Assert.IsType<FormatException>(LoadingFailure(Save(new Notes("text", 1, [1], 1) { WrittenAs = foreign })));
    }

    private string Save(Notes notes)
    {
        string path = Path.Combine(folder, Path.GetRandomFileName());
        new MLContext(1).Model.Save(notes, null, path);
        return path;
    }

    private static Notes Load(string path) => Assert.IsType<Notes>(new MLContext(1).Model.Load(path, out _));

    /// <summary>What the loader threw, without the wrapper that Model.Load may put around it.</summary>
    private static Exception LoadingFailure(string path) => Record.Exception(() => new MLContext(1).Model.Load(path, out _))!;

    private static string Latin(byte[] content, int at, int count) => Encoding.Latin1.GetString(content, at, count);

    private static byte[] Entry(string path, string name)
    {
        using ZipArchive zip = ZipFile.OpenRead(path);
        using Stream source = zip.GetEntry(name)!.Open();
        using var content = new MemoryStream();
        source.CopyTo(content);
        return content.ToArray();
    }
}
