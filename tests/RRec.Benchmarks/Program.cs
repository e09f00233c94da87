// ./rrec bench NAME and ./rrec doctor. Every benchmark is a Command in a file of its own; this one only lists them.
using System.CommandLine;
using RRec.Benchmarks;
using RRec.Benchmarks.Quality;
using RRec.TestSupport;

if (args is [SoakTraining.ChildVerb, ..]) return SoakTraining.Child(args); // the process that `bench soak` watches
if (args is [CrashTraining.ChildVerb, ..]) return CrashTraining.Child(args); // the process that `bench crash` kills

RootCommand root = new("Benchmarks of RRec.MLNet; without a name, all that measure speed. Each prints JSON lines and appends them to artifacts/bench.jsonl.");
AllBench.AddTo(root);
root.Subcommands.Add(Doctor.Command());
root.Subcommands.Add(TokenizeBenchmark.Command());
root.Subcommands.Add(LoadBenchmark.Command());
root.Subcommands.Add(GemmBench.Command());
root.Subcommands.Add(GenerateBench.Command());
root.Subcommands.Add(ItemsBench.Command());
root.Subcommands.Add(TopKBench.Command());
root.Subcommands.Add(LatencyBench.Command());
root.Subcommands.Add(LlamaBench.Command());
root.Subcommands.Add(StepBench.Command());
root.Subcommands.Add(StepMemoryBench.ChildCommand());
root.Subcommands.Add(GpuBench.Command());
root.Subcommands.Add(CrashBench.Command());
root.Subcommands.Add(SoakBench.Command());
root.Subcommands.Add(ScoreBench.Command());
root.Subcommands.Add(MemoryBench.Command());
root.Subcommands.Add(ZipBench.Command());
root.Subcommands.Add(CatalogueExperiments.Command());
root.Subcommands.Add(QualityBench.Command());
root.Subcommands.Add(LlmBench.Command());
root.Subcommands.Add(AblationBench.Command());
return await root.Parse(args).InvokeAsync();
