using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class ModelFileTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("compat").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string File(string name) => Path.Combine(_folder, name);

    [GoldenTheory(Recorded.Folder)]
    [InlineData("copy-columns.zip")]
    [InlineData("copy-columns-no-schema.zip")]
    [InlineData("chain.zip")]
    [InlineData("chain-with-key.zip")]
    public void A_recorded_model_loads_with_its_schema(string name)
    {
        ITransformer model = _ml.Model.Load(Recorded.Zip(name), out DataViewSchema schema);
        System.Text.Json.JsonElement recorded = Recorded.At("zips", name);
        Assert.Equal(Plain(recorded.GetProperty("loads as").GetString()!), Plain(model.GetType().FullName!));
        if (recorded.GetProperty("input schema").ValueKind == System.Text.Json.JsonValueKind.Null) Assert.Null(schema);
        else Assert.Equal(Recorded.Schema(recorded.GetProperty("input schema")), Recorded.Schema(schema));
        IDataView view = model.Transform(_ml.Data.LoadFromEnumerable(Row.Three));
        Assert.Equal(["a", "", "ü, \"q\""], view.GetColumn<string>(view.Schema[10].Name));
    }

    /// <summary>A type's name without the tokens of assemblies, which stand-ins do not have.</summary>
    private static string Plain(string type) => System.Text.RegularExpressions.Regex.Replace(type, ", Version=[^]]*", "");

    [GoldenFact(Recorded.Folder)]
    public void What_is_saved_has_the_recorded_entries_byte_for_byte()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(Row.Three);
        ITransformer copy = _ml.Transforms.CopyColumns("Copy", "Text").Fit(view);
        _ml.Model.Save(copy, view.Schema, File("copy-columns.zip"));
        _ml.Model.Save(copy, null, File("copy-columns-no-schema.zip"));
        SameEntries("copy-columns.zip");
        SameEntries("copy-columns-no-schema.zip");
    }

    [GoldenFact(Recorded.Folder)]
    public void A_loaded_model_is_saved_as_it_was()
    {
        foreach (string name in (string[])["copy-columns.zip", "chain.zip", "chain-with-key.zip"])
        {
            ITransformer model = _ml.Model.Load(Recorded.Zip(name), out DataViewSchema schema);
            using (FileStream stream = System.IO.File.Create(File(name))) _ml.Model.Save(model, schema, stream);
            SameEntries(name);
        }
    }

    [GoldenFact(Recorded.Folder)]
    public void A_recorded_loader_and_transformer_load_read_a_file_and_are_saved_as_they_were()
    {
        ITransformer model = _ml.Model.LoadWithDataLoader(Recorded.Zip("loader-and-copy.zip"), out IDataLoader<IMultiStreamSource> loader);
        Assert.Equal(Recorded.Schema(Recorded.At("zips", "loader-and-copy.zip", "input schema")), Recorded.Schema(loader.GetOutputSchema()));
        System.IO.File.WriteAllText(File("data.csv"), "UserId,MovieId,Rating,Timestamp\n1,10,4.5,964982703\n");
        IDataView view = model.Transform(loader.Load(File("data.csv")));
        Assert.Equal(5, view.Schema.Count);
        Assert.Equal([4.5f], view.GetColumn<float>("Rating"));
        _ml.Model.Save(model, loader, File("loader-and-copy.zip"));
        SameEntries("loader-and-copy.zip");

        ITransformer same = _ml.Model.Load(Recorded.Zip("loader-and-copy.zip"), out DataViewSchema schema);
        Assert.Equal(Recorded.At("zips", "loader-and-copy.zip", "loads as").GetString(), same.GetType().FullName);
        Assert.Equal(Recorded.Schema(loader.GetOutputSchema()), Recorded.Schema(schema));
        Recorded.ZipMatches("LoadWithDataLoader(loader-and-copy.zip)", () => _ml.Model.LoadWithDataLoader(Recorded.Zip("loader-and-copy.zip"), out _));
        Recorded.ZipMatches("LoadWithDataLoader(copy-columns.zip)", () => _ml.Model.LoadWithDataLoader(Recorded.Zip("copy-columns.zip"), out _));
    }

    private void SameEntries(string name)
    {
        Dictionary<string, byte[]> expected = Entries(Recorded.Zip(name)), found = Entries(File(name));
        Assert.Equal(expected.Keys, found.Keys);
        foreach (string entry in expected.Keys.Where(e => e != "TrainingInfo/Version.txt")) Assert.Equal(Convert.ToHexString(expected[entry]), Convert.ToHexString(found[entry]));
    }

    private static Dictionary<string, byte[]> Entries(string path)
    {
        using ZipArchive zip = ZipFile.OpenRead(path);
        return zip.Entries.ToDictionary(e => e.FullName.Replace('\\', '/'), e =>
        {
            using Stream stream = e.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return memory.ToArray();
        });
    }
}
