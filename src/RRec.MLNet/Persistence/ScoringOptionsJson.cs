using System.Text.Json;
using System.Text.Json.Serialization;

namespace RRec.MLNet;

/// <summary>The transformer's own part of a saved model: <c>scoring.json</c>.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NewLine = "\n", UseStringEnumConverter = true)]
[JsonSerializable(typeof(ScoringOptions))]
internal sealed partial class ScoringOptionsJson : JsonSerializerContext
{
    public const string FileName = "scoring.json";
    private const int MaxBytes = 1 << 20;

    public static void Write(Stream stream, ScoringOptions options) => JsonSerializer.Serialize(stream, options, Default.ScoringOptions);

    /// <exception cref="InvalidDataException">Not such JSON, or a value out of its range.</exception>
    public static ScoringOptions Read(Stream stream, string source)
    {
        byte[] bytes = new byte[MaxBytes];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        try
        {
            ScoringOptions? options = JsonSerializer.Deserialize(bytes.AsSpan(0, length), Default.ScoringOptions);
            if (options is null || string.IsNullOrEmpty(options.HistoryItems) || string.IsNullOrEmpty(options.Reasoning) || string.IsNullOrEmpty(options.PredictedItems)
                || string.IsNullOrEmpty(options.Score) || options.K is < 1 or > 10_000 || options.BatchSize is < 1 or > 65_536 || options.ReasoningSamples is < 1 or > 256 || !(options.ReasoningTemperature > 0) || !(options.RatingFactor > 0) || options.ItemColumns is null || !Enum.IsDefined(options.TimestampUnit))
                throw new InvalidDataException($"{source}: a value is missing or out of its range.");
            return options;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: not valid JSON ({e.Message}).", e);
        }
    }
}
