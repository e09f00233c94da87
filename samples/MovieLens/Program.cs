// ./rrec demo: R2ec on MovieLens, from two CSV files to recommendations with reasons in another process.
using System.CommandLine;
using MovieLens;

Option<DirectoryInfo?> data = new("--data") { Description = "Folder with ratings.csv and movies.csv (default: samples/data/ml-latest-small)." };
Option<DirectoryInfo> output = new("--output") { Description = "Where result.json and the model zip go.", DefaultValueFactory = _ => new DirectoryInfo(Path.Combine("artifacts", "demo")) };
Option<DirectoryInfo?> backbone = new("--backbone") { Description = "A Hugging Face folder of a real LLM; without it a small backbone is made from the catalogue." };
Option<int> seed = new("--seed") { Description = "Seed of everything random.", DefaultValueFactory = _ => 1 };
Option<int> steps = new("--steps") { Description = "RecPO steps; 0: as many as suit the backbone.", DefaultValueFactory = _ => 0 };
Option<int> rows = new("--rows") { Description = "Test rows that are reported, spread evenly; 0: as many as suit the backbone.", DefaultValueFactory = _ => 0 };

RootCommand root = new("Fits R2ec on MovieLens, evaluates it beside two baselines, saves it and loads it in a second process.") { data, output, backbone, seed, steps, rows };
root.SetAction((result, cancel) => Task.FromResult(new Demo(
    result.GetValue(data)?.FullName ?? Demo.FindData(), result.GetValue(output)!.FullName, result.GetValue(backbone)?.FullName,
    result.GetValue(seed), result.GetValue(steps), result.GetValue(rows), cancel).Run()));

Option<FileInfo> model = new("--model") { Description = "The zip that the demo saved.", Required = true };
Option<int> movies = new("--movies") { Description = "The number of movies that the model was fitted on; 0: all." };
Command show = new("show", "Loads a saved model and answers for three users of the test rows.") { data, model, movies };
show.SetAction(result => Show.Run(result.GetValue(model)!.FullName, result.GetValue(data)?.FullName ?? Demo.FindData(), result.GetValue(movies)));
root.Subcommands.Add(show);

return await root.Parse(args).InvokeAsync();
