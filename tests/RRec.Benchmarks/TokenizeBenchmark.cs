using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using RRec.Text;

namespace RRec.Benchmarks;

/// <summary>
/// How fast text becomes ids on one core: titles one by one, a description-like text, prompts with data parts, and 2 MB without a blank,
/// which must stay near linear. One JSON line a measurement.
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
            foreach (string line in Run(result.GetRequiredValue(tokenizer), result.GetValue(seconds))) BenchLog.Write(line);
        });
        return command;
    }

    /// <summary>Measures one tokenizer; each element is a JSON object on a line.</summary>
    public static IEnumerable<string> Run(string path, double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
        yield return JsonSerializer.Serialize(new { bench = "tokenize", what = "load", path, seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, tokens = tokenizer.VocabularySize });

        string[] titles = Titles();
        yield return Measure("titles", titles, text => tokenizer.Encode(text, addSpecialTokens: false).Length, seconds, path);
        string[] descriptions = titles.Chunk(40).Select(chunk => string.Join(". ", chunk)).ToArray();
        yield return Measure("descriptions", descriptions, text => tokenizer.Encode(text, addSpecialTokens: false).Length, seconds, path);
        yield return Measure("prompts", descriptions, text => tokenizer.EncodePrompt(new PromptText().Control("<|im_start|>user\n").Data(text).Control("<|im_end|>\n")).Length, seconds, path);
        yield return Measure("prompts with offsets", descriptions, text => tokenizer.EncodePromptWithOffsets(PromptText.FromData(text)).Ids.Length, seconds, path);
        yield return Measure("2 MB of letters without a blank", [Letters(2 << 20)], text => tokenizer.Encode(text, addSpecialTokens: false).Length, seconds, path);
        int[] ids = tokenizer.Encode(string.Join(' ', descriptions), addSpecialTokens: false);
        yield return Measure("decode", [string.Join(' ', descriptions)], _ => tokenizer.DecodeIds(ids, skipSpecialTokens: true).Length > 0 ? ids.Length : 0, seconds, path);
    }

    private static string Measure(string what, string[] texts, Func<string, int> encode, double seconds, string path)
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
        return JsonSerializer.Serialize(new { bench = "tokenize", what, path, megabytesPerCoreSecond = bytes / elapsed / 1e6, tokensPerCoreSecond = tokens / elapsed, bytesPerToken = (double)bytes / tokens });
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
