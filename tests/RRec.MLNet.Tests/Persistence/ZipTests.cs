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
            Rewrite(At("good.zip"), At("flipped.zip"), name, bytes =>
            {
                bytes[bytes.Length / 2] ^= 2;
                return bytes;
            });
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
    public void What_is_unpacked_lies_in_the_contexts_folder_for_temporary_files_and_goes_again()
    {
        string temporary = Directory.CreateDirectory(At("temporary")).FullName;
        HashSet<string> seen = [];
        using (FileSystemWatcher watch = new(temporary) { IncludeSubdirectories = true, EnableRaisingEvents = true, InternalBufferSize = 1 << 16 })
        {
            watch.Created += (_, e) => { lock (seen) seen.Add(e.Name!); };
            MLContext ml = new(seed: 1) { TempFilePath = temporary };
            _ml.TempFilePath = temporary;
            _ml.Model.Save(TinyModel.Transformer(_ml), Rows.View(_ml, 1, 30).Schema, At("kept.zip"));
            ITransformer loaded = ml.Model.Load(At("kept.zip"), out _);
            Assert.Single(Rows.Texts(loaded.Transform(ml.Data.LoadFromEnumerable(new[] { new BareRow() })), "Reasoning"));
            for (int wait = 0; wait < 100 && !Seen("model.safetensors"); wait++) Thread.Sleep(20);
        }

        Assert.True(Seen("model.safetensors"), string.Join(" ", seen)); // the weights were there ...
        Assert.Empty(Directory.GetFileSystemEntries(temporary));        // ... and nothing is left

        bool Seen(string file)
        {
            lock (seen) return seen.Any(n => n.Contains("rrec-", StringComparison.Ordinal) && n.EndsWith(file, StringComparison.Ordinal));
        }
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_zip_whose_backbone_is_a_reference_finds_it_at_its_place_or_in_RREC_MODELS_and_refuses_another_by_name()
    {
        string first = Directory.CreateDirectory(At("here/tiny")).FullName, second = At("there/tiny");
        foreach (string file in Directory.GetFiles(Goldens.PathOf(TinyModel.Needs))) File.Copy(file, Path.Combine(first, Path.GetFileName(file)));
        IDataView view = Rows.View(_ml, 4, 30);
        R2ecTransformer model = new(_ml, new ModelRecommender(R2ecModel.Open(first, TinyModel.Catalogue, new R2ecSettings { Window = 3, MaxNewTokens = 4 })), new ScoringOptions { K = 5 }) { BackboneStorage = RRec.Persistence.BackboneStorage.Reference };
        _ml.Model.Save(model, view.Schema, At("by-name.zip"));
        Assert.DoesNotContain(Entries(At("by-name.zip")).Keys, n => n.EndsWith("model.safetensors", StringComparison.Ordinal));
        List<string> expected = Rows.Texts(model.Transform(view), "Reasoning");
        Assert.Equal(expected, Rows.Texts(_ml.Model.Load(At("by-name.zip"), out _).Transform(view), "Reasoning"));

        Directory.CreateDirectory(At("there"));
        Directory.Move(first, second);
        Assert.Contains("the model needs the backbone 'tiny'", Messages(Assert.ThrowsAny<Exception>(() => _ml.Model.Load(At("by-name.zip"), out _))));
        string? before = Environment.GetEnvironmentVariable("RREC_MODELS");
        try
        {
            Environment.SetEnvironmentVariable("RREC_MODELS", At("there"));
            Assert.Equal(expected, Rows.Texts(_ml.Model.Load(At("by-name.zip"), out _).Transform(view), "Reasoning"));
            File.AppendAllText(Path.Combine(second, "config.json"), " ");
            string said = Messages(Assert.ThrowsAny<Exception>(() => _ml.Model.Load(At("by-name.zip"), out _)));
            Assert.Contains("config.json has ", said);
            Assert.Contains(second, said);
        }
        finally
        {
            Environment.SetEnvironmentVariable("RREC_MODELS", before);
        }
    }

    // Entries that ML.NET's own checks let through: what is in them is hostile.
    [GoldenFact(TinyModel.Needs)]
    public void Hostile_entries_are_refused_at_once_and_without_allocating_what_they_claim()
    {
        _ml.Model.Save(TinyModel.Transformer(_ml), Rows.View(_ml, 1, 30).Schema, At("good.zip"));
        string Entry(string file) => Entries(At("good.zip")).Keys.Single(n => n.EndsWith("/" + file, StringComparison.Ordinal));
        (string File, Func<string, string> Change, string Says)[] attacks =
        [
            ("scoring.json", s => s.Replace("\"k\": 5", "\"k\": 2000000000"), "scoring.json"),
            ("scoring.json", s => s.Replace("\"batchSize\": 16", "\"batchSize\": -1"), "scoring.json"),
            ("scoring.json", _ => new string('[', 200_000), "scoring.json"),
            ("manifest.json", s => s.Replace("\"version\": 1", "\"version\": 7"), "version 7"),
            ("manifest.json", s => System.Text.RegularExpressions.Regex.Replace(s, "\"bytes\": [0-9]+", "\"bytes\": 9223372036854775807"), "9223372036854775807"),
            ("manifest.json", s => System.Text.RegularExpressions.Regex.Replace(s, "\"bytes\": [0-9]+", "\"bytes\": -1"), "manifest.json"),
            ("manifest.json", s => s.Replace("\"name\": \"tokenizer.json\"", "\"name\": \"../../tokenizer.json\""), "tokenizer.json"),
            ("manifest.json", s => s.Replace("\"name\": \"chat.json\"", "\"name\": \"prompts.json\""), "twice"),
            ("manifest.json", s => s.Replace("Float32", "NoSuchType"), "NoSuchType"),
            ("manifest.json", _ => new string(' ', 2 << 20), "longer than"),
            ("manifest.json", _ => "null", "manifest.json"),
            ("items.safetensors", s => "\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f" + s[8..], "items.safetensors"),
        ];
        foreach ((string file, Func<string, string> change, string says) in attacks)
        {
            Rewrite(At("good.zip"), At("hostile.zip"), Entry(file), bytes => System.Text.Encoding.Latin1.GetBytes(change(System.Text.Encoding.Latin1.GetString(bytes))));
            long allocated = GC.GetTotalAllocatedBytes(), began = Stopwatch.GetTimestamp();
            string said = Messages(Assert.ThrowsAny<Exception>(() => _ml.Model.Load(At("hostile.zip"), out _)));
            Assert.True(said.Contains(says, StringComparison.Ordinal), $"{file}: {said}");
            Assert.InRange(GC.GetTotalAllocatedBytes() - allocated, 0, 100_000_000);
            Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 20);
        }
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

    private static void Rewrite(string from, string to, string name, Func<byte[], byte[]>? change)
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
            if (wanted) content = change!(content);
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
