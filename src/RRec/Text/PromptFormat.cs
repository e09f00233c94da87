using System.Text.Json;
using System.Text.Json.Serialization;

namespace RRec.Text;

/// <summary>
/// The wording of user and item prompts, as data: what <see cref="PromptWriter"/> puts into the chat turns. In the templates
/// <c>{name}</c> stands for a value from outside (always encoded as data), <c>{?name} ... {/}</c> is left out where the value is missing,
/// <c>{{</c> and <c>}}</c> are braces. It reads and writes as plain JSON, and travels with a model.
/// </summary>
public sealed partial record PromptFormat
{
    /// <summary>The file that, in a backbone folder, holds the wording that the backbone was trained with.</summary>
    public const string FileName = "rrec_prompts.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        AllowTrailingCommas = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What the wording is called in messages.</summary>
    public string Name { get; init; } = "custom";

    /// <summary>A system message for user and item prompts; null: whatever the chat format says by itself.</summary>
    public string? SystemText { get; init; }

    /// <summary>
    /// Opens the user's turn. Values: <c>category</c> (one of them), <c>categories</c> (several); groups also by <c>rating</c> and
    /// <c>delta</c>: whether the history has ratings, times. An empty history counts as having both.
    /// </summary>
    public string UserIntro { get; init; } = "";

    /// <summary>
    /// One earlier purchase. Values: <c>title</c>, <c>rating</c> (as in 4.5), <c>delta</c> (time since then, as in 3d 4.5h), <c>category</c>.
    /// </summary>
    public string HistoryLine { get; init; } = "{title}";

    /// <summary>Stands between two history lines.</summary>
    public string LineSeparator { get; init; } = "\n";

    /// <summary>Closes the user's turn, after the last line. Values as in <see cref="UserIntro"/>.</summary>
    public string UserOutro { get; init; } = "";

    /// <summary>
    /// The reasoning that a warm-up shows to a model that knows none yet. Values: <c>statements</c> (what is worth saying about the next purchase: attributes, decades, how
    /// popular it is), <c>category</c>, <c>categories</c>. It ends before <see cref="Answer"/>.
    /// </summary>
    public string Reasoning { get; init; } = "{statements}.";

    /// <summary>Stands between two statements of a reasoning.</summary>
    public string StatementSeparator { get; init; } = ", ";

    /// <summary>Ends a reasoning; the user's embedding is read at its last token.</summary>
    public string Answer { get; init; } = "<answer>";

    /// <summary>Describes an item. Values: <c>title</c>, <c>attributes</c> (the lines below, one after another), <c>category</c>, <c>categories</c>.</summary>
    public string ItemText { get; init; } = "{title}{attributes}";

    /// <summary>One attribute of an item. Values: <c>label</c>, <c>values</c>.</summary>
    public string AttributeLine { get; init; } = "\n{label}: {values}";

    /// <summary>Stands between several values of one attribute.</summary>
    public string ValueSeparator { get; init; } = ", ";

    /// <summary>Attributes with more words than this are cut there, ending in "..."; 0: never.</summary>
    public int MaxValueWords { get; init; }

    /// <summary>
    /// Whether attribute values keep their line breaks and tabs (long descriptions). Otherwise, and in titles and labels always, a run of
    /// white space that holds one becomes a single blank.
    /// </summary>
    public bool KeepLineBreaksInValues { get; init; }

    /// <summary>Ends an item's text; the item's embedding is read at its last token.</summary>
    public string ItemAnswer { get; init; } = "<answer>";

    /// <summary>The strings of the paper's implementation, where ratings and times exist to the letter (recpo-reference, section 2).</summary>
    [JsonIgnore]
    public static PromptFormat R2ec { get; } = new()
    {
        Name = "r2ec",
        UserIntro = "Analyze in depth and finally recommend next {category} I might purchase inside <answer> and </answer>.\n" +
                    "For example, <answer>a product</answer>.\n\n" +
                    "Below is my historical {categories} purchases{?rating} and ratings (out of 5){/}:\n",
        HistoryLine = "{?delta}{delta} ago: {/}[{title}]{?rating} ({rating}){/}",
        ItemText = "Summarize key attributes of the following {category} inside <answer> and </answer>.\n\nTitle: {title}{attributes}",
        AttributeLine = "\n{label}: {values}",
        MaxValueWords = 100,
        KeepLineBreaksInValues = true,
    };

    /// <summary>The wording in a backbone folder's <see cref="FileName"/>, or <see cref="R2ec"/> where it has none.</summary>
    /// <exception cref="InvalidDataException">The file is there but is not a wording.</exception>
    public static PromptFormat LoadOrDefault(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string file = Path.Combine(folder, FileName);
        return File.Exists(file) ? FromJson(File.ReadAllText(file), file) : R2ec;
    }

    /// <summary>The wording as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote, or a wording written by hand; missing members keep their defaults.</summary>
    /// <exception cref="InvalidDataException">Not such a JSON, or a template in it is malformed; names <paramref name="sourceName"/> and the place.</exception>
    public static PromptFormat FromJson(string json, string sourceName)
    {
        try
        {
            PromptFormat format = JsonSerializer.Deserialize<PromptFormat>(json, Json)
                                  ?? throw new InvalidDataException($"{sourceName}: prompts are needed, not null.");
            _ = new CompiledPrompts(format);
            return format;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"{sourceName}: not a prompt format: {e.Message}", e);
        }
    }
}

/// <summary>The templates of a <see cref="PromptFormat"/>, parsed and checked.</summary>
internal sealed class CompiledPrompts
{
    /// <exception cref="ArgumentException">A template is malformed, or an answer marker is empty.</exception>
    public CompiledPrompts(PromptFormat format)
    {
        UserIntro = new PromptTemplate(nameof(format.UserIntro), format.UserIntro, "category", "categories", "rating", "delta");
        UserOutro = new PromptTemplate(nameof(format.UserOutro), format.UserOutro, "category", "categories", "rating", "delta");
        HistoryLine = new PromptTemplate(nameof(format.HistoryLine), format.HistoryLine, "title", "rating", "delta", "category");
        Reasoning = new PromptTemplate(nameof(format.Reasoning), format.Reasoning, "statements", "category", "categories");
        ItemText = new PromptTemplate(nameof(format.ItemText), format.ItemText, "title", "attributes", "category", "categories");
        AttributeLine = new PromptTemplate(nameof(format.AttributeLine), format.AttributeLine, "label", "values");
        ArgumentNullException.ThrowIfNull(format.LineSeparator, nameof(format.LineSeparator));
        ArgumentNullException.ThrowIfNull(format.ValueSeparator, nameof(format.ValueSeparator));
        ArgumentNullException.ThrowIfNull(format.StatementSeparator, nameof(format.StatementSeparator));
        ArgumentOutOfRangeException.ThrowIfNegative(format.MaxValueWords, nameof(format.MaxValueWords));
        ArgumentException.ThrowIfNullOrEmpty(format.Answer, nameof(format.Answer));
        ArgumentException.ThrowIfNullOrEmpty(format.ItemAnswer, nameof(format.ItemAnswer));
    }

    public PromptTemplate UserIntro { get; }

    public PromptTemplate UserOutro { get; }

    public PromptTemplate HistoryLine { get; }

    public PromptTemplate Reasoning { get; }

    public PromptTemplate ItemText { get; }

    public PromptTemplate AttributeLine { get; }
}
