using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using RRec.Text;

namespace RRec.Tests.Text;

/// <summary>A tokenizer.json that is broken or wants to do harm is refused in words, at once, naming file and place.</summary>
public class HostileTokenizerTests
{
    public static TheoryData<string, string> Broken => new()
    {
        // what is done to a good file, what the message must say
        { "empty", "not valid JSON" }, { "truncated", "not valid JSON" }, { "deep", "not valid JSON" }, { "array", "$: an object is needed" }, { "bytes", "not valid JSON" },
        { "no model", "'model' is missing" }, { "unigram", "$.model.type: the model 'Unigram' is not supported" }, { "no vocab", "$.model: 'vocab' is missing" },
        { "vocab list", "$.model.vocab: an object" }, { "text id", "the id of 'a' is not" }, { "huge id", "the id 2147483647 of 'zz' is out of range" }, { "negative id", "out of range" },
        { "fraction id", "is not a 32-bit whole number" }, { "same id", "is given twice" }, { "no merges", "'merges' is missing" }, { "merge number", "$.model.merges[0]: an array is needed" },
        { "merge of one", "$.model.merges[0]: a merge is" }, { "merge of three", "$.model.merges[0]: a merge is" }, { "merge unknown", "$.model.merges[0]: 'qqq' is not in the vocabulary" },
        { "merge without result", "$.model.merges[0]: the result of merging 'a' and 'z'" }, { "lone surrogate", "not valid Unicode" }, { "dropout", "dropout is not supported" },
        { "prefix", "continuing_subword_prefix is not supported" }, { "unknown token", "the unknown token '<u>' is not in the vocabulary" },
        { "added elsewhere", "$.added_tokens[0]: the added token 'a' has the id 7 here and 97" }, { "added same id", "the id 97 is given twice" }, { "added far", "out of range" },
        { "normalizer", "the normalizer 'Shouting' is not supported" }, { "pre-tokenizer", "the pre-tokenizer 'Telepathy' is not supported" }, { "decoder", "the decoder 'Ouija' is not supported" },
        { "post-processor", "the post-processor 'Stamp' is not supported" }, { "regex", "$.pre_tokenizer.pattern: the pattern" }, { "behaviour", "the split behaviour 'Torn' is not known" },
        { "template id", "no token has the id 99999" }, { "template name", "'<bos>' is missing" },
    };

