using System.IO.Compression;
using System.Reflection;
using Microsoft.ML;

namespace Compat.Tests.Core;

/// <summary>Damaged models: each is refused with an exception that a program expects of bad input, quickly, or loads all the same.</summary>
public sealed class HostileModelTests : IDisposable
{
    private static readonly Type[] Expected =
    [
        typeof(FormatException), typeof(InvalidOperationException), typeof(IOException), typeof(InvalidDataException), typeof(ArgumentException),
        typeof(BadImageFormatException), typeof(TargetInvocationException), typeof(NotSupportedException),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("compat").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [StandInGoldenTheory(MlNetGolden.File, "the published loader runs for hours on some of these")]
    [InlineData("copy-columns.zip", "TransformerChain/Model.key")]
    [InlineData("copy-columns.zip", "Schema")]
    [InlineData("chain.zip", "TransformerChain/Model.key")]
    public void A_flipped_bit_in_an_entry_is_refused_or_harmless(string zip, string entry)
    {
        byte[] content = Read(zip)[entry];
        for (int at = 0; at < content.Length; at += 3)
        {
            byte[] damaged = [.. content];
            damaged[at] ^= (byte)(1 << (at % 8));
            AssertRefusedOrHarmless(Write(zip, entry, damaged), $"bit {at % 8} of byte {at} of {entry} flipped");
        }
    }

    [GoldenTheory(MlNetGolden.File)]
    [InlineData("copy-columns.zip", "TransformerChain/Model.key")]
    [InlineData("copy-columns.zip", "Schema")]
    public void An_entry_that_ends_early_is_refused(string zip, string entry)
    {
        byte[] content = Read(zip)[entry];
        for (int length = 0; length < content.Length; length += 11)
            Assert.NotNull(Refusal(Write(zip, entry, content[..length])));
    }

    [GoldenFact(MlNetGolden.File)]
    public void A_zip_that_ends_early_is_refused()
    {
        byte[] content = File.ReadAllBytes(Goldens.PathOf("goldens/mlnet/copy-columns.zip"));
        for (int length = 0; length < content.Length; length += 37)
        {
            string path = Path.Combine(folder, "cut.zip");
            File.WriteAllBytes(path, content[..length]);
            Assert.IsType<FormatException>(Refusal(path));
        }
    }

    [GoldenFact(MlNetGolden.File)]
    public void Sizes_that_no_file_could_have_are_refused_without_being_allocated()
    {
        byte[] content = Read("copy-columns.zip")["TransformerChain/Model.key"];
        foreach (int field in (int[])[0x18, 0x28, 0x38, 0x98]) // bytes of the model, of the string table, of the characters, of the assembly's name
        {
            byte[] damaged = [.. content];
            BitConverter.TryWriteBytes(damaged.AsSpan(field), 0x7FFFFFF0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.IsType<FormatException>(Refusal(Write("copy-columns.zip", "TransformerChain/Model.key", damaged)));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        }
    }

    private void AssertRefusedOrHarmless(string path, string what)
    {
        Exception? refusal = Refusal(path);
        Assert.True(refusal is null || Expected.Any(type => type.IsInstanceOfType(refusal)), $"{what}: {refusal}");
    }

    private static Exception? Refusal(string path) => Record.Exception(() => new MLContext(1).Model.Load(path, out _));

    private static Dictionary<string, byte[]> Read(string zip)
    {
        using ZipArchive archive = ZipFile.OpenRead(Goldens.PathOf($"goldens/mlnet/{zip}"));
        return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            using var content = new MemoryStream();
            using Stream source = entry.Open();
            source.CopyTo(content);
            return content.ToArray();
        });
    }

    /// <summary>The zip with one entry exchanged.</summary>
    private string Write(string zip, string exchanged, byte[] content)
    {
        string path = Path.Combine(folder, "damaged.zip");
        using ZipArchive archive = new(File.Create(path), ZipArchiveMode.Create);
        foreach ((string name, byte[] original) in Read(zip))
        {
            using Stream target = archive.CreateEntry(name).Open();
            target.Write(name == exchanged ? content : original);
        }
        return path;
    }
}
