// From CSV to CSV: loads a saved model and a purchase log, and writes each user's recommendations with their reasoning.
//
//     dotnet run -c Release --project samples/BatchScoring -- MODEL.zip LOG.csv OUT.csv
//     LOG.csv: UserId,ItemId,Rating,Timestamp (seconds) with a header, as ratings.csv of MovieLens is.
//
// Nothing is held but the log and one batch of rows: the view is lazy, and rows are written as they are scored.

using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.MLNet;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: BatchScoring MODEL.zip LOG.csv OUT.csv");
    return 2;
}

MLContext ml = new();
ITransformer model = ml.Model.Load(args[0], out _);
IDataView log = ml.Data.LoadFromTextFile<Purchase>(args[1], separatorChar: ',', hasHeader: true, allowQuoting: true);
IDataView scored = model.Transform(ml.Recommendation().CreateCurrentHistories(log, "UserId", "ItemId", "Timestamp", "Rating", now: TimeProvider.System.GetUtcNow()));

string beside = args[2] + ".writing";
int rows = 0;
using (StreamWriter csv = new(beside))
{
    csv.WriteLine("user,rank,item,score,reasoning");
    foreach (Scored row in ml.Data.CreateEnumerable<Scored>(scored, reuseRowObject: true))
    {
        rows++;
        for (int i = 0; i < row.PredictedItems.Length && row.PredictedItems[i].Length > 0; i++)
            csv.WriteLine(string.Join(',', Quoted(row.UserId), i + 1, Quoted(row.PredictedItems[i]), row.Score[i].ToString(CultureInfo.InvariantCulture), Quoted(row.Reasoning)));
    }
}

File.Move(beside, args[2], overwrite: true);
Console.WriteLine($"{rows} users, {args[2]}");
return 0;

static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

internal sealed class Purchase
{
    [LoadColumn(0)] public string UserId { get; set; } = "";
    [LoadColumn(1)] public string ItemId { get; set; } = "";
    [LoadColumn(2)] public float Rating { get; set; }
    [LoadColumn(3)] public long Timestamp { get; set; }
}

internal sealed class Scored
{
    public string UserId { get; set; } = "";
    public string Reasoning { get; set; } = "";
    public string[] PredictedItems { get; set; } = [];
    public float[] Score { get; set; } = [];
}
