using System.Text.Json;
using RRec.Data;
using RRec.Text;

namespace RRec.Tests.Text;

/// <summary>The prompts of the paper's implementation, letter by letter and id by id (goldens/recpo/prompts.json).</summary>
public class PromptGoldenTests
{
    private static readonly (string Key, string One, string Several)[] Categories =
    [
        ("Movies", "movie", "movies"), ("Video_Games", "video game", "video games"), ("CDs_and_Vinyl", "CD or vinyl", "CDs and vinyl"),
        ("Musical_Instruments", "musical instrument", "musical instruments"),
    ];

    private static JsonElement Golden => JsonDocument.Parse(File.ReadAllBytes(Goldens.PathOf("goldens/recpo/prompts.json"))).RootElement;

    [GoldenFact("goldens/recpo/prompts.json")]
    public void User_prompts_are_the_recorded_strings_and_ids()
    {
        JsonElement golden = Golden;
        int seen = 0;
        foreach ((string key, string one, string several) in Categories)
        {
            Catalogue catalogue = CatalogueOf(golden, one, several);
            PromptWriter qwen = Writer(ChatFormat.Qwen25, catalogue), gemma = Writer(ChatFormat.Gemma2, catalogue);
            foreach (JsonElement row in golden.GetProperty("rows").EnumerateArray())
            {
                if (!row.TryGetProperty($"gen_prompt_{key}_qwen", out JsonElement expected)) continue;
                UserHistory history = HistoryOf(row.GetProperty("input"));
                Assert.Equal(expected.GetString(), qwen.UserText(history, 20).ToString());
                Assert.Equal(row.GetProperty($"gen_prompt_{key}_gemma").GetString(), gemma.UserText(history, 20).ToString());
                if (key == "Movies") Assert.Equal(row.GetProperty("gen_input_ids").Ints(), qwen.UserPrompt(history, 20, 2048));
                seen++;
            }
        }
        Assert.Equal(12, seen);
    }

    [GoldenFact("goldens/recpo/prompts.json")]
    public void Item_prompts_are_the_recorded_strings_and_ids()
    {
        JsonElement golden = Golden;
        int seen = 0;
        foreach ((string key, string one, string several) in Categories)
        {
            Catalogue catalogue = CatalogueOf(golden, one, several);
            PromptWriter qwen = Writer(ChatFormat.Qwen25, catalogue), gemma = Writer(ChatFormat.Gemma2, catalogue);
            foreach (JsonElement item in golden.GetProperty("item_prompts").EnumerateArray())
            {
                if (!item.TryGetProperty($"prompt_{key}_qwen", out JsonElement expected)) continue;
                int index = catalogue.IndexOf(item.GetProperty("item").GetProperty("item_id").GetInt32().ToString());
                Assert.Equal(expected.GetString(), qwen.ItemPromptText(index).ToString());
                Assert.Equal(item.GetProperty($"prompt_{key}_gemma").GetString(), gemma.ItemPromptText(index).ToString());
                if (key == "Movies") Assert.Equal(item.GetProperty("input_ids").Ints(), qwen.ItemPrompt(index, 768));
                seen++;
            }
        }
        Assert.True(seen >= 24);
    }

    [GoldenFact("goldens/recpo/prompts.json")]
    public void Time_spans_are_written_as_recorded()
    {
        foreach (JsonElement c in Golden.GetProperty("time_deltas").EnumerateArray())
            Assert.Equal(c.GetProperty("text").GetString(), PromptValues.TimeDelta(c.GetProperty("ms").GetInt64()) + " ago");
    }

    [GoldenFact("goldens/recpo/prompts.json")]
    public void Prompt_reasoning_and_answer_ids_follow_one_another_as_the_completed_text_does()
    {
        JsonElement row = Golden.GetProperty("rows")[0];
        PromptWriter writer = Writer(ChatFormat.Qwen25, CatalogueOf(Golden, "movie", "movies"));
        int[] prompt = writer.UserPrompt(HistoryOf(row.GetProperty("input")), 20, 2048);
        // The second text has no marker of its own, so it is ids of the text and then the answer's; the fourth is the marker alone.
        int[] reasoning = TokenizerFixtures.Tiny.Encode(Golden.GetProperty("reasonings")[1].GetString()!, addSpecialTokens: false);
        Assert.Equal(row.GetProperty("completed_input_ids")[1].Ints(), prompt.Concat(reasoning).Concat(writer.AnswerIds));
        Assert.Equal(row.GetProperty("completed_input_ids")[3].Ints(), prompt.Concat(writer.AnswerIds));
        Assert.Equal([30, 270, 32], writer.AnswerIds);
    }

    internal static PromptWriter Writer(ChatFormat chat, Catalogue catalogue) => new(TokenizerFixtures.Tiny, chat, PromptFormat.R2ec, catalogue);

    /// <summary>The recorded items with the attributes that the paper's prompts show.</summary>
    internal static Catalogue CatalogueOf(JsonElement golden, string one, string several) => new(
        golden.GetProperty("items").EnumerateArray().Select(item => new CatalogueItem(
            item.GetProperty("item_id").GetInt32().ToString(), item.GetProperty("title").GetString()!,
            [
                new ItemAttribute("User Rating", [PromptValues.Rating(item.GetProperty("average_rating").GetSingle())]),
                new ItemAttribute("Number of Buyers", [item.GetProperty("rating_number").ToString()]),
                // The implementation reverses the list and joins it with blanks.
                new ItemAttribute("Description", [string.Join(' ', item.GetProperty("description").EnumerateArray().Reverse().Select(d => d.GetString()))]),
            ])).ToArray(), one, several);

    internal static UserHistory HistoryOf(JsonElement input) => new(
        input.GetProperty("seq_input_ids").Ints().Select(id => id - 1).ToArray(),
        input.GetProperty("history_rating").EnumerateArray().Select(r => r.GetSingle()).ToArray(),
        input.GetProperty("history_timestamp").EnumerateArray().Select(t => t.GetInt64()).ToArray(),
        input.GetProperty("timestamp").GetInt64());
}
