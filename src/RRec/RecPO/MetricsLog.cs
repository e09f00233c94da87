using System.Text.Json;
using RRec.Metrics;

namespace RRec.RecPO;

/// <summary>
/// <c>metrics.jsonl</c>: one JSON object a line, <c>"kind": "step"</c> or <c>"evaluation"</c>. A resumed training drops lines of steps that its checkpoint does not have, so
/// that every step stands there once. A disk that does not take the log never stops a training.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter? _writer;

    public MetricsLog(string? folder, int keepUpToStep)
    {
        if (folder is null) return;
        try
        {
            Directory.CreateDirectory(folder);
            string path = Path.Combine(folder, "metrics.jsonl");
            string[] kept = File.Exists(path) ? [.. File.ReadLines(path).Where(line => StepOf(line) is { } s && s <= keepUpToStep && keepUpToStep > 0)] : [];
            File.WriteAllLines(path, kept);
            _writer = new StreamWriter(path, append: true) { AutoFlush = true };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _writer = null;
        }
    }

    public void Write(StepMetrics metrics) => Line(JsonSerializer.SerializeToElement(metrics, Options), "step");

    public void Write(int step, RankingMetrics m)
    {
        Dictionary<string, double> values = new() { ["Step"] = step, ["Rows"] = m.Rows, ["Mrr"] = m.Mrr, ["Coverage"] = m.Coverage };
        foreach (int k in RankingMetrics.StandardCutoffs)
        {
            values[$"Hit@{k}"] = m.HitRate(k);
            values[$"Ndcg@{k}"] = m.Ndcg(k);
        }

        Line(JsonSerializer.SerializeToElement(values, Options), "evaluation");
    }

    public void Dispose() => _writer?.Dispose();

    private static readonly JsonSerializerOptions Options = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private void Line(JsonElement body, string kind)
    {
        if (_writer is null) return;
        try
        {
            _writer.WriteLine($"{{\"kind\":\"{kind}\",{body.GetRawText()[1..]}");
        }
        catch (IOException)
        {
            // A full disk costs the log, not the training.
        }
    }

    private static int? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("Step", out JsonElement step) ? (int)step.GetDouble() : null;
        }
        catch (JsonException)
        {
            return null; // the half-written last line of a killed process
        }
    }
}
