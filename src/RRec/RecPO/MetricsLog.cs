using System.Text.Json;
using RRec.Metrics;
using RRec.Weights;

namespace RRec.RecPO;

/// <summary>
/// <c>metrics.jsonl</c>: one JSON object a line, <c>"kind": "step"</c> or <c>"evaluation"</c>. A resumed training drops lines of steps that its checkpoint does not have, so
/// that every step stands there once. A disk that does not take the log never stops a training: lines are lost, which is said once.
/// </summary>
internal sealed class MetricsLog
{
    private static readonly JsonSerializerOptions Options = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly string? _path;
    private readonly Action<string> _problem;
    private bool _torn, _told;

    /// <summary>Opens the log of a folder.</summary>
    /// <param name="folder">Null: no log.</param>
    /// <param name="keepUpToStep">Lines of later steps are dropped; 0 drops all.</param>
    /// <param name="problem">Told, once, that the disk refuses.</param>
    public MetricsLog(string? folder, int keepUpToStep, Action<string> problem)
    {
        _problem = problem;
        if (folder is null) return;
        try
        {
            Directory.CreateDirectory(folder);
            string path = Path.Combine(folder, "metrics.jsonl");
            _path = path;
            if (File.Exists(path))
            {
                string[] lines = File.ReadAllLines(path), kept = [.. lines.Where(line => StepOf(line) is { } s && s <= keepUpToStep && keepUpToStep > 0)];
                if (kept.Length < lines.Length) WholeFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Tell(e);
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

    private void Line(JsonElement body, string kind)
    {
        if (_path is null) return;
        try
        {
            // Opened for each line: nothing is held back, and a disk that comes back is used again. After a failure half a line may stand there; readers skip it.
            File.AppendAllText(_path, $"{(_torn ? "\n" : "")}{{\"kind\":\"{kind}\",{body.GetRawText()[1..]}\n");
            _torn = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _torn = true;
            Tell(e);
        }
    }

    private void Tell(Exception e)
    {
        if (!_told) _problem($"metrics.jsonl could not be written ({e.Message}); training goes on without the lines that do not fit.");
        _told = true;
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
