using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;
using RRec.Text;
using RRec.Text.Tokenization;

namespace RRec.Tests.Text;

/// <summary>The fast paths beside the plain ones, and the members that ML.NET's base class promises.</summary>
public class TokenizerPartsTests
{
    [Theory, InlineData(PatternScanner.Gpt2), InlineData(PatternScanner.Qwen2), InlineData(PatternScanner.Llama3)]
    public void The_scanner_finds_the_pieces_of_the_regular_expression_it_stands_for(string pattern)
    {
        var place = new JsonPlace(JsonDocument.Parse("{}").RootElement, "test", "$");
        var plain = new RegexSplitter(place, pattern, SplitBehavior.Isolated, invert: false);
        PatternScanner scanner = PatternScanner.For(pattern)!;
        HostileText.ForAll(1000, raw =>
        {
            string text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(raw));
            if (text.Contains('\u017F') || text.Contains('\u212A')) return;     // .NET folds these otherwise
            var expected = new List<(int, int)>();
            var actual = new List<(int, int)>();
            plain.Split(text, 3, expected);
            scanner.Split(text, 3, actual);
            Assert.Equal(expected, actual);
        });
    }

    [Fact]
    public void Queue_and_plain_merging_agree()
    {
        var random = new Random(3);
        for (int round = 0; round < 300; round++)
        {
            var merges = new PairTable(40);
            int next = 4;
            for (int rank = 0; rank < 40; rank++) merges.Set(random.Next(next), random.Next(next), rank, random.Next(3) == 0 ? random.Next(next) : next++);
            int[] ids = Enumerable.Range(0, random.Next(0, 120)).Select(_ => random.Next(4)).ToArray(), lengths = ids.Select(_ => 1).ToArray();
            int[] otherIds = [.. ids], otherLengths = [.. lengths];
            int count = BpeMerger.MergePlain(merges, ids, lengths), otherCount = BpeMerger.MergeQueued(merges, otherIds, otherLengths);
            Assert.Equal(ids[..count], otherIds[..otherCount]);
            Assert.Equal(lengths[..count], otherLengths[..otherCount]);
            Assert.Equal(ids.Length, lengths[..count].Sum());
        }
    }

    [Fact]
    public void Letters_beyond_the_basic_plane_are_letters_to_unknown_patterns_too()
    {
        JsonObject json = SmallTokenizer.Json();
        json["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = @"\p{L}+" }, ["behavior"] = "Isolated", ["invert"] = false },
                new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
        };
        // Two mathematical letters, an emoji, a letter: the letters stand together, the emoji alone.
        string text = "\U0001D518\U0001D52B\U0001F600a";
        Assert.Equal([(0, 4), (4, 2), (6, 1)], SmallTokenizer.Parse(json).PreTokenizer!.PreTokenize(text));
    }

    [Fact]
    public void Words_are_remembered_without_a_difference()
    {
        HuggingFaceTokenizer tokenizer = SmallTokenizer.Create(("a", "b"), ("ab", "c"), ("\u0120", "abc"));
        int[] first = tokenizer.Encode("abc abc xabc", false);
        Assert.Equal(["abc", "\u0120abc", "\u0120", "x", "abc"], first.Select(id => tokenizer.IdToToken(id)));
        Parallel.For(0, 200, i => Assert.Equal(first, tokenizer.Encode("abc abc xabc", false)));
    }

    [Fact]
    public void The_base_class_members_agree_with_each_other()
    {
        HuggingFaceTokenizer tokenizer = SmallTokenizer.Create(("a", "b"), ("ab", "c"));
        Tokenizer asBase = tokenizer;
        const string Text = "abc \u00e9 abcab<|end|>";
        IReadOnlyList<int> ids = asBase.EncodeToIds(Text);
        Assert.Equal(ids, asBase.EncodeToIds(Text.AsSpan()));
        Assert.Equal(ids.Count, asBase.CountTokens(Text));
        IReadOnlyList<EncodedToken> tokens = asBase.EncodeToTokens(Text, out string? normalized);
        Assert.Null(normalized);
        Assert.Equal(ids, tokens.Select(t => t.Id));
        Assert.Equal("abc", Text[tokens[0].Offset]);
        Assert.Equal(Text, asBase.Decode(ids));
        // Two tokens make the letter at place 4: a limit between them must not cut it.
        Assert.Equal(2, asBase.EncodeToIds(Text, 3, out _, out int consumed).Count);
        Assert.Equal(4, consumed);
        Assert.Equal(3, asBase.GetIndexByTokenCount(Text, 1, out _, out int count));
        Assert.Equal(1, count);
        Assert.Equal(Text.Length - "<|end|>".Length, asBase.GetIndexByTokenCountFromEnd(Text, 1, out _, out _));
        Assert.Empty(asBase.EncodeToIds((string)null!)); // as the published base class: no text is an empty one

        char[] destination = new char[5];
        Assert.Equal(OperationStatus.DestinationTooSmall, asBase.Decode(ids, destination, out int idsConsumed, out int written));
        Assert.Equal("abc \u00e9", new string(destination, 0, written));
        Assert.Equal(4, idsConsumed);
    }

    [Fact]
    public void Ids_that_no_token_has_decode_to_nothing()
    {
        HuggingFaceTokenizer tokenizer = SmallTokenizer.Create();
        Assert.Equal("ab", tokenizer.DecodeIds([97 - '!' + 33, 99999, -1, 98 - '!' + 33], false));
        Assert.Equal("", tokenizer.CreateDecoder().Append(99999));
    }

    [Fact]
    public void The_bytes_it_was_read_from_read_again()
    {
        HuggingFaceTokenizer tokenizer = SmallTokenizer.Create(("a", "b"));
        HuggingFaceTokenizer again = HuggingFaceTokenizer.Parse(tokenizer.SourceJson.Span, "again");
        Assert.Equal(tokenizer.Encode("abba", false), again.Encode("abba", false));
    }
}
