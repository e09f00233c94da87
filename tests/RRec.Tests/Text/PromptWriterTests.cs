using System.Globalization;
using RRec.Data;
using RRec.Text;

namespace RRec.Tests.Text;

public class PromptWriterTests
{
    private const long Day = 86_400_000;

    private static readonly Catalogue Movies = new(
        Enumerable.Range(0, 30).Select(i => new CatalogueItem($"m{i}", $"Film number {i} ({1970 + i})", [new ItemAttribute("Genres", ["Drama", $"Kind {i}"])])).ToArray(), "movie");

    private static UserHistory History(int count) => new(
        Enumerable.Range(0, count).ToArray(), Enumerable.Range(0, count).Select(i => 1f + i % 9 * 0.5f).ToArray(),
        Enumerable.Range(0, count).Select(i => i * Day).ToArray(), count * Day);

    private static readonly HuggingFaceTokenizer Bytes = SmallTokenizer.Create(("a", "b"));

    // A byte-level tokenizer without merges to speak of: tokens are characters, so that places can be told.
    private static PromptWriter Writer(PromptFormat? format = null, Catalogue? catalogue = null) => new(Bytes, ChatFormat.Qwen25, format ?? PromptFormat.R2ec, catalogue ?? Movies);

    [Fact]
    public void The_oldest_lines_are_left_out_where_they_do_not_fit_and_no_line_more()
    {
        // Titles of very different lengths, the oldest ones long.
        var catalogue = new Catalogue(Enumerable.Range(0, 30).Select(i =>
            new CatalogueItem($"m{i}", $"Film number {i} ({1970 + i})" + (i % 3 == 2 ? new string('x', 200 - 5 * i) : ""), [])).ToArray(), "movie");
        PromptWriter writer = Writer(catalogue: catalogue);
        UserHistory history = History(25);
        int whole = writer.UserPrompt(history, 20, int.MaxValue).Length, bare = writer.UserPrompt(history, 0, int.MaxValue).Length;
        for (int budget = bare; budget <= whole; budget += 7)
        {
            int[] ids = writer.UserPrompt(history, 20, budget);
            Assert.InRange(ids.Length, bare, budget);
            string text = Bytes.DecodeIds(ids, false);
            Assert.EndsWith("<|im_end|>\n<|im_start|>assistant\n", text);
            int lines = text.Split(" ago: [").Length - 1;
            Assert.Equal(writer.UserPrompt(history, lines, int.MaxValue), ids);
            if (lines < 20) Assert.True(writer.UserPrompt(history, lines + 1, int.MaxValue).Length > budget);
            if (lines > 0) Assert.Contains("[Film number 24 (1994)]", text);       // the newest
            Assert.Equal(ids, writer.UserPromptWithLineEnds(history, 20, budget).Ids);
        }
    }

    [Fact]
    public void A_reasoning_is_its_statements_in_the_wordings_words()
    {
        PromptWriter writer = Writer(PromptFormat.R2ec with { Reasoning = "A {category}: {statements}!", StatementSeparator = " + " });
        Assert.Equal("A movie: Drama + 1990s!", Bytes.DecodeIds(writer.ReasoningIds(["Drama", "1990s"]), false));
        Assert.Equal("Drama, 1990s.", Bytes.DecodeIds(Writer().ReasoningIds(["Drama", "1990s"]), false));
        Assert.Equal([], writer.ReasoningIds([]));
        PromptFormat written = PromptFormat.FromJson(PromptFormat.Catalogue.ToJson(), "here");
        Assert.Equal(("{statements}, ", ", "), (written.Reasoning, written.StatementSeparator));
        Assert.Throws<InvalidDataException>(() => PromptFormat.FromJson("{\"Reasoning\":\"{title}\"}", "here"));
    }

