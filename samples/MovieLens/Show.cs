using Microsoft.ML;
using Microsoft.ML.Data;
using Spectre.Console;

namespace MovieLens;

/// <summary>The second process: knows nothing but the packages, the zip and the data, and recommends.</summary>
internal static class Show
{
    private const int Users = 3;

    /// <summary>What is read back from a scored row.</summary>
    private sealed class Answer
    {
        public string UserId { get; set; } = "";
        public string[] HistoryItems { get; set; } = [];
        public string Label { get; set; } = "";
        public string Reasoning { get; set; } = "";
        public string[] PredictedItems { get; set; } = [];
        public float[] Score { get; set; } = [];
        public float LabelRank { get; set; }
    }

    public static int Run(string modelFile, string dataFolder, int movies)
    {
        MLContext ml = new();
        ITransformer model = ml.Model.Load(modelFile, out _);
        Dataset data = Dataset.Load(ml, dataFolder, movies);
        Dictionary<string, string> titles = ml.Data.CreateEnumerable<Movie>(data.Items, reuseRowObject: false).ToDictionary(m => m.MovieId.ToString(System.Globalization.CultureInfo.InvariantCulture), m => m.Title);

        foreach (Answer answer in ml.Data.CreateEnumerable<Answer>(model.Transform(Rows.FirstOfUsers(ml, data.Test, Users, history: 5)), reuseRowObject: false))
        {
            AnsiConsole.Write(new Rule(Markup.Escape($"user {answer.UserId}")) { Justification = Justify.Left });
            Console.WriteLine("last purchases  " + string.Join("; ", answer.HistoryItems.TakeLast(5).Select(id => titles[id])));
            Console.WriteLine("reasoning       " + answer.Reasoning);
            for (int i = 0; i < 5; i++)
                Console.WriteLine(FormattableString.Invariant($"{i + 1,2}. {answer.Score[i],8:0.000}  {titles[answer.PredictedItems[i]]}"));
            Console.WriteLine(FormattableString.Invariant($"bought next     {titles[answer.Label]} (rank {answer.LabelRank:0} of {titles.Count})"));
        }

        return 0;
    }
}
