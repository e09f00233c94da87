using System.Text.Json;
using System.Text.Json.Serialization;

namespace RRec;

/// <summary>
/// How a trained model reads histories and answers; saved with it. These values shape what the weights learned, so training and
/// scoring must share them.
/// </summary>
public sealed record R2ecSettings
{
    /// <summary>How many of the last purchases a user prompt shows. 1 or more; default 20 (paper, experiments; recpo-reference 1).</summary>
    public int Window { get; init; } = 20;

    /// <summary>The longest reasoning in tokens, the closing answer marker not counted. 1 or more; default 300. Ignored without reasoning.</summary>
    public int MaxNewTokens { get; init; } = 300;

    /// <summary>The longest user prompt in tokens; oldest history lines are dropped to fit (O8). 16 or more; default 2048.</summary>
    public int MaxPromptTokens { get; init; } = 2048;

    /// <summary>The longest item prompt in tokens. 8 or more; default 768.</summary>
    public int MaxItemTokens { get; init; } = 768;

    /// <summary>The temperature that divides cosines (paper 3.1, tau). Above 0; default 0.02.</summary>
    public double Temperature { get; init; } = 0.02;

    /// <summary>Whether the model writes a reasoning before it ranks; false reads the embedding at the answer marker right after the prompt.</summary>
    public bool UseReasoning { get; init; } = true;

    /// <summary>Whether items of the full history are left out of the ranking and of the reward's candidates, where the target stays one (O7). Default true (the protocol of the paper).</summary>
    public bool MaskHistory { get; init; } = true;

    /// <summary>
    /// The tokens that a reasoning is made of: distinct ids, the first of the answer marker and an end of sequence among them. Null (default): any token of the vocabulary.
    /// A backbone made from a catalogue has some thirty in twenty thousand, and its language head, the larger part of its arithmetic, then runs for these alone.
    /// </summary>
    public int[]? ReasoningTokens { get; init; }

    /// <summary>Settings are equal where all values are, those of <see cref="ReasoningTokens"/> too.</summary>
    public bool Equals(R2ecSettings? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);

    /// <summary>Every value that breaks its range, one sentence each; empty where all are fine.</summary>
    public IReadOnlyList<string> Violations()
    {
        List<string> found = [];
        void Check(bool ok, string name, object value, string rule)
        {
            if (!ok) found.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} is {value}: it must be {rule}."));
        }

        Check(Window >= 1, nameof(Window), Window, "1 or more");
        Check(MaxNewTokens >= 1, nameof(MaxNewTokens), MaxNewTokens, "1 or more (set UseReasoning to false for none)");
        Check(MaxPromptTokens >= 16, nameof(MaxPromptTokens), MaxPromptTokens, "16 or more");
        Check(MaxItemTokens >= 8, nameof(MaxItemTokens), MaxItemTokens, "8 or more");
        Check(Temperature > 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature, "above 0 and finite");
        Check(ReasoningTokens is null || (ReasoningTokens.Length > 0 && ReasoningTokens.All(t => t >= 0) && ReasoningTokens.Distinct().Count() == ReasoningTokens.Length),
            nameof(ReasoningTokens), ReasoningTokens is null ? "null" : $"{ReasoningTokens.Length} numbers", "null or distinct token ids, at least one");
        return found;
    }

    /// <summary>The settings as JSON, for a model file.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, R2ecJson.Default.R2ecSettings);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InvalidDataException">Not such JSON, or a value out of its range; the message names the source and the value.</exception>
    public static R2ecSettings Parse(string json, string source)
    {
        R2ecSettings? settings;
        try
        {
            settings = JsonSerializer.Deserialize(json, R2ecJson.Default.R2ecSettings);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: not the settings of an R2ec model ({e.Message}).", e);
        }

        if (settings is null) throw new InvalidDataException($"{source}: the settings are null.");
        IReadOnlyList<string> violations = settings.Violations();
        if (violations.Count > 0) throw new InvalidDataException($"{source}: {string.Join(" ", violations)}");
        return settings;
    }
}

[JsonSerializable(typeof(R2ecSettings))]
internal sealed partial class R2ecJson : JsonSerializerContext;
