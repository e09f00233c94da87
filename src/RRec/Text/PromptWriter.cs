using RRec.Data;

namespace RRec.Text;

/// <summary>A user's prompt and where its history lines end.</summary>
/// <param name="Ids">As <see cref="PromptWriter.UserPrompt"/>.</param>
/// <param name="LineEnds">
/// For every line that is shown, oldest first, the index in <paramref name="Ids"/> of the token that holds the line's last character.
/// The lines are those of the history's last <c>LineEnds.Length</c> items.
/// </param>
internal sealed record UserPromptWithLines(int[] Ids, int[] LineEnds);

/// <summary>
/// Writes the two kinds of prompt as token ids: what a user bought, ending where the model starts to reason, and what an item is, ending
/// where its embedding is read. Wording and chat markers are control; titles, attributes, categories, ratings and times are data.
/// A prompt is encoded as one string, as the paper's implementation does, so that ids agree with it. Safe to use from several threads.
/// </summary>
public sealed class PromptWriter
{
    private readonly HuggingFaceTokenizer _tokenizer;
    private readonly ChatFormat _chat;
    private readonly PromptFormat _format;
    private readonly CompiledPrompts _templates;
    private readonly Catalogue _catalogue;

    /// <summary>Binds a wording to a catalogue and to a model's tokenizer and chat format.</summary>
    /// <exception cref="ArgumentException">A template of <paramref name="format"/> is malformed.</exception>
    public PromptWriter(HuggingFaceTokenizer tokenizer, ChatFormat chat, PromptFormat format, Catalogue catalogue)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(chat);
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(catalogue);
        _tokenizer = tokenizer;
        _chat = chat;
        _format = format;
        _templates = new CompiledPrompts(format);
        _catalogue = catalogue;
        AnswerIds = tokenizer.EncodePrompt(PromptText.FromControl(format.Answer));
        ItemAnswerIds = tokenizer.EncodePrompt(PromptText.FromControl(format.ItemAnswer));
    }

    /// <summary>The tokens that end a reasoning, encoded on their own; never change it.</summary>
    public int[] AnswerIds { get; }

    /// <summary>The tokens that end an item's text, encoded on their own; never change it.</summary>
    public int[] ItemAnswerIds { get; }

    /// <summary>
    /// The prompt for a user: system and user turn, then the header after which the model writes. Shows the last
    /// <paramref name="window"/> purchases; where they do not fit, the oldest are left out (never the header, O8).
    /// </summary>
    /// <param name="history">What the user bought; ratings and times may be missing, and are then left out of the lines.</param>
    /// <param name="window">Lines at most; 0 shows none.</param>
    /// <param name="maxTokens">The most ids wanted; leave room for reasoning and answer.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not even the instruction fits into <paramref name="maxTokens"/>.</exception>
    public int[] UserPrompt(in UserHistory history, int window, int maxTokens) => FitUser(history, window, maxTokens, withLines: false).Ids;

    /// <summary>The same ids, and for every line the index of its last token: where a loss per line reads its embedding.</summary>
    /// <inheritdoc cref="UserPrompt" path="/param"/>
    /// <inheritdoc cref="UserPrompt" path="/exception"/>
    internal UserPromptWithLines UserPromptWithLineEnds(in UserHistory history, int window, int maxTokens) =>
        FitUser(history, window, maxTokens, withLines: true);

    /// <summary>A reasoning that makes these statements, as ids of its own, as if the model had written it; without the closing answer.</summary>
    /// <param name="statements">Words, in their order; they are data and can spell no control token.</param>
    public int[] ReasoningIds(IReadOnlyList<string> statements)
    {
        ArgumentNullException.ThrowIfNull(statements);
        if (statements.Count == 0) return [];
        PromptText text = new();
        _templates.Reasoning.Write(text, name => OneLine(name == "category" ? _catalogue.Category : _catalogue.CategoryPlural), part =>
        {
            if (part != "statements") return false;
            for (int i = 0; i < statements.Count; i++) text.Control(i > 0 ? _format.StatementSeparator : "").Data(OneLine(statements[i]));
            return true;
        });
        return _tokenizer.EncodePrompt(text);
    }

    /// <summary>The user's prompt as text, with its first history line at the last <paramref name="lines"/> purchases.</summary>
    public PromptText UserText(in UserHistory history, int lines) => RenderUser(history, Math.Min(lines, history.Items.Length), null, out _, out _);

    /// <summary>
    /// The complete sequence for an item: the description and the opened answer, whose last token gives the embedding. A description that
    /// is too long loses its end, never the answer.
    /// </summary>
    /// <param name="item">The item's index in the catalogue.</param>
    /// <param name="maxTokens">The most ids wanted.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such item, or not even the instruction fits into <paramref name="maxTokens"/>.</exception>
    public int[] ItemPrompt(int item, int maxTokens)
    {
        PromptText content = ItemContent(item, out int titleStart);
        int[] ids = _tokenizer.EncodePrompt(RenderItem(content, out _));
        while (ids.Length > maxTokens)
        {
            // Cut as many of the content's last tokens as are too many; merges around the cut may cost a token more, then again.
            EncodedPrompt encoded = _tokenizer.EncodePromptWithOffsets(RenderItem(content, out int start));
            int lastOfContent = encoded.LastTokenBefore(start + content.Length);
            int keep = lastOfContent - (encoded.Ids.Length - maxTokens);
            int cut = keep < 0 ? 0 : Math.Clamp(encoded.Ends[keep] - start, 0, content.Length - 1);
            if (cut > 0 && char.IsHighSurrogate(content.ToString()[cut - 1])) cut--;
            if (cut <= titleStart) throw TooSmall(maxTokens, $"the instruction for item {item} ('{_catalogue.Items[item].Id}') alone does not fit");
            content = content.Substring(0, cut);
            ids = _tokenizer.EncodePrompt(RenderItem(content, out _));
        }
        return ids;
    }

    /// <summary>The item's sequence as text, uncut.</summary>
    public PromptText ItemPromptText(int item) => RenderItem(ItemContent(item, out _), out _);

    private UserPromptWithLines FitUser(in UserHistory history, int window, int maxTokens, bool withLines)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(window);
        int lines = Math.Min(window, history.Items.Length);
        if (!withLines)
        {
            int[] ids = _tokenizer.EncodePrompt(RenderUser(history, lines, null, out _, out _));
            if (ids.Length <= maxTokens) return new UserPromptWithLines(ids, []);
        }
        while (true)
        {
            var ends = new List<int>(lines);
            EncodedPrompt encoded = _tokenizer.EncodePromptWithOffsets(RenderUser(history, lines, ends, out int start, out int linesStart));
            int excess = encoded.Ids.Length - maxTokens;
            int intro = encoded.LastTokenBefore(start + linesStart);
            int[] lastTokens = ends.Select(end => encoded.LastTokenBefore(start + end)).ToArray();
            if (excess <= 0) return new UserPromptWithLines(encoded.Ids, lastTokens);
            if (lines == 0) throw TooSmall(maxTokens, $"the user's instruction alone takes {encoded.Ids.Length} tokens");

            // Leave out as many lines as the excess takes, a few tokens generous: merges at the new seam may save some, and the loop runs
            // once more where they do not.
            int drop = 1;
            while (drop < lines && lastTokens[drop - 1] - intro + 2 < excess) drop++;
            lines -= drop;
        }
    }

    // contentStart: where the user's content begins in the result; linesStart and ends are places in that content.
    private PromptText RenderUser(in UserHistory history, int lines, List<int>? ends, out int contentStart, out int linesStart)
    {
        int count = history.Items.Length;
        int ratings = history.Ratings.Length, times = history.Timestamps.Length;
        if ((ratings != 0 && ratings != count) || (times != 0 && times != count))
            throw new ArgumentException($"A history has {count} items, {ratings} ratings and {times} times; ratings and times must be none or one an item.",
                                        nameof(history));
        bool hasRatings = count == 0 || !history.Ratings.IsEmpty;
        bool hasTimes = count == 0 || (!history.Timestamps.IsEmpty && history.Now is not null);
        string? Frame(string name) => name switch
        {
            "category" => OneLine(_catalogue.Category),
            "categories" => OneLine(_catalogue.CategoryPlural),
            "rating" => hasRatings ? "" : null,
            "delta" => hasTimes ? "" : null,
            _ => null,
        };

        var content = new PromptText();
        _templates.UserIntro.Write(content, Frame);
        linesStart = content.Length;
        UserHistory captured = history;
        for (int i = count - lines; i < count; i++)
        {
            if (i > count - lines) content.Control(_format.LineSeparator);
            int at = i;
            _templates.HistoryLine.Write(content, name => name switch
            {
                "title" => OneLine(Item(captured.Items.Span[at]).Title),
                "rating" => ratings > 0 && float.IsFinite(captured.Ratings.Span[at]) ? PromptValues.Rating(captured.Ratings.Span[at]) : null,
                "delta" => times > 0 && captured.Now is { } now ? PromptValues.TimeDelta(now - captured.Timestamps.Span[at]) : null,
                "category" => OneLine(_catalogue.Category),
                _ => null,
            });
            ends?.Add(content.Length);
        }
        _templates.UserOutro.Write(content, Frame);
        return _chat.Render(Conversation(content), addGenerationPrompt: true, continueFinalMessage: false, out contentStart);
    }

    private PromptText ItemContent(int index, out int titleStart)
    {
        CatalogueItem item = Item(index);
        int start = 0;
        var content = new PromptText();
        _templates.ItemText.Write(content, Value, name =>
        {
            if (name == "title") start = content.Length;
            if (name != "attributes") return false;
            foreach (ItemAttribute attribute in item.Attributes)
                _templates.AttributeLine.Write(content, _ => OneLine(attribute.Label), part => part == "values" && WriteValues(content, attribute));
            return true;
        });
        titleStart = start;
        return content;

        string? Value(string name) => name switch
        {
            "title" => OneLine(item.Title),
            "attributes" => item.Attributes.Count > 0 ? "" : null,
            "category" => OneLine(_catalogue.Category),
            "categories" => OneLine(_catalogue.CategoryPlural),
            _ => null,
        };
    }

    private bool WriteValues(PromptText content, ItemAttribute attribute)
    {
        // Cut as a whole where it is too long; otherwise value by value, for the separators are wording of ours.
        string joined = string.Join(_format.ValueSeparator, attribute.Values);
        string cut = PromptValues.LimitWords(joined, _format.MaxValueWords);
        if (cut != joined) content.Data(OneValue(cut));
        else
            for (int i = 0; i < attribute.Values.Count; i++)
                content.Control(i > 0 ? _format.ValueSeparator : "").Data(OneValue(attribute.Values[i]));
        return true;
    }

    private string OneValue(string value) => _format.KeepLineBreaksInValues ? value : OneLine(value);

    private PromptText RenderItem(PromptText content, out int contentStart) => _chat.Render(
        [.. Conversation(content), new ChatMessage(ChatMessage.Assistant, _format.ItemAnswer)],
        addGenerationPrompt: false, continueFinalMessage: true, out contentStart);

    private ChatMessage[] Conversation(PromptText userContent) => _format.SystemText is null
        ? [new ChatMessage(ChatMessage.User, userContent)]
        : [new ChatMessage(ChatMessage.System, _format.SystemText), new ChatMessage(ChatMessage.User, userContent)];

    private CatalogueItem Item(int index) => (uint)index < (uint)_catalogue.Count
        ? _catalogue.Items[index]
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"The catalogue has items 0 to {_catalogue.Count - 1}.");

    private static string OneLine(string text) => PromptValues.OneLine(text);

    private static ArgumentOutOfRangeException TooSmall(int maxTokens, string what) =>
        new(nameof(maxTokens), maxTokens, $"The token budget of {maxTokens} is too small: {what}.");
}
