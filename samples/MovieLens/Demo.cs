using System.Diagnostics;
using Microsoft.ML;
using RRec;
using RRec.MLNet;
using RRec.RecPO;
using Spectre.Console;

namespace MovieLens;

/// <summary>The whole job: data, fit, evaluation, zip, a second process that loads it.</summary>
internal sealed class Demo(string dataFolder, string outputFolder, string? backbone, int seed, int steps, int rows, CancellationToken cancel)
{
    private const int LlmMovies = 150;
    private const int LlmSteps = 3;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, double> _seconds = [];
    private double _phaseStart;

    /// <summary>The data lies in the repository; the demo may be started from anywhere in it.</summary>
    public static string FindData()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            string candidate = Path.Combine(d.FullName, "samples", "data", "ml-latest-small");
            if (Directory.Exists(candidate)) return candidate;
        }

        throw new DirectoryNotFoundException("samples/data/ml-latest-small was not found above the program: give --data.");
    }

    public int Run()
    {
        MLContext ml = new(seed);
        AnsiConsole.Write(new Rule("data") { Justification = Justify.Left });
        // A real LLM on two cores answers a few rows a minute: fewer movies and rows, and the same ones in every run.
        bool llm = backbone is not null;
        Dataset data = Dataset.Load(ml, dataFolder, llm ? LlmMovies : 0);
        IDataView test = Rows.Spread(ml, data.Test, rows > 0 ? rows : llm ? 12 : 0);
        IDataView valid = Rows.Spread(ml, data.Valid, llm ? 12 : 0);
        IDataView train = llm ? Rows.Spread(ml, data.Train, 600) : data.Train;
        Console.WriteLine($"{ml.Data.CreateEnumerable<Movie>(data.Items, true).Count()} movies; {data.Train.GetRowCount()} training, {data.Valid.GetRowCount()} validation, {data.Test.GetRowCount()} test rows");
        Done("data");

        AnsiConsole.Write(new Rule("baselines") { Justification = Justify.Left });
        Report report = new(ml, test);
        foreach ((string name, int[] ranks) in Baselines.LabelRanks(ml, data, test)) report.Add(name, ranks);
        Done("baselines");

        R2ecTrainer.Options options = new()
        {
            Items = data.Items, ItemIdColumnName = nameof(Movie.MovieId), TitleColumnName = nameof(Movie.Title), Category = "movie",
            ItemAttributes = [(nameof(Movie.Genres), "Genres")], Backbone = backbone, Seed = seed, CancellationToken = cancel,
            Settings = llm ? new R2ecSettings { Window = 10, MaxNewTokens = 48 } : null,
        };
        AnsiConsole.Write(new Rule("backbone and warm-up") { Justification = Justify.Left });
        options.RunRecPO = false;
        R2ecTransformer start = DemoProgress.Watch(p => { options.Progress = p; return ml.Recommendation().Trainers.R2ec(options).Fit(train, valid); });
        Done("warm-up");
        report.Add("R2ec before RecPO", start, valid);
        Done("evaluation before");

        AnsiConsole.Write(new Rule("RecPO") { Justification = Justify.Left });
        (options.RunRecPO, options.InitialModel, options.Backbone) = (true, start, null);
        if (llm) options.RecPO = RecPOOptions.Paper with { MaxSteps = steps > 0 ? steps : LlmSteps, UsersPerStep = 2, TrajectoriesPerUser = 4, SamplingTemperature = 1, EvaluateAtStart = false };
        else if (steps > 0) options.RecPO = RecPOOptions.Cpu with { MaxSteps = steps };
        R2ecTransformer model = DemoProgress.Watch(p => { options.Progress = p; return ml.Recommendation().Trainers.R2ec(options).Fit(train, valid); });
        Done("RecPO");
        report.Add("R2ec", model, valid);
        Done("evaluation after");

        AnsiConsole.Write(new Rule("result") { Justification = Justify.Left });
        report.Print();
        Directory.CreateDirectory(outputFolder);
        string zip = Path.Combine(outputFolder, "r2ec.zip");
        ml.Model.Save(model, train.Schema, zip);
        Done("save");

        AnsiConsole.Write(new Rule($"a second process loads {zip}") { Justification = Justify.Left });
        int exit = SecondProcess(zip);
        Done("second process");
        string result = Path.Combine(outputFolder, "result.json");
        report.Write(result, backbone, seed, _seconds);
        Console.WriteLine(FormattableString.Invariant($"{result} and {zip} written; {_clock.Elapsed.TotalSeconds:0} s in all"));
        return exit;
    }

    private void Done(string phase)
    {
        double now = _clock.Elapsed.TotalSeconds;
        _seconds[phase] = now - _phaseStart;
        _phaseStart = now;
    }

    private int SecondProcess(string zip)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!);
        // Started as `dotnet MovieLens.dll` the process is dotnet and needs to be told the program.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(Demo).Assembly.Location);
        foreach (string argument in (string[])["show", "--model", zip, "--data", dataFolder, "--movies", (backbone is null ? 0 : LlmMovies).ToString()]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
