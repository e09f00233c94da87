using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace RRec.MLNet.Tests;

/// <summary>samples/BatchScoring as a user runs it: a zip and a CSV in, a CSV out.</summary>
public sealed class BatchScoringSampleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rrec-sample-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [GoldenFact(TinyModel.Needs)]
    public void A_log_comes_out_as_each_users_items_with_reasons()
    {
        MLContext ml = new(seed: 1);
        string model = Path.Combine(_folder, "model.zip"), log = Path.Combine(_folder, "log.csv"), answers = Path.Combine(_folder, "out.csv");
        ml.Model.Save(TinyModel.Transformer(ml), null, model);
        File.WriteAllLines(log, ["UserId,ItemId,Rating,Timestamp", .. Enumerable.Range(0, 60).Select(n => $"u{n % 4},i{n % 30},4,{1_700_000_000 + n}")]);
        (int code, string said) = Run(model, log, answers);
        Assert.True(code == 0, said);
        Assert.Contains("4 users", said);

        string[][] rows = [.. File.ReadLines(answers).Select(l => l.Split(',', 5))];
        Assert.Equal(["user", "rank", "item", "score", "reasoning"], rows[0]);
        Assert.Equal(4 * 5, rows.Count(r => r.Length == 5 && r[0].StartsWith('u') && r[0] != "user"));
        foreach (IGrouping<string, string[]> user in rows.Skip(1).Where(r => r.Length == 5).GroupBy(r => r[0]))
        {
            int number = int.Parse(user.Key[1..], CultureInfo.InvariantCulture);
            HashSet<string> bought = [.. Enumerable.Range(0, 60).Where(n => n % 4 == number).Select(n => $"i{n % 30}")];
            Assert.Equal(["1", "2", "3", "4", "5"], user.Select(r => r[1]));
            Assert.DoesNotContain(user, r => bought.Contains(r[2]));
            double[] scores = [.. user.Select(r => double.Parse(r[3], CultureInfo.InvariantCulture))];
            Assert.Equal(scores.OrderDescending(), scores);
        }

        Assert.Equal(2, Run(model).Code);           // wrong arguments: how it is used
        Assert.False(File.Exists(answers + ".writing"));
    }

    private static (int Code, string Said) Run(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "BatchScoring.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
