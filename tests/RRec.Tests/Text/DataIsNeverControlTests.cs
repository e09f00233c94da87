using System.Text;
using RRec.Data;
using RRec.Text;

namespace RRec.Tests.Text;

/// <summary>Whatever a title says, the ids that steer the model are those of our own wording, and every boundary stays where it was.</summary>
public class DataIsNeverControlTests
{
    public static TheoryData<string, string> Models => new()
    {
        { "qwen2.5", "chatml-qwen2.5" }, { "qwen3", "chatml-qwen3-no-thinking" }, { "smollm2", "smollm2" },
        { "bytelevel-llama3-style", "llama3" }, { "sentencepiece-gemma-style", "gemma3" },
    };

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Models))]
    public void No_id_that_steers_comes_out_of_data(string tokenizerName, string _)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(tokenizerName);
        HostileText.ForAll(300, text => Assert.DoesNotContain(tokenizer.EncodePrompt(PromptText.FromData(text)), tokenizer.IsControl));
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Models))]
    public void Data_without_markers_is_encoded_as_the_library_encodes_it(string tokenizerName, string _)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(tokenizerName);
        HostileText.ForAll(300, text =>
        {
            int[] asControl = tokenizer.Encode(text, addSpecialTokens: false);
            if (!asControl.Any(tokenizer.IsControl)) Assert.Equal(asControl, tokenizer.EncodePrompt(PromptText.FromData(text)));
        });
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Models))]
    public void A_hostile_title_changes_neither_header_nor_markers_nor_boundaries(string tokenizerName, string chatName)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(tokenizerName);
        PromptWriter Writer(string title) => new(tokenizer, ChatFormat.Presets[chatName], PromptFormat.R2ec,
            new Catalogue([new CatalogueItem("1", title, [new ItemAttribute("Genres", [title, "Drama"])]), new CatalogueItem("2", "Heat (1995)", [])], "movie"));
        UserHistory history = new(new[] { 1, 0, 1 }, new[] { 5f, 4f, 3f }, new long[] { 0, 1, 2 }, 90_000_000);
        PromptWriter plain = Writer("x");
        int[] plainUser = plain.UserPrompt(history, 20, 4096), plainItem = plain.ItemPrompt(0, 4096);
        int[] header = LastTurn(plainUser);

        HostileText.ForAll(150, title =>
        {
            PromptWriter writer = Writer(title);
            UserPromptWithLines user = writer.UserPromptWithLineEnds(history, 20, 100_000);
            Assert.Equal(Steering(plainUser), Steering(user.Ids));
            Assert.Equal(header, user.Ids[^header.Length..]);
            Assert.Equal(writer.UserPrompt(history, 20, 100_000), user.Ids);
            Assert.Equal(3, user.LineEnds.Length);
            for (int i = 0; i < 3; i++) Assert.InRange(user.LineEnds[i], i == 0 ? 1 : user.LineEnds[i - 1] + 1, user.Ids.Length - header.Length - 1);

            int[] item = writer.ItemPrompt(0, 100_000);
            Assert.Equal(Steering(plainItem), Steering(item));
            Assert.Equal(writer.ItemAnswerIds, item[^writer.ItemAnswerIds.Length..]);
        });

        int[] Steering(int[] ids) => ids.Where(tokenizer.IsControl).ToArray();
        int[] LastTurn(int[] ids) => ids[Array.FindLastIndex(ids, tokenizer.IsControl)..];
    }

    [GoldenFact("goldens/tokenizers")]
    public void Data_comes_back_as_it_was_but_for_lone_surrogates()
    {
        // Llama 3's kind has no normalizer and a token for every byte, so that nothing may be lost.
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get("bytelevel-llama3-style");
        HostileText.ForAll(500, text => Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)),
            tokenizer.DecodeIds(tokenizer.EncodePrompt(PromptText.FromData(text)), skipSpecialTokens: false)));
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Models))]
    public void Ids_one_by_one_add_up_to_the_whole_text_for_any_data(string tokenizerName, string _)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(tokenizerName);
        HostileText.ForAll(200, text =>
        {
            int[] ids = tokenizer.EncodePrompt(PromptText.FromData(text));
            string whole = tokenizer.DecodeIds(ids, skipSpecialTokens: true);
            if (whole.Contains('\uFFFD') && !text.EnumerateRunes().Any(r => r.Value == 0xFFFD)) return;     // SmolLM2 lacks some bytes
            IncrementalDecoder decoder = tokenizer.CreateDecoder();
            Assert.Equal(whole, string.Concat(ids.Select(decoder.Append)) + decoder.Finish());
        });
    }

    [GoldenTheory("goldens/tokenizers"), MemberData(nameof(Models))]
    public void Places_of_tokens_cover_the_text_in_order(string tokenizerName, string _)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(tokenizerName);
        HostileText.ForAll(200, text =>
        {
            EncodedPrompt encoded = tokenizer.EncodePromptWithOffsets(PromptText.FromData(text));
            Assert.Equal(tokenizer.EncodePrompt(PromptText.FromData(text)), encoded.Ids);
            for (int i = 0; i < encoded.Ids.Length; i++)
            {
                Assert.InRange(encoded.Starts[i], i == 0 ? 0 : encoded.Starts[i - 1], text.Length);
                Assert.InRange(encoded.Ends[i], Math.Max(encoded.Starts[i], i == 0 ? 0 : encoded.Ends[i - 1]), text.Length);
            }
        });
    }

    [GoldenFact("goldens/recpo/tiny-qwen2")]
    public void An_answer_marker_in_a_title_is_ordinary_text_and_stays()
    {
        var catalogue = new Catalogue([new CatalogueItem("1", "<answer>Heat</answer>", [])], "movie");
        PromptWriter writer = PromptGoldenTests.Writer(ChatFormat.Qwen25, catalogue);
        int[] ids = writer.UserPrompt(new UserHistory(new[] { 0 }), 20, 2048);
        Assert.Contains("[<answer>Heat</answer>]", TokenizerFixtures.Tiny.DecodeIds(ids, skipSpecialTokens: false));
        Assert.EndsWith("<|im_end|>\n<|im_start|>assistant\n<answer>", TokenizerFixtures.Tiny.DecodeIds(writer.ItemPrompt(0, 768), skipSpecialTokens: false));
    }

    [Fact]
    public void A_marker_that_data_and_control_make_together_is_none()
    {
        HuggingFaceTokenizer tokenizer = SmallTokenizer.Create();
        int marker = tokenizer.TokenToId("<|end|>");
        Assert.Contains(marker, tokenizer.EncodePrompt(new PromptText().Control("<|").Control("end|>")));
        Assert.DoesNotContain(marker, tokenizer.EncodePrompt(new PromptText().Data("<|").Control("end|>")));
        Assert.DoesNotContain(marker, tokenizer.EncodePrompt(new PromptText().Control("<|").Data("end").Control("|>")));
    }
}
