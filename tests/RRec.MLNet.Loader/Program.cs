// Loads a model zip with ML.NET's own call, scores rows that come as JSON and writes the answers as JSON.
//     RRec.MLNet.Loader MODEL.zip ROWS.json ANSWERS.json

using System.Text.Json;
using Microsoft.ML;

MLContext ml = new(seed: 1);
ITransformer model = ml.Model.Load(args[0], out DataViewSchema schema);
Row[] rows = JsonSerializer.Deserialize<Row[]>(File.ReadAllText(args[1]))!;
Answer[] answers = [.. ml.Data.CreateEnumerable<Answer>(model.Transform(ml.Data.LoadFromEnumerable(rows)), reuseRowObject: false)];
File.WriteAllText(args[2], JsonSerializer.Serialize(answers));
Console.WriteLine($"{model.GetType().FullName}: {schema?.Count ?? 0} input columns, {answers.Length} rows");
return 0;

internal sealed class Row
{
    public string[] HistoryItems { get; set; } = [];
    public float[] HistoryRatings { get; set; } = [];
}

internal sealed class Answer
{
    public string Reasoning { get; set; } = "";
    public string[] PredictedItems { get; set; } = [];
    public float[] Score { get; set; } = [];
}
