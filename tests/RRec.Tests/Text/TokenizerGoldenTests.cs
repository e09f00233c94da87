using System.Text;
using System.Text.Json;
using Microsoft.ML.Tokenizers;
using RRec.Text;

namespace RRec.Tests.Text;

/// <summary>Every recorded text through every recorded tokenizer: ids, texts, tokens and places of the Hugging Face library.</summary>
public class TokenizerGoldenTests
{
    public static TheoryData<string> Tokenizers => [.. TokenizerFixtures.Names];

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Tokenizers))]
    public void Ids_and_texts_are_the_recorded_ones(string name)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(name);
        JsonElement golden = TokenizerFixtures.Golden(name);
        Assert.Equal(golden.GetProperty("vocab_size_with_added").GetInt32(), tokenizer.VocabularySize);
        var wrong = new List<string>();
        int seen = 0;
        foreach (JsonElement c in golden.GetProperty("cases").EnumerateArray())
        {
            string text = c.GetProperty("text").GetString()!;
            int[] ids = c.GetProperty("ids").Ints(), withSpecial = c.GetProperty("ids_with_special").Ints();
            Compare("ids", string.Join(' ', ids), string.Join(' ', tokenizer.Encode(text, addSpecialTokens: false)));
            Compare("base ids", string.Join(' ', ids), string.Join(' ', tokenizer.EncodeToIds(text)));
            Compare("control ids", string.Join(' ', ids), string.Join(' ', tokenizer.EncodePrompt(PromptText.FromControl(text))));
            Compare("ids_with_special", string.Join(' ', withSpecial), string.Join(' ', tokenizer.Encode(text, addSpecialTokens: true)));
            Compare("decoded", c.GetProperty("decoded").GetString()!, tokenizer.DecodeIds(withSpecial, skipSpecialTokens: false));
            Compare("decoded_skip_special", c.GetProperty("decoded_skip_special").GetString()!, tokenizer.DecodeIds(withSpecial, skipSpecialTokens: true));
            Compare("decoded_without_added_special", c.GetProperty("decoded_without_added_special").GetString()!, tokenizer.DecodeIds(ids, skipSpecialTokens: false));
            seen++;

            void Compare(string what, string expected, string actual)
            {
                if (expected != actual) wrong.Add($"{what} of {JsonSerializer.Serialize(text)}: expected {expected}, got {actual}");
            }
        }
        Assert.True(seen > 100);
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n" + string.Join('\n', wrong.Take(20)));
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Tokenizers))]
    public void Tokens_and_their_places_are_the_recorded_ones(string name)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(name);
        int seen = 0;
        foreach (JsonElement c in TokenizerFixtures.Golden(name).GetProperty("cases").EnumerateArray())
        {
            if (!c.TryGetProperty("offsets", out JsonElement offsets)) continue;
            string text = c.GetProperty("text").GetString()!;
            IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeToTokens(text, out _);
            string expected = string.Join(' ', c.GetProperty("tokens").EnumerateArray().Zip(offsets.EnumerateArray(), (t, o) => $"{t.GetString()}[{o[0]},{o[1]})"));
            string actual = string.Join(' ', tokens.Select(t => $"{t.Value}[{CodePoints(text, t.Offset.Start.Value)},{CodePoints(text, t.Offset.End.Value)})"));
            Assert.Equal(expected, actual);
            seen++;
        }
        Assert.True(seen > 10);

        static int CodePoints(string text, int units) => text[..units].EnumerateRunes().Count();
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Tokenizers))]
    public void Prefixes_of_ids_decode_as_recorded(string name)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(name);
        foreach (JsonElement c in TokenizerFixtures.Golden(name).GetProperty("partial_decoding").EnumerateArray())
        {
            int[] ids = c.GetProperty("ids").Ints();
            for (int i = 0; i < ids.Length; i++)
            {
                Assert.Equal(c.GetProperty("decoded_prefixes")[i].GetString(), tokenizer.DecodeIds(ids.AsSpan(0, i + 1), skipSpecialTokens: false));
                Assert.Equal(c.GetProperty("decoded_single_ids")[i].GetString(), tokenizer.DecodeIds([ids[i]], skipSpecialTokens: false));
            }
        }
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Tokenizers))]
    public void Ids_one_by_one_give_the_same_text_and_never_half_a_character(string name)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(name);
        foreach (JsonElement c in TokenizerFixtures.Golden(name).GetProperty("cases").EnumerateArray())
        {
            string whole = c.GetProperty("decoded").GetString()!;
            IncrementalDecoder decoder = tokenizer.CreateDecoder(skipSpecialTokens: false);
            var text = new StringBuilder();
            foreach (int id in c.GetProperty("ids_with_special").Ints())
            {
                string part = decoder.Append(id);
                Assert.DoesNotContain('\uFFFD', part.Except(whole));
                Assert.False(part.Length > 0 && (char.IsHighSurrogate(part[^1]) || char.IsLowSurrogate(part[0])));
                text.Append(part);
            }
            text.Append(decoder.Finish());
            Assert.Equal(whole, text.ToString());
        }
    }
}
