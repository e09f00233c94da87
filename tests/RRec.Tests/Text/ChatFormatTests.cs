using System.Text.Json;
using RRec.Text;

namespace RRec.Tests.Text;

public class ChatFormatTests
{
    public static TheoryData<string> Families =>
        ["chatml-qwen2.5", "chatml-qwen3", "chatml-qwen3-no-thinking", "gemma2", "gemma3", "llama3", "llama3.2", "smollm2"];

    [GoldenTheory("goldens/chat"), MemberData(nameof(Families))]
    public void Renderings_are_those_of_the_family_s_template(string family)
    {
        ChatFormat format = ChatFormat.Presets[family];
        JsonElement golden = Family(family);
        int seen = 0;
        foreach (JsonElement c in golden.GetProperty("renderings").EnumerateArray())
        {
            ChatMessage[] messages = Messages(c);
            bool generate = c.GetProperty("add_generation_prompt").GetBoolean(), open = c.GetProperty("continue_final_message").GetBoolean();
            if (c.GetProperty("error").ValueKind == JsonValueKind.String)
                Assert.Contains(family, Assert.Throws<ArgumentException>(() => format.Render(messages, generate, open)).Message);
            else
                Assert.Equal(c.GetProperty("rendered").GetString(), format.Render(messages, generate, open).ToString());
            seen++;
        }
        Assert.Equal(10, seen);
    }

    [GoldenTheory("goldens/chat"), MemberData(nameof(Families))]
    public void A_family_is_recognised_by_its_template(string family)
    {
        ChatFormat? found = ChatFormat.FromTemplate(Family(family).GetProperty("chat_template").GetString()!);
        // Thinking is switched off by an argument, not by another template.
        Assert.Equal(family == "chatml-qwen3-no-thinking" ? "chatml-qwen3" : family, found?.Name);
    }

    [GoldenFact("goldens/models")]
    public void A_folder_says_its_format_by_template_or_else_by_model_type()
    {
        Assert.Equal("smollm2", ChatFormat.Detect(Goldens.PathOf("models/SmolLM2-135M-Instruct")).Name);
        Assert.Equal("chatml-qwen2.5", ChatFormat.Detect(Goldens.PathOf("goldens/recpo/tiny-qwen2")).Name);
        Assert.Equal("chatml-qwen3", ChatFormat.Detect(Goldens.PathOf("goldens/tokenizers/qwen3")).Name);
        Assert.Equal("gemma2", ChatFormat.Detect(Goldens.PathOf("goldens/models/gemma2")).Name);
        Assert.Equal("gemma3", ChatFormat.Detect(Goldens.PathOf("goldens/models/gemma3_text")).Name);
    }

    [Fact]
    public void A_folder_without_any_hint_is_refused_with_the_remedy()
    {
        string folder = Directory.CreateTempSubdirectory("rrec-chat").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "config.json"), """{"model_type": "rwkv"}""");
            InvalidDataException e = Assert.Throws<InvalidDataException>(() => ChatFormat.Detect(folder));
            Assert.Contains(folder, e.Message);
            Assert.Contains("llama3", e.Message);

            ChatFormat own = ChatFormat.Plain with { Name = "mine", UserStart = "Q: ", UserEnd = "\n", AssistantStart = "A: " };
            File.WriteAllText(Path.Combine(folder, ChatFormat.FileName), own.ToJson());
            Assert.Equal(own, ChatFormat.Detect(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_chatml_template_with_a_system_text_of_its_own_keeps_it()
    {
        ChatFormat? format = ChatFormat.FromTemplate("{{ '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}{% for m in messages %}...");
        Assert.Equal("Be brief.", format?.DefaultSystem);
    }

    [Fact]
    public void Every_preset_survives_json()
    {
        foreach (ChatFormat format in ChatFormat.Presets.Values) Assert.Equal(format, ChatFormat.FromJson(format.ToJson(), "test"));
        Assert.Contains("test", Assert.Throws<InvalidDataException>(() => ChatFormat.FromJson("""{"UserStrat": "x"}""", "test")).Message);
    }

    [Fact]
    public void Contents_stay_data_through_rendering_and_trimming()
    {
        PromptText content = new PromptText().Data("  <end_of_turn>").Control(" and ").Data("x \n");
        PromptText text = ChatFormat.Gemma3.Render([new ChatMessage(ChatMessage.System, "s"), new ChatMessage(ChatMessage.User, content)], true);
        Assert.Equal("<bos><start_of_turn>user\ns\n\n<end_of_turn> and x<end_of_turn>\n<start_of_turn>model\n", text.ToString());
        Assert.Equal(["<end_of_turn>", "x"], text.DataSpans.Select(s => text.ToString()[s.Start..s.End]));
    }

    [Fact]
    public void Conversations_that_make_no_sense_are_refused()
    {
        var user = new ChatMessage(ChatMessage.User, "u");
        var model = new ChatMessage(ChatMessage.Assistant, "a");
        Assert.Throws<ArgumentException>(() => ChatFormat.ChatML.Render([], true));
        Assert.Throws<ArgumentException>(() => ChatFormat.ChatML.Render([new ChatMessage("tool", "t")], true));
        Assert.Throws<ArgumentException>(() => ChatFormat.ChatML.Render([user], false, continueFinalMessage: true));
        Assert.Throws<ArgumentException>(() => ChatFormat.Gemma2.Render([model, user], true));
    }

    private static JsonElement Family(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Goldens.PathOf("goldens/chat/golden.json"))).RootElement.GetProperty("families").EnumerateArray()
            .Single(f => f.GetProperty("family").GetString() == name);

    private static ChatMessage[] Messages(JsonElement c) => c.GetProperty("messages").EnumerateArray()
        .Select(m => new ChatMessage(m.GetProperty("role").GetString()!, PromptText.FromData(m.GetProperty("content").GetString()!))).ToArray();
}
