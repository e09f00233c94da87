using RRec.Backbones;
using RRec.Data;
using RRec.Persistence;
using RRec.Tests.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.Persistence;

public sealed class ModelArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [GoldenFact(TinyWorld.Needs)]
    public void A_loaded_model_answers_the_same_and_saves_the_same_bytes()
    {
        using R2ecModel model = TinyWorld.Model();
        MemoryEntries saved = Saved(model), again = new();
        using (R2ecModel loaded = ModelArchive.Load(saved))
        {
            AssertSameAnswers(model, loaded);
            ModelArchive.Save(loaded, again);
        }

        Assert.Equal(saved.Entries.Keys.Order(), again.Entries.Keys.Order());
        Assert.All(saved.Entries, e => Assert.Equal(e.Value, again.Entries[e.Key]));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void An_adapter_travels_with_the_model()
    {
        using R2ecModel model = TinyWorld.Model();
        model.Backbone.AttachLora(new LoraOptions { Rank = 2, Alpha = 8 }, seed: 3);
        using (no_grad())
            foreach ((string name, Tensor parameter) in model.Backbone.TrainableParameters())
                if (name.Contains("lora_B", StringComparison.Ordinal)) parameter.fill_(0.05);
        model.EncodeItems();
        MemoryEntries saved = Saved(model);
        using R2ecModel loaded = ModelArchive.Load(saved);
        Assert.Equal(2, loaded.Backbone.Adapter!.Options.Rank);
        AssertSameAnswers(model, loaded);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Weights_of_more_than_500_MB_are_stored_by_reference_unless_embedding_is_asked_for()
    {
        string folder = Path.Combine(_folder, "large");
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(Goldens.PathOf(TinyWorld.Needs))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        using R2ecModel model = R2ecModel.Open(folder, TinyWorld.Catalogue, new R2ecSettings { Window = 3, MaxNewTokens = 4 });
        bool ByReference(BackboneStorage storage)
        {
            MemoryEntries saved = new();
            ModelArchive.Save(model, saved, storage);
            return !saved.Entries.ContainsKey("model.safetensors");
        }
        Assert.False(ByReference(BackboneStorage.Auto));

        // A hole takes no room on the disk, but counts as bytes of the folder.
        using (FileStream shard = File.Create(Path.Combine(folder, "model-2.safetensors"))) shard.SetLength(ModelArchive.LargestEmbedded);
        Assert.True(ByReference(BackboneStorage.Auto));
        Assert.False(ByReference(BackboneStorage.Embed));
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_backbone_by_reference_is_found_at_its_place_or_by_RREC_MODELS_and_another_one_is_refused_by_name()
    {
        string first = Path.Combine(_folder, "here", "tiny"), other = Path.Combine(_folder, "there", "tiny");
        Directory.CreateDirectory(first);
        foreach (string file in Directory.GetFiles(Goldens.PathOf(TinyWorld.Needs))) File.Copy(file, Path.Combine(first, Path.GetFileName(file)));
        using R2ecModel model = R2ecModel.Open(first, TinyWorld.Catalogue, new R2ecSettings { Window = 3, MaxNewTokens = 4 });
        MemoryEntries saved = new();
        ModelArchive.Save(model, saved, BackboneStorage.Reference);
        Assert.DoesNotContain("model.safetensors", saved.Entries.Keys);
        using (R2ecModel loaded = ModelArchive.Load(saved)) AssertSameAnswers(model, loaded);

        Directory.CreateDirectory(Path.GetDirectoryName(other)!);
        Directory.Move(first, other);
        string message = Assert.Throws<FileNotFoundException>(() => ModelArchive.Load(saved)).Message;
        Assert.Contains("'tiny'", message);
        Assert.Contains(first, message);
        Assert.Contains("RREC_MODELS", message);

        string? before = Environment.GetEnvironmentVariable("RREC_MODELS");
        try
        {
            Environment.SetEnvironmentVariable("RREC_MODELS", Path.Combine(_folder, "nowhere") + Path.PathSeparator + Path.Combine(_folder, "there"));
            using (R2ecModel loaded = ModelArchive.Load(saved)) AssertSameAnswers(model, loaded);
            byte[] bytes = File.ReadAllBytes(Path.Combine(other, "model.safetensors"));
            bytes[^1] ^= 1;
            File.WriteAllBytes(Path.Combine(other, "model.safetensors"), bytes);
            message = Assert.Throws<InvalidDataException>(() => ModelArchive.Load(saved)).Message;
            Assert.Contains("model.safetensors has another SHA-256", message);
            Assert.Contains(other, message);
        }
        finally
        {
            Environment.SetEnvironmentVariable("RREC_MODELS", before);
        }
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Changed_weights_cannot_be_stored_by_reference()
    {
        using R2ecModel model = TinyWorld.Model();
        model.Backbone.UseFullFineTuning();
        Assert.Contains("changed its weights", Assert.Throws<InvalidOperationException>(() => ModelArchive.Save(model, new MemoryEntries(), BackboneStorage.Reference)).Message);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_missing_cut_short_lengthened_or_flipped_entry_is_named()
    {
        using R2ecModel model = TinyWorld.Model();
        MemoryEntries saved = Saved(model);
        foreach ((string name, byte[] bytes) in saved.Entries)
        {
            List<(string What, byte[]? Bytes)> damages = [("missing", null), ("cut", bytes[..(bytes.Length / 2)]), ("flipped", Flipped(bytes, bytes.Length / 3))];
            if (name != "manifest.json") damages.Add(("longer", [.. bytes, 32]));
            foreach ((string what, byte[]? damaged) in damages)
            {
                MemoryEntries broken = saved.With(name, damaged);
                InvalidDataException e = Assert.Throws<InvalidDataException>(() => ModelArchive.Load(broken).Dispose());
                // A flipped manifest may name another entry's length or hash: then that entry is named.
                if (name != "manifest.json") Assert.True(e.Message.Contains(name, StringComparison.Ordinal), $"{name} {what}: {e.Message}");
                Assert.Contains("memory", e.Message);
            }
        }

        static byte[] Flipped(byte[] bytes, int at)
        {
            byte[] copy = [.. bytes];
            copy[at] ^= 4;
            return copy;
        }
    }

    [GoldenFact(TinyWorld.Needs)]
    public void A_newer_version_says_so()
    {
        using R2ecModel model = TinyWorld.Model();
        MemoryEntries saved = Saved(model);
        string manifest = System.Text.Encoding.UTF8.GetString(saved.Entries["manifest.json"]);
        MemoryEntries newer = saved.With("manifest.json", System.Text.Encoding.UTF8.GetBytes(manifest.Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal)));
        Assert.Contains("version 2", Assert.Throws<InvalidDataException>(() => ModelArchive.Load(newer)).Message);
    }

    private static MemoryEntries Saved(R2ecModel model)
    {
        MemoryEntries entries = new();
        ModelArchive.Save(model, entries);
        return entries;
    }

    private static void AssertSameAnswers(R2ecModel model, R2ecModel loaded)
    {
        UserHistory[] rows = [.. TinyWorld.Rows(9).Select(r => r.History), new UserHistory(ReadOnlyMemory<int>.Empty)];
        IReadOnlyList<Recommendation> expected = model.Recommend(rows), found = loaded.Recommend(rows);
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.Equal(expected[i].Reasoning, found[i].Reasoning);
            Assert.Equal(expected[i].Items, found[i].Items);
            Assert.Equal(expected[i].Scores, found[i].Scores);
        }
    }

    /// <summary>Entries in memory, through streams that cannot seek.</summary>
    private sealed class MemoryEntries : IModelEntryWriter, IModelEntryReader
    {
        public Dictionary<string, byte[]> Entries { get; } = [];

        public string Source => "memory";

        public void Write(string name, Action<Stream> write)
        {
            using MemoryStream stream = new();
            write(stream);
            Entries[name] = stream.ToArray();
        }

        public bool TryRead(string name, Action<Stream> read)
        {
            if (!Entries.TryGetValue(name, out byte[]? bytes)) return false;
            using BufferedStream stream = new(new OneWay(bytes));
            read(stream);
            return true;
        }

        public MemoryEntries With(string name, byte[]? bytes)
        {
            MemoryEntries copy = new();
            foreach ((string n, byte[] b) in Entries)
                if (n != name) copy.Entries[n] = b;
            if (bytes is not null) copy.Entries[name] = bytes;
            return copy;
        }
    }

    private sealed class OneWay(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanSeek => false;
    }
}
