using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.ML;
using RRec.TestSupport;

namespace RRec.MLNet.Tests;

public sealed class ZipTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec-zip-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    [GoldenFact(TinyModel.Needs)]
    public void A_fresh_process_loads_the_zip_without_registration_and_answers_the_same()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        HistoryRow[] rows = [.. Enumerable.Range(0, 25).Select(n => Rows.Make(n, 30))];
        Answer[] expected = [.. _ml.Data.CreateEnumerable<Answer>(model.Transform(_ml.Data.LoadFromEnumerable(
            rows.Select(r => new Asked { HistoryItems = r.HistoryItems, HistoryRatings = r.HistoryRatings }))), false)];
        _ml.Model.Save(model, Rows.View(_ml, 1, 30).Schema, At("model.zip"));
        File.WriteAllText(At("rows.json"), JsonSerializer.Serialize(rows));

        string said = Run(At("model.zip"), At("rows.json"), At("answers.json"));
        Assert.Contains("R2ecTransformer", said);
        Answer[] found = JsonSerializer.Deserialize<Answer[]>(File.ReadAllText(At("answers.json")))!;
        Assert.Equal(expected.Length, found.Length);
        for (int n = 0; n < found.Length; n++)
        {
            Assert.Equal(expected[n].Reasoning, found[n].Reasoning);
            Assert.Equal(expected[n].PredictedItems, found[n].PredictedItems);
            for (int i = 0; i < found[n].Score.Length; i++) Assert.Equal(expected[n].Score[i], found[n].Score[i], 1e-5f);
        }
    }

    [GoldenFact(TinyModel.Needs)]
    public void Saving_what_was_loaded_gives_the_same_entries()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        _ml.Model.Save(model, Rows.View(_ml, 1, 30).Schema, At("first.zip"));
        ITransformer loaded = _ml.Model.Load(At("first.zip"), out DataViewSchema schema);
        _ml.Model.Save(loaded, schema, At("second.zip"));
        Assert.Equal(Entries(At("first.zip")), Entries(At("second.zip")));
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_chain_with_other_transforms_comes_back_whole_and_works_in_an_engine()
    {
        IDataView view = Rows.View(_ml, 10, 30);
        R2ecTransformer model = TinyModel.Transformer(_ml);
        ITransformer chain = _ml.Transforms.CopyColumns("Copy", "Number").Fit(view).Append(model);
        _ml.Model.Save(chain, view.Schema, At("chain.zip"));
        ITransformer loaded = _ml.Model.Load(At("chain.zip"), out _);
        Assert.Equal(Rows.Texts(chain.Transform(view), "Reasoning"), Rows.Texts(loaded.Transform(view), "Reasoning"));
        using PredictionEngine<HistoryRow, Answer> engine = _ml.Model.CreatePredictionEngine<HistoryRow, Answer>(loaded);
        Assert.Equal(5, engine.Predict(Rows.Make(4, 30)).PredictedItems.Length);
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_damaged_zip_is_refused_by_naming_what_is_wrong()
    {
        _ml.Model.Save(TinyModel.Transformer(_ml), Rows.View(_ml, 1, 30).Schema, At("good.zip"));
        byte[] good = File.ReadAllBytes(At("good.zip"));

        // Cut anywhere: a zip's directory is at its end.
        foreach (int length in new[] { 0, 100, good.Length / 2, good.Length - 10 })
        {
            File.WriteAllBytes(At("cut.zip"), good[..length]);
            Assert.ThrowsAny<Exception>(() => _ml.Model.Load(At("cut.zip"), out _));
        }

        // Each entry left out, and each entry of ours with a flipped bit inside.
        foreach (string name in Entries(At("good.zip")).Keys.Where(n => n.Contains("Transform_", StringComparison.Ordinal) || n.Contains("items.safetensors", StringComparison.Ordinal)))
        {
            string entry = name[(name.LastIndexOf('/') + 1)..];
            Rewrite(At("good.zip"), At("without.zip"), name, null);
            Exception missing = Assert.ThrowsAny<Exception>(() => _ml.Model.Load(At("without.zip"), out _));
            if (entry == "Model.key") continue;
            Assert.Contains(entry, Messages(missing));
            Rewrite(At("good.zip"), At("flipped.zip"), name, bytes => bytes[bytes.Length / 2] ^= 2);
            Exception flipped = Assert.ThrowsAny<Exception>(() => _ml.Model.Load(At("flipped.zip"), out _));
            Assert.Contains("R2ec model", Messages(flipped));
        }
    }

    [GoldenFact(TinyModel.Needs)]
    public void Bits_flipped_anywhere_in_the_file_give_an_error_or_the_same_model()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        IDataView view = Rows.View(_ml, 3, 30);
        _ml.Model.Save(model, view.Schema, At("good.zip"));
        byte[] good = File.ReadAllBytes(At("good.zip"));
        List<string> expected = Rows.Texts(model.Transform(view), "Reasoning");
        Random random = new(11);
        int refused = 0;
        for (int n = 0; n < 60; n++)
        {
            byte[] bytes = [.. good];
            // Every other flip in the first bytes or in the directory at the end, where a zip's structure is.
            int at = n % 4 == 0 ? random.Next(300) : n % 4 == 2 ? bytes.Length - 1 - random.Next(1500) : random.Next(bytes.Length);
            bytes[at] ^= (byte)(1 << random.Next(8));
            try
            {
                using MemoryStream stream = new(bytes);
                ITransformer loaded = _ml.Model.Load(stream, out _);
                Assert.Equal(expected, Rows.Texts(loaded.Transform(view), "Reasoning"));   // a time stamp or a name that nobody reads
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.IsNotType<OutOfMemoryException>(e);
                refused++;
            }
        }

        Assert.True(refused > 20, $"only {refused} of 60 damaged files were refused");
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_failed_save_leaves_the_old_file_or_none()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        model.Model.Backbone.UseFullFineTuning();
        model.BackboneStorage = RRec.Persistence.BackboneStorage.Reference;
        using MemoryStream stream = new();
        Assert.Contains("changed its weights", Messages(Assert.ThrowsAny<Exception>(() => _ml.Model.Save(model, null, stream))));
        Assert.ThrowsAny<Exception>(() => { stream.Position = 0; _ml.Model.Load(stream, out _); });
    }

    private static string Messages(Exception? e) => e is null ? "" : e.Message + " " + Messages(e.InnerException);

    // Contents by name; the times in a zip's directory are not part of it.
    private static Dictionary<string, string> Entries(string zip)
    {
        using ZipArchive archive = ZipFile.OpenRead(zip);
        return archive.Entries.ToDictionary(e => e.FullName.Replace('\\', '/'), e =>
        {
            using Stream stream = e.Open();
            return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(stream));
        });
    }

    private static void Rewrite(string from, string to, string name, Action<byte[]>? change)
    {
        using ZipArchive source = ZipFile.OpenRead(from);
        File.Delete(to);
        using ZipArchive target = ZipFile.Open(to, ZipArchiveMode.Create);
        foreach (ZipArchiveEntry entry in source.Entries)
        {
            bool wanted = entry.FullName.Replace('\\', '/') == name;
            if (wanted && change is null) continue;
            using Stream read = entry.Open();
            using MemoryStream bytes = new();
            read.CopyTo(bytes);
            byte[] content = bytes.ToArray();
            if (wanted) change!(content);
            using Stream write = target.CreateEntry(entry.FullName).Open();
            write.Write(content);
        }
    }

    private static string Run(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "RRec.MLNet.Loader.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return output;
    }

    private sealed class Asked
    {
        public string[] HistoryItems { get; set; } = [];
        public float[] HistoryRatings { get; set; } = [];
    }
}
