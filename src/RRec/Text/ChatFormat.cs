using System.Text.Json;
using System.Text.Json.Serialization;

namespace RRec.Text;

/// <summary>Where a chat format puts a system message.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SystemPlacement>))]
public enum SystemPlacement
{
    /// <summary>A turn of its own before the first user turn.</summary>
    OwnTurn,

    /// <summary>At the beginning of the first user turn, followed by a blank line (Gemma 3).</summary>
    FirstUserTurn,

    /// <summary>The format has no place for it; rendering one is an error (Gemma 2).</summary>
    Unsupported,
}

/// <summary>
/// How a model family writes a conversation, as a handful of strings: no template language, no code per family. All strings are control.
/// The presets are in <see cref="Presets"/>; <see cref="Detect"/> finds the one a model folder asks for; a custom format is a record
/// with other strings (<c>ChatFormat.Plain with { UserStart = "Q: ", UserEnd = "\n" }</c>). It reads and writes as plain JSON.
/// </summary>
public sealed partial record ChatFormat
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        AllowTrailingCommas = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What the format is called in messages and saved models.</summary>
    public string Name { get; init; } = "custom";

    /// <summary>Stands once at the very beginning, e.g. <c>&lt;bos&gt;</c>.</summary>
    public string Begin { get; init; } = "";

    /// <summary>Where a system message goes.</summary>
    public SystemPlacement SystemPlacement { get; init; } = SystemPlacement.OwnTurn;

    /// <summary>Before the system text, where it has its own turn.</summary>
    public string SystemStart { get; init; } = "";

    /// <summary>After the system text, where it has its own turn.</summary>
    public string SystemEnd { get; init; } = "";

    /// <summary>The system text used when the conversation brings none; null: then there is no system turn.</summary>
    public string? DefaultSystem { get; init; }

    /// <summary>Stands in front of every system text, the default one included (Llama 3.2 states its dates there).</summary>
    public string SystemPreamble { get; init; } = "";

    /// <summary>Before a user's content.</summary>
    public string UserStart { get; init; } = "";

    /// <summary>After a user's content.</summary>
    public string UserEnd { get; init; } = "";

    /// <summary>Before the model's content; also what invites it to write.</summary>
    public string AssistantStart { get; init; } = "";

    /// <summary>After the model's content.</summary>
    public string AssistantEnd { get; init; } = "";

    /// <summary>Follows <see cref="AssistantStart"/> where the model is invited to write (Qwen3 with thinking switched off: an empty thought).</summary>
    public string GenerationSuffix { get; init; } = "";

    /// <summary>Follows <see cref="AssistantStart"/> in a last message that is the model's own (Qwen3: an empty thought).</summary>
    public string FinalAssistantPrefix { get; init; } = "";

    /// <summary>Whether contents lose the white space at their ends.</summary>
    public bool TrimContent { get; init; }

    /// <summary>Whether the system text loses the white space at its ends.</summary>
    public bool TrimSystem { get; init; }

    /// <summary>Whether user and assistant must take turns, the user first; anything else is then an error.</summary>
    public bool StrictTurns { get; init; }

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The turns; a system message may only come first.</param>
    /// <param name="addGenerationPrompt">Ends with the header that invites the model to write.</param>
    /// <param name="continueFinalMessage">
    /// Leaves the last message, which must be the model's, open: the text ends right after its content. Excludes <paramref name="addGenerationPrompt"/>.
    /// </param>
    /// <returns>The text; markers are control, contents keep the parts they came with.</returns>
    /// <exception cref="ArgumentException">
    /// No message, an unknown role, a system message where the format has no place for one, turns that do not alternate in a format that
    /// insists on it, or an open final message that is not the model's.
    /// </exception>
    public PromptText Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, bool continueFinalMessage = false) =>
        Render(messages, addGenerationPrompt, continueFinalMessage, out _);

    // contentStart: where the content of the first turn after a system message begins in the result; a position p of that content is
    // found at contentStart + p, also where the format trims white space off its beginning.
    internal PromptText Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, bool continueFinalMessage, out int contentStart)
    {
        contentStart = 0;
        ArgumentNullException.ThrowIfNull(messages);
        Check(messages, addGenerationPrompt, continueFinalMessage);
        var text = new PromptText().Control(Begin);
        int first = 0;
        PromptText? systemText = DefaultSystem is null ? null : PromptText.FromControl(DefaultSystem);
        if (messages[0].Role == ChatMessage.System)
        {
            systemText = TrimSystem ? messages[0].Content.Trim() : messages[0].Content;
            first = 1;
        }
        if (SystemPlacement == SystemPlacement.OwnTurn && (systemText is not null || SystemPreamble.Length > 0))
            text.Control(SystemStart).Control(SystemPreamble).Append(systemText ?? new PromptText()).Control(SystemEnd);

        for (int i = first; i < messages.Count; i++)
        {
            ChatMessage message = messages[i];
            bool last = i == messages.Count - 1;
            bool model = message.Role == ChatMessage.Assistant;
            text.Control(message.Role switch { ChatMessage.Assistant => AssistantStart, ChatMessage.User => UserStart, _ => SystemStart });
            if (i == first && SystemPlacement == SystemPlacement.FirstUserTurn && systemText is not null)
                text.Control(SystemPreamble).Append(systemText).Control("\n\n");
            if (model && last) text.Control(FinalAssistantPrefix);

            if (i == first) contentStart = text.Length - (TrimContent ? LeadingWhiteSpace(message.Content) : 0);
            text.Append(TrimContent ? message.Content.Trim() : message.Content);
            if (last && continueFinalMessage) return text;
            text.Control(message.Role switch { ChatMessage.Assistant => AssistantEnd, ChatMessage.User => UserEnd, _ => SystemEnd });
        }
        if (addGenerationPrompt) text.Control(AssistantStart).Control(GenerationSuffix);
        return text;
    }

    /// <summary>The format as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote, or a format written by hand.</summary>
    /// <exception cref="InvalidDataException">Not such a JSON; the message names <paramref name="sourceName"/> and the place.</exception>
    public static ChatFormat FromJson(string json, string sourceName)
    {
        try
        {
            return JsonSerializer.Deserialize<ChatFormat>(json, Json)
                   ?? throw new InvalidDataException($"{sourceName}: a chat format is needed, not null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{sourceName}: not a chat format: {e.Message}", e);
        }
    }

    private static int LeadingWhiteSpace(PromptText content)
    {
        string text = content.ToString();
        return text.Length - text.AsSpan().TrimStart().Length;
    }

    private void Check(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, bool continueFinalMessage)
    {
        if (messages.Count == 0) throw new ArgumentException("A conversation needs at least one message.", nameof(messages));
        if (continueFinalMessage && (addGenerationPrompt || messages[^1].Role != ChatMessage.Assistant))
            throw new ArgumentException("Only a last message of the model can be left open, and then no generation prompt may follow.",
                                        nameof(continueFinalMessage));
        int first = messages[0].Role == ChatMessage.System ? 1 : 0;
        if (first == 1 && SystemPlacement == SystemPlacement.Unsupported)
            throw new ArgumentException($"The chat format '{Name}' has no place for a system message.", nameof(messages));
        for (int i = first; i < messages.Count; i++)
        {
            string role = messages[i].Role;
            if (role is not (ChatMessage.User or ChatMessage.Assistant or ChatMessage.System))
                throw new ArgumentException($"Message {i} has the role '{role}'; known are system, user and assistant.", nameof(messages));
            if (StrictTurns && role != ((i - first) % 2 == 0 ? ChatMessage.User : ChatMessage.Assistant))
                throw new ArgumentException($"The chat format '{Name}' wants user and assistant in turns; message {i} is of '{role}'.", nameof(messages));
        }
    }
}