    [Fact]
    public void A_budget_below_the_instruction_is_an_error_that_says_how_much_it_takes()
    {
        PromptWriter writer = Writer();
        int bare = writer.UserPrompt(History(3), 0, int.MaxValue).Length;
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => writer.UserPrompt(History(3), 20, bare - 1));
        Assert.Contains(bare.ToString(CultureInfo.InvariantCulture), e.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.ItemPrompt(0, 40));
    }

    [Fact]
    public void Line_ends_are_the_tokens_with_the_lines_last_characters()
    {
        PromptWriter writer = Writer();
        UserPromptWithLines prompt = writer.UserPromptWithLineEnds(History(25), 20, int.MaxValue);
        Assert.Equal(20, prompt.LineEnds.Length);
        for (int i = 0; i < 20; i++)
        {
            int item = 5 + i;
            string upTo = Bytes.DecodeIds(prompt.Ids.AsSpan(0, prompt.LineEnds[i] + 1), false);
            Assert.EndsWith($"[Film number {item} ({1970 + item})] ({PromptValues.Rating(1f + item % 9 * 0.5f)})", upTo);
        }
    }

    [GoldenTheory("goldens/tokenizers"), InlineData("qwen2.5"), InlineData("smollm2"), InlineData("sentencepiece-gemma-style"), InlineData("bytelevel-llama3-style")]
    public void Line_ends_hold_for_tokens_that_reach_over_the_line_break(string name)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFixtures.Get(name);
        var writer = new PromptWriter(tokenizer, ChatFormat.Gemma3, PromptFormat.R2ec, Movies);
        UserPromptWithLines prompt = writer.UserPromptWithLineEnds(History(9), 20, int.MaxValue);
        for (int i = 0; i < 9; i++)
        {
            string line = $"[Film number {i} ({1970 + i})] ({PromptValues.Rating(1f + i % 9 * 0.5f)})";
            Assert.Contains(line, tokenizer.DecodeIds(prompt.Ids.AsSpan(0, prompt.LineEnds[i] + 1), false));
            Assert.DoesNotContain(line, tokenizer.DecodeIds(prompt.Ids.AsSpan(0, prompt.LineEnds[i]), false));
        }
    }

    [Fact]
    public void What_the_history_lacks_is_left_out_of_the_lines()
    {
        string Text(UserHistory history) => Writer().UserText(history, 20).ToString();
        int[] items = [0, 1];
        Assert.Contains("Below is my historical movies purchases:\n[Film number 0 (1970)]\n[Film number 1 (1971)]<|im_end|>", Text(new UserHistory(items)));
        Assert.Contains("purchases and ratings (out of 5):\n[Film number 0 (1970)] (4.5)\n[Film number 1 (1971)]<|im_end|>", Text(new UserHistory(items, new[] { 4.5f, float.NaN })));
        Assert.Contains("purchases:\n1d 0.0h ago: [Film number 0 (1970)]\n0.0min ago: [Film number 1 (1971)]<|im_end|>", Text(new UserHistory(items, default, new[] { 0, Day }, Day)));
        // Times without a moment to measure them from say nothing.
        Assert.Contains("purchases:\n[Film number 0 (1970)]\n", Text(new UserHistory(items, default, new[] { 0, Day })));
        Assert.EndsWith("(out of 5):\n<|im_end|>\n<|im_start|>assistant\n", Text(default));
        Assert.Throws<ArgumentException>(() => Text(new UserHistory(items, new[] { 1f })));
    }

    [Fact]
    public void A_description_that_is_too_long_loses_its_end_and_never_the_answer()
    {
        var catalogue = new Catalogue([new CatalogueItem("1", "Heat", [new ItemAttribute("Description", [new string('x', 500) + "\U0001F600" + new string('y', 500)])])], "movie");
        PromptWriter writer = Writer(catalogue: catalogue);
        for (int budget = 300; budget < 1300; budget += 13)
        {
            int[] ids = writer.ItemPrompt(0, budget);
            Assert.InRange(ids.Length, Math.Min(budget, 1200) - 12, budget);
            string text = Bytes.DecodeIds(ids, false);
            Assert.Contains("Title: Heat\nDescription: x", text);
            Assert.EndsWith("<|im_end|>\n<|im_start|>assistant\n<answer>", text);
            Assert.DoesNotContain('\uFFFD', text);
        }
    }

    [Fact]
    public void Line_breaks_and_tabs_in_titles_become_one_blank()
    {
        Assert.Equal("a b", PromptValues.OneLine("a\r\n\t b"));
        Assert.Equal("a b", PromptValues.OneLine("\na\u2028b\t"));
        Assert.Equal("a  b ", PromptValues.OneLine("a  b "));
        var catalogue = new Catalogue([new CatalogueItem("1", "Heat\n(1995)", [new ItemAttribute("Gen\nres", ["a\tb"])])], "movie");
        Assert.Contains("Title: Heat (1995)\nGen res: a\tb<", Writer(catalogue: catalogue).ItemPromptText(0).ToString());
        Assert.Contains("Gen res: a b<", Writer(PromptFormat.R2ec with { KeepLineBreaksInValues = false }, catalogue).ItemPromptText(0).ToString());
    }

    [Fact]
    public void A_terse_format_without_chat_writes_cells()
    {
        PromptFormat format = new()
        {
            Name = "cells",
            UserIntro = "<user>",
            HistoryLine = "{title}\t{rating}\n",
            LineSeparator = "",
            UserOutro = "<reason>",
            Answer = "<end>",
            ItemText = "<item>{title}\t{attributes}",
            AttributeLine = "{values}\t",
            ValueSeparator = "\t",
            ItemAnswer = "<item-end>",
        };
        var writer = new PromptWriter(Bytes, ChatFormat.Plain, format, Movies);
        UserHistory history = new(new[] { 3, 4 }, new[] { 5f, 4.5f });
        Assert.Equal("<user>Film number 3 (1973)\t5.0\nFilm number 4 (1974)\t4.5\n<reason>", Bytes.DecodeIds(writer.UserPrompt(history, 20, 999), false));
        Assert.Equal("<item>Film number 3 (1973)\tDrama\tKind 3\t<item-end>", Bytes.DecodeIds(writer.ItemPrompt(3, 999), false));
        Assert.Equal("<end>", Bytes.DecodeIds(writer.AnswerIds, false));
        Assert.Equal("<item-end>", Bytes.DecodeIds(writer.ItemAnswerIds, false));
        Assert.Equal(format, PromptFormat.FromJson(format.ToJson(), "cells.json"));
    }

    [Fact]
    public void Prompt_formats_survive_json_and_are_read_from_a_folder()
    {
        Assert.Equal(PromptFormat.R2ec, PromptFormat.FromJson(PromptFormat.R2ec.ToJson(), "r2ec"));
        string folder = Directory.CreateTempSubdirectory("rrec-prompts").FullName;
        try
        {
            Assert.Equal(PromptFormat.R2ec, PromptFormat.LoadOrDefault(folder));
            PromptFormat own = PromptFormat.R2ec with { Name = "own", HistoryLine = "{title} {{x}}" };
            File.WriteAllText(Path.Combine(folder, PromptFormat.FileName), own.ToJson());
            Assert.Equal(own, PromptFormat.LoadOrDefault(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory, InlineData("{titel}", "'titel' is not known"), InlineData("{title", "never closed"), InlineData("a}", "closing brace"), InlineData("{?rating}x", "never ended"),
     InlineData("{/}", "without a group"), InlineData("{?rating}{?delta}{/}{/}", "a group inside a group")]
    public void A_malformed_template_is_refused_with_its_place(string template, string message)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Writer(PromptFormat.R2ec with { HistoryLine = template }));
        Assert.Contains(message, e.Message);
        Assert.Contains("HistoryLine", e.Message);
        InvalidDataException fromFile = Assert.Throws<InvalidDataException>(() => PromptFormat.FromJson((PromptFormat.R2ec with { HistoryLine = template }).ToJson(), "p.json"));
        Assert.Contains("p.json", fromFile.Message);
    }

    [Fact]
    public void Values_are_data_and_wording_is_control()
    {
        PromptText text = Writer().UserText(History(1), 1);
        Assert.Equal(["movie", "movies", "1d 0.0h", "Film number 0 (1970)", "1.0"], text.DataSpans.Select(s => text.ToString()[s.Start..s.End]));
    }

    [Theory, InlineData(5f, "5.0"), InlineData(4.5f, "4.5"), InlineData(3.49f, "3.49"), InlineData(0f, "0.0"), InlineData(1e20f, "100000000000000000000.0"), InlineData(-1f, "-1.0"), InlineData(1e-7f, "0.0000001")]
    public void Ratings_have_at_least_one_decimal(float rating, string text) => Assert.Equal(text, PromptValues.Rating(rating));

    [Theory, InlineData(0.25, "0.2"), InlineData(0.75, "0.8"), InlineData(0.35, "0.3"), InlineData(0.15, "0.1"), InlineData(2.5, "2.5"), InlineData(59.95, "60.0"), InlineData(0.05, "0.1"), InlineData(9.96, "10.0")]
    public void One_decimal_is_rounded_half_to_even_on_the_binary_value(double value, string text) => Assert.Equal(text, PromptValues.OneDecimal(value));

    [Fact]
    public void Long_values_are_cut_by_words()
    {
        Assert.Equal("a b...", PromptValues.LimitWords(" a \n b\tc", 2));
        Assert.Equal(" a \n b\tc ", PromptValues.LimitWords(" a \n b\tc ", 3));
        Assert.Equal("a b c", PromptValues.LimitWords("a b c", 0));
    }
}
