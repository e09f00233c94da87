using System.CommandLine;
using System.Diagnostics;
using System.Text;
using RRec.Text;

namespace RRec.Benchmarks;

/// <summary>
/// How fast text becomes ids on one core: titles one by one, a description-like text, prompts with data parts, and 2 MB without a blank,
/// which must stay near linear.
/// </summary>
internal static class TokenizeBenchmark
{
    public static Command Command()
    {
        Argument<string> tokenizer = new("tokenizer") { Description = "A Hugging Face folder or a tokenizer.json.", DefaultValueFactory = _ => DefaultTokenizer() };
        Option<double> seconds = new("--seconds") { Description = "Time for each measurement.", DefaultValueFactory = _ => 1.0 };
        Command command = new("tokenize", "Tokens and megabytes a second of a tokenizer.json on one core.") { tokenizer, seconds };
        command.SetAction(result =>
        {
            foreach (BenchLine line in Run(result.GetRequiredValue(tokenizer), result.GetValue(seconds))) line.Write();
        });
        return command;
    }

    private static IEnumerable<BenchLine> Run(string path, double seconds)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        long start = Stopwatch.GetTimestamp();
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
        yield return new BenchLine("tokenize-load", $"{name}, {tokenizer.VocabularySize} tokens", Stopwatch.GetElapsedTime(start).TotalSeconds, "s");

        string[] titles = Titles();
        yield return Measure("titles", titles, text => tokenizer.Encode(text, addSpecialTokens: false).Length, seconds, name);
        string[] descriptions = titles.Chunk(40).Select(chunk => string.Join(". ", chunk)).ToArray();
        yield return Measure("descriptions", descriptions, text => tokenizer.Encode(text, addSpecialTokens: false).Length, seconds, name);
        yield return Measure("prompts", descriptions, text => tokenizer.EncodePrompt(new PromptText().Control("<|im_start|>user\n").Data(text).Control("<|im_end|>\n")).Length, seconds, name);
        yield return Measure("prompts with offsets", descriptions, text => tokenizer.EncodePromptWithOffsets(PromptText.FromData(text)).Ids.Length, seconds, name);
        yield return Measure("2 MB of letters without a blank", [Letters(2 << 20)], text => tokenizer.Encode(text, addSpecialTokens: false).Length, seconds, name);
        int[] ids = tokenizer.Encode(string.Join(' ', descriptions), addSpecialTokens: false);
        yield return Measure("decode", [string.Join(' ', descriptions)], _ => tokenizer.DecodeIds(ids, skipSpecialTokens: true).Length > 0 ? ids.Length : 0, seconds, name);
    }

    private static BenchLine Measure(string what, string[] texts, Func<string, int> encode, double seconds, string name)
    {
        foreach (string text in texts.Take(2000)) encode(text);
        long bytes = 0, tokens = 0;
        // Processor time, so that neighbours on a busy machine do not count; it includes collections and compilation.
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        do
        {
            foreach (string text in texts)
            {
                tokens += encode(text);
                bytes += Encoding.UTF8.GetByteCount(text);
            }
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
        double elapsed = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        return new BenchLine("tokenize", $"{name}, {what}, {(double)bytes / tokens:F1} bytes a token", bytes / elapsed / 1e6, "MB/s");
    }

    private static string[] Titles()
    {
        string file = Path.Combine(BenchLog.RepositoryRoot, "samples/data/ml-latest-small/movies.csv");
        return File.ReadLines(file).Skip(1).Select(line => line[(line.IndexOf(',') + 1)..].Trim('"')).ToArray();
    }

    private static string Letters(int count)
    {
        var random = new Random(1);
        return string.Create(count, random, (span, r) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = (char)('a' + r.Next(26));
        });
    }

    private static string DefaultTokenizer() => Path.GetFullPath(Path.Combine(BenchLog.RepositoryRoot, "../shared/models/SmolLM2-135M-Instruct"));
}
