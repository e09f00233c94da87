// A checkpoint is two files in CheckpointDirectory:
//   step-00000120.safetensors   weight/<name>, mean/<name>, square/<name> (AdamW), table, best/<name>; header metadata "state" and "fingerprint" are JSON
//   step-00000120.sha256        the file's SHA-256 in hex, written after it
// Both are written beside their names and renamed. A checkpoint counts only where the sum is there and right, so a kill at any moment leaves the one before.
using System.Security.Cryptography;
using System.Text.Json;
using RRec.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>The scalars of a checkpoint.</summary>
internal sealed record RunState(int Step, int OptimizerSteps, int BestStep, bool HasBest, RunState.Ranked[] Evaluations, long UpdateBudget)
{
    /// <summary>One evaluation as it is stored.</summary>
    internal sealed record Ranked(int Step, int[] Ranks, double Coverage);
}

/// <summary>Writes, keeps, checks and reads checkpoints of one folder.</summary>
internal sealed class CheckpointFolder(string folder, int keep)
{
    private static readonly JsonSerializerOptions Json = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>The newest checkpoint that was written or read; null: none.</summary>
    public string? Latest { get; private set; }

    /// <summary>Writes a checkpoint and deletes the oldest ones.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="fingerprint">What a continuation must share.</param>
    /// <param name="run">Gives tensors and state.</param>
    /// <param name="problem">Told where the disk refuses (full, read-only): training goes on and the last good checkpoint stays.</param>
    public void Save(int step, Fingerprint fingerprint, RecPORun run, Action<string> problem)
    {
        string path = PathOf(step);
        try
        {
            Directory.CreateDirectory(folder);
            Dictionary<string, string> metadata = new()
            {
                ["format"] = "rrec-checkpoint-1",
                ["state"] = JsonSerializer.Serialize(run.State(), Json),
                ["fingerprint"] = JsonSerializer.Serialize(fingerprint.Values, Json),
            };
            Write(path, run, metadata);
            Latest = path;
            foreach (string old in Files().Where(f => f != path).OrderDescending().Skip(keep - 1)) Delete(old);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem($"Checkpoint '{path}' could not be written ({e.Message}); training goes on, the last good one is {(Latest is null ? "none" : $"'{Latest}'")}.");
        }
    }

    /// <summary>Puts the newest whole checkpoint back into a run.</summary>
    /// <returns>False where the folder has none.</returns>
    /// <exception cref="InvalidDataException">It belongs to another training; names what differs.</exception>
    public bool TryRestore(Fingerprint fingerprint, RecPORun run)
    {
        if (!Directory.Exists(folder)) return false;
        foreach (string path in Files().OrderDescending())
        {
            if (!File.Exists(SumOf(path)) || File.ReadAllText(SumOf(path)).Trim() != Sum(path)) continue;
            using SafetensorsFile file = SafetensorsFile.Open(path);
            RunState state;
            Dictionary<string, string> stored;
            try
            {
                state = JsonSerializer.Deserialize<RunState>(file.Metadata["state"], Json)!;
                stored = JsonSerializer.Deserialize<Dictionary<string, string>>(file.Metadata["fingerprint"], Json)!;
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException)
            {
                throw new InvalidDataException($"'{path}' is not a checkpoint of this program ({e.Message}).", e);
            }

            IReadOnlyList<string> differences = fingerprint.DifferencesFrom(stored);
            if (differences.Count > 0)
                throw new InvalidDataException($"The checkpoint '{path}' belongs to another training: {string.Join("; ", differences)}. Use another CheckpointDirectory, or delete this one.");
            run.Restore(state, name => file.Read(name));
            Latest = path;
            return true;
        }

        return false;
    }

    // A file without a sum is no checkpoint; on a full disk it must not stay and take the room of the next one.
    private static void Write(string path, RecPORun run, Dictionary<string, string> metadata)
    {
        SafetensorsWriter.Save(path, run.Tensors(), metadata);
        try
        {
            WholeFile.WriteText(SumOf(path), Sum(path));
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    private IEnumerable<string> Files() => Directory.EnumerateFiles(folder, "step-*.safetensors");

    private string PathOf(int step) => Path.Combine(folder, $"step-{step:00000000}.safetensors");

    private static string SumOf(string path) => Path.ChangeExtension(path, ".sha256");

    private static string Sum(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    // The sum goes first: a file without one is no checkpoint.
    private static void Delete(string path)
    {
        File.Delete(SumOf(path));
        File.Delete(path);
    }
}