    [Theory, MemberData(nameof(Broken))]
    public void A_broken_file_is_refused_by_name_and_place_within_a_second(string what, string message)
    {
        byte[] bytes = Break(what);
        var watch = Stopwatch.StartNew();
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.Parse(bytes, "hostile.json"));
        Assert.StartsWith("hostile.json: ", e.Message);
        Assert.Contains(message, e.Message);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"took {watch.Elapsed}");     // a second, on a machine that is not busy
    }

    [Fact]
    public void Merges_that_go_in_circles_still_end()
    {
        // "ab" from two sides, an empty token, a token merged with itself, and the same pair twice.
        JsonObject json = SmallTokenizer.Json(("a", "b"), ("ab", "ab"), ("b", "a"), ("a", "ba"), ("ab", "a"));
        json["model"]!["vocab"]![""] = 400;
        JsonArray merges = json["model"]!["merges"]!.AsArray();
        merges.Add(new JsonArray("", "a"));
        merges.Add(new JsonArray("a", ""));
        merges.Add(new JsonArray("a", "b"));
        HuggingFaceTokenizer tokenizer = SmallTokenizer.Parse(json);
        string text = string.Concat(Enumerable.Repeat("ab", 5000)) + " a b";
        Assert.Equal(text, tokenizer.DecodeIds(tokenizer.Encode(text, false), false));
    }

    [Fact]
    public void Bytes_thrown_at_random_into_a_good_file_give_a_tokenizer_or_a_clear_refusal()
    {
        byte[] good = Encoding.UTF8.GetBytes(SmallTokenizer.Json(("a", "b"), ("ab", "c")).ToJsonString());
        var random = new Random(5);
        for (int i = 0; i < 400; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            for (int n = random.Next(1, 6); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) bytes = bytes[..random.Next(bytes.Length)];
            try
            {
                HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Parse(bytes, "fuzzed.json");
                tokenizer.DecodeIds(tokenizer.Encode("abc <|end|> abc\n\u00e9", true), true);
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith("fuzzed.json: ", e.Message);
            }
        }
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        string folder = Path.Combine(Path.GetTempPath(), "rrec-no-such-folder");
        Assert.Contains(folder, Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load(folder)).Message);
    }

    [GoldenTheory("goldens/tokenizers"), InlineData("smollm2"), InlineData("qwen2.5"), InlineData("sentencepiece-gemma-style"), InlineData("bytelevel-llama3-style")]
    public void Two_megabytes_without_a_blank_are_not_quadratic(string name)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(name);
        var random = new Random(1);
        string letters = string.Create(2 << 20, random, (span, r) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = (char)('a' + r.Next(26));
        });
        foreach (string text in (string[])[letters, new string('a', 1 << 20), new string('\n', 1 << 20), new string(' ', 1 << 20), new string('<', 1 << 20)])
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            Assert.NotEmpty(tokenizer.Encode(text, addSpecialTokens: false));
            // Quadratic would be hours; tests beside this one use the same processor time.
            Assert.True(Environment.CpuUsage.TotalTime - before < TimeSpan.FromSeconds(60));
        }
    }

    private static byte[] Break(string what)
    {
        JsonObject json = SmallTokenizer.Json(("a", "b"));
        JsonNode model = json["model"]!;
        JsonObject vocabulary = model["vocab"]!.AsObject();
        JsonArray merges = model["merges"]!.AsArray();
        JsonObject added = json["added_tokens"]![0]!.AsObject();
        switch (what)
        {
            case "empty": return [];
            case "truncated": return Encoding.UTF8.GetBytes(json.ToJsonString())[..1000];
            case "deep": return Encoding.UTF8.GetBytes(new string('[', 1_000_000));
            case "array": return "[1]"u8.ToArray();
            case "bytes": return [0xFF, 0xFE, 0x00];
            case "lone surrogate": return Encoding.UTF8.GetBytes(json.ToJsonString().Replace("\"<|end|>\"", "\"\\ud800\"", StringComparison.Ordinal).Replace("\"\\u003C|end|\\u003E\"", "\"\\ud800\"", StringComparison.Ordinal));
            case "no model": json.Remove("model"); break;
            case "unigram": model["type"] = "Unigram"; break;
            case "no vocab": model.AsObject().Remove("vocab"); break;
            case "vocab list": model["vocab"] = new JsonArray(1, 2); break;
            case "text id": vocabulary["a"] = "97"; break;
            case "huge id": vocabulary["zz"] = int.MaxValue; break;
            case "negative id": vocabulary["zz"] = -1; break;
            case "fraction id": vocabulary["zz"] = 1e30; break;
            case "same id": vocabulary["zz"] = 97; break;
            case "no merges": model.AsObject().Remove("merges"); break;
            case "merge number": merges[0] = 3; break;
            case "merge of one": merges[0] = "ab"; break;
            case "merge of three": merges[0] = "a b c"; break;
            case "merge unknown": merges[0] = "qqq b"; break;
            case "merge without result": merges[0] = "a z"; break;
            case "dropout": model["dropout"] = 0.1; break;
            case "prefix": model["continuing_subword_prefix"] = "##"; break;
            case "unknown token": model["unk_token"] = "<u>"; break;
            case "added elsewhere": (added["content"], added["id"]) = ("a", 7); break;
            case "added same id": added["id"] = 97; break;
            case "added far": added["id"] = 2_000_000_000; break;
            case "normalizer": json["normalizer"] = Typed("Shouting"); break;
            case "pre-tokenizer": json["pre_tokenizer"] = Typed("Telepathy"); break;
            case "decoder": json["decoder"] = Typed("Ouija"); break;
            case "post-processor": json["post_processor"] = Typed("Stamp"); break;
            case "regex": json["pre_tokenizer"] = Split("(", "Isolated"); break;
            case "behaviour": json["pre_tokenizer"] = Split("x", "Torn"); break;
            case "template id": json["post_processor"] = Template(new JsonObject { ["<bos>"] = new JsonObject { ["ids"] = new JsonArray(99999) } }); break;
            case "template name": json["post_processor"] = Template([]); break;
            default: throw new ArgumentException(what);
        }
        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    private static JsonObject Typed(string type) => new() { ["type"] = type };

    private static JsonObject Split(string regex, string behaviour) =>
        new() { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = regex }, ["behavior"] = behaviour, ["invert"] = false };

    private static JsonObject Template(JsonObject tokens) => new()
    {
        ["type"] = "TemplateProcessing",
        ["single"] = new JsonArray(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = "<bos>" } }, new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A" } }),
        ["special_tokens"] = tokens,
    };
}
