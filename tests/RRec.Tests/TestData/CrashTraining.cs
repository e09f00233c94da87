using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;
using TorchSharp;

namespace RRec.TestSupport;

/// <summary>What killing a training again and again showed.</summary>
/// <param name="Kills">How often a process was killed.</param>
/// <param name="Identical">How many of the trainings that were killed on their way ended in the bits of the one that was not.</param>
/// <param name="Trainings">How many there were.</param>
/// <param name="LostStepsMax">The most steps that had to be done again after a kill.</param>
internal sealed record CrashReport(int Kills, int Identical, int Trainings, int LostStepsMax);

/// <summary>
/// Trains a small shop's model in a process of its own and kills that process (SIGKILL) at random moments; what continues from its checkpoints must end in the same bits.
/// Used by a test with a few kills and by <c>./rrec bench crash</c> with many.
/// </summary>
internal static class CrashTraining
{
    /// <summary>The first argument that makes a program be the training process.</summary>
    public const string ChildVerb = "crash-child";

    private const int Steps = 30, CheckpointSteps = 3;

    /// <summary>The training process: <c>crash-child BACKBONE CHECKPOINTS RESULT</c>. Writes a hash of all weights to RESULT.</summary>
    public static int Child(string[] args)
    {
        torch.set_num_threads(1); // the promise is for the same number of threads
        RecPOOptions options = RecPOOptions.Cpu with
        {
            MaxSteps = Steps, Epochs = 100, UsersPerStep = 6, TrajectoriesPerUser = 3, EvaluationSteps = 10, TableNegatives = 4, RateWarmUpSteps = 2, TableRefreshSteps = 7, Seed = 11,
            CheckpointDirectory = args[2], CheckpointSteps = CheckpointSteps,
        };
        using R2ecModel model = R2ecTraining.Fit(Shop.Catalogue, Shop.Rows(60, 1), Shop.Rows(20, 2), new R2ecTrainingOptions { Backbone = args[1], Settings = new() { Window = 6, MaxNewTokens = 4, Temperature = 0.05 }, RecPO = options });
        using var scope = torch.NewDisposeScope();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (float[] values in model.Backbone.TrainableParameters().Select(p => p.Parameter.detach().reshape(-1).data<float>().ToArray()).Append(model.Items.Vectors.reshape(-1).data<float>().ToArray()))
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
        File.WriteAllText(args[3], Convert.ToHexStringLower(hash.GetHashAndReset()));
        return 0;
    }

    /// <summary>Kills <paramref name="kills"/> times.</summary>
    /// <param name="kills">How often.</param>
    /// <param name="folder">An empty folder to work in.</param>
    /// <param name="program">The program that runs <see cref="Child"/> when it is given its arguments.</param>
    /// <param name="seed">Of the moments.</param>
    public static CrashReport Run(int kills, string folder, Func<string[], ProcessStartInfo> program, int seed)
    {
        string backbone = Path.Combine(folder, "backbone");
        using (CatalogueBackboneBuilder.Build(Shop.Catalogue, Shop.Rows(60, 1), Shop.Recipe, backbone)) { }
        string reference = Finish(program([ChildVerb, backbone, Path.Combine(folder, "whole"), Path.Combine(folder, "whole.txt")]), Path.Combine(folder, "whole.txt"));

        Random random = new(seed);
        int done = 0, identical = 0, trainings = 0, lost = 0;
        while (done < kills)
        {
            string checkpoints = Path.Combine(folder, $"run{trainings}"), result = Path.Combine(folder, $"run{trainings}.txt");
            ProcessStartInfo start = program([ChildVerb, backbone, checkpoints, result]);
            for (int at = random.Next(1, 9); done < kills && at < Steps; at += random.Next(2, 9))
            {
                using Process process = Process.Start(start)!;
                string log = Path.Combine(checkpoints, "metrics.jsonl");
                while (!process.HasExited && LastStep(log) < at) Thread.Sleep(5);
                Thread.Sleep(random.Next(40)); // anywhere inside a step, an evaluation or the writing of a checkpoint
                if (process.HasExited) break;
                process.Kill();
                process.WaitForExit();
                done++;
                lost = Math.Max(lost, LastStep(log) - LastCheckpoint(checkpoints));
            }

            trainings++;
            if (Finish(start, result) == reference) identical++;
        }

        return new CrashReport(done, identical, trainings, lost);
    }

    private static string Finish(ProcessStartInfo start, string result)
    {
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode == 0 ? File.ReadAllText(result) : throw new InvalidOperationException($"The training process ended with {process.ExitCode}.");
    }

    private static int LastStep(string log)
    {
        if (!File.Exists(log)) return 0;
        using FileStream stream = new(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(stream);
        int last = 0;
        while (reader.ReadLine() is { } line)
        {
            try
            {
                using JsonDocument entry = JsonDocument.Parse(line);
                if (entry.RootElement.GetProperty("kind").GetString() == "step") last = entry.RootElement.GetProperty("Step").GetInt32();
            }
            catch (JsonException)
            {
                break; // being written
            }
        }

        return last;
    }

    private static int LastCheckpoint(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, "step-*.sha256").Select(f => int.Parse(Path.GetFileNameWithoutExtension(f)[5..])).DefaultIfEmpty(0).Max() : 0;
}
