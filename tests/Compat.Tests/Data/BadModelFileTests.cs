using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class BadModelFileTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("compat").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Path(string name = "model.zip") => System.IO.Path.Combine(_folder, name);

    private void Load(string path) => _ml.Model.Load(path, out _);

    [GoldenFact(Recorded.Folder)]
    public void Files_that_are_no_models_throw_what_is_recorded()
    {
        Recorded.MessageMatches("Model.Load(missing file)", () => Load(Path("none.zip")));
        File.WriteAllText(Path("text.zip"), "this is no zip");
        Recorded.MessageMatches("Model.Load(text file)", () => Load(Path("text.zip")));
        using (ZipArchive zip = ZipFile.Open(Path("other.zip"), ZipArchiveMode.Create))
        using (var writer = new StreamWriter(zip.CreateEntry("readme.txt").Open()))
            writer.Write("hello");
        Recorded.MessageMatches("Model.Load(zip of something else)", () => Load(Path("other.zip")));
    }

    [GoldenTheory(Recorded.Folder)]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(400)]
    public void A_file_that_was_cut_throws_what_is_recorded(int bytes)
    {
        byte[] whole = File.ReadAllBytes(Recorded.Zip("chain.zip"));
        File.WriteAllBytes(Path(), whole[..^bytes]);
        Recorded.MessageMatches($"Model.Load(zip cut by {bytes} bytes)", () => Load(Path()));
    }

    [GoldenFact(Recorded.Folder)]
    public void Damaged_parts_throw_what_is_recorded()
    {
        Rewrite("chain.zip", (name, bytes) => name.EndsWith("Model.key") ? new byte[bytes.Length] : bytes);
        Recorded.MessageMatches("Model.Load(zip whose first Model.key is zeros)", () => Load(Path()));
        Rewrite("chain.zip", (name, bytes) => name.EndsWith("Model.key") ? null : bytes);
        Recorded.MessageMatches("Model.Load(zip without any Model.key)", () => Load(Path()));
        Rewrite("copy-columns.zip", (name, bytes) =>
        {
            if (name.EndsWith("Model.key")) "XopyTransform"u8.CopyTo(bytes.AsSpan(0x50));
            return bytes;
        });
        Recorded.MessageMatches("Model.Load(zip with an unknown loader signature)", () => Load(Path()));
    }

    /// <summary>Copies a recorded model with changed entries.</summary>
    private void Rewrite(string name, Func<string, byte[], byte[]?> change)
    {
        using ZipArchive source = ZipFile.OpenRead(Recorded.Zip(name));
        File.Delete(Path());
        using ZipArchive target = ZipFile.Open(Path(), ZipArchiveMode.Create);
        foreach (ZipArchiveEntry entry in source.Entries)
        {
            using Stream stream = entry.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            if (change(entry.FullName, memory.ToArray()) is not { } bytes) continue;
            using Stream written = target.CreateEntry(entry.FullName).Open();
            written.Write(bytes);
        }
    }

    [GoldenFact(Recorded.Folder)]
    public void Saving_no_model_is_allowed_as_recorded()
    {
        Recorded.MessageMatches("Model.Save(null)", () => _ml.Model.Save(null!, _ml.Data.LoadFromEnumerable(Row.Three).Schema, Path()));
        Assert.NotNull(Record.Exception(() => Load(Path())));
    }

    [GoldenTheory(Recorded.Folder)]
    [InlineData("copy-columns.zip")]
    [InlineData("chain-with-key.zip")]
    [InlineData("loader-and-copy.zip")]
    public void A_model_with_any_byte_changed_loads_or_throws_but_never_crashes_or_hangs(string name)
    {
        // A part's header, its strings and the schema's offsets are the places where a wrong number could lead astray.
        var random = new Random(5);
        for (int i = 0; i < 60; i++)
        {
            Rewrite(name, (_, bytes) =>
            {
                if (bytes.Length > 0 && random.Next(2) == 0) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return bytes;
            });
            Exception? thrown = Record.Exception(() => Load(Path()));
            Assert.True(thrown is null or not (NullReferenceException or IndexOutOfRangeException or OutOfMemoryException or AccessViolationException), $"{thrown}");
        }
    }

    [GoldenFact(Recorded.Folder)]
    public void A_damaged_schema_is_an_exception_about_the_format()
    {
        Rewrite("copy-columns.zip", (name, bytes) => name == "Schema" ? bytes[..(bytes.Length - 20)] : bytes);
        Assert.True(Record.Exception(() => Load(Path())) is FormatException or IOException);
        Rewrite("copy-columns.zip", (name, bytes) => name == "Schema" ? [] : bytes);
        Assert.True(Record.Exception(() => Load(Path())) is FormatException or IOException);
    }

    [Fact]
    public void A_model_that_cannot_be_saved_leaves_an_exception_and_no_loadable_file()
    {
        ITransformer broken = new Unsavable();
        Assert.Throws<NotSupportedException>(() => _ml.Model.Save(broken, null, Path()));
        Assert.NotNull(Record.Exception(() => Load(Path())));
    }

    private sealed class Unsavable : ITransformer
    {
        public bool IsRowToRowMapper => false;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();
        public IDataView Transform(IDataView input) => input;
        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException("This transformer cannot be saved.");
    }
}
