using System.CommandLine;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>Exact search for the best items of many users, against the products alone, and against all scores at once and a selection on each row.</summary>
internal static class TopKBench
{
    public static Command Command()
    {
        var command = new Command("topk", "Exact top-k of all items for many users, GFLOP/s of the scores (FAISS flat: 3 on one thread).");
        Option<int> items = Number("--items", 1_000_000), users = Number("--users", 1000), width = Number("--width", 128), k = Number("--k", 10), threads = Number("--threads", 0);
        foreach (Option<int> option in new[] { items, users, width, k, threads }) command.Options.Add(option);
        var busy = new Option<bool>("--processor-time") { Description = "Processor seconds instead of the clock's: for a machine that is busy otherwise; with --threads 1." };
        command.Options.Add(busy);
        command.SetAction(r =>
        {
            BenchLine.ProcessorTime = r.GetValue(busy);
            if (r.GetValue(threads) > 0) set_num_threads(r.GetValue(threads));
            Run(r.GetValue(items), r.GetValue(users), r.GetValue(width), r.GetValue(k));
        });
        return command;

        static Option<int> Number(string name, int value) => new(name) { DefaultValueFactory = _ => value };
    }

    private static void Run(int items, int users, int width, int k)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        manual_seed(1);
        Tensor vectors = ItemTable.Normalize(randn([items, width])), rows = ItemTable.Normalize(randn([users, width]));
        using var table = new ItemTable(null!, null!, vectors);
        var random = new Random(1);
        // Every user has bought a hundred items.
        OpenItems[] open = [.. Enumerable.Range(0, users).Select(_ => new OpenItems(null, null, [.. Enumerable.Range(0, 100).Select(_ => random.Next(items))]))];
        int[] labels = [.. Enumerable.Range(0, users).Select(_ => random.Next(items))];
        double flops = 2e-9 * items * users * width, gemm = GemmBench.Gflops(users, width, Math.Min(items, 8192));
        double memory = Environment.WorkingSet;
        Found[] found = [];
        double plain = BenchLine.Seconds(() => found = table.Best(rows, 0.02, k, open, null), 1);
        double more = Environment.WorkingSet - memory;
        double ranked = BenchLine.Seconds(() => table.Best(rows, 0.02, k, open, labels), 1);

        // All scores of a row at once: only so many rows that they fit into memory.
        int few = (int)Math.Clamp(64_000_000L / items, 1, users);
        double dense = BenchLine.Seconds(() =>
        {
            using DisposeScope inner = NewDisposeScope();
            float[] scores = table.Scores(rows.narrow(0, 0, few), 0.02).data<float>().ToArray();
            for (int i = 0; i < few; i++)
            {
                Span<float> row = scores.AsSpan(i * items, items);
                foreach (int bought in open[i].Excluded!) row[bought] = float.NegativeInfinity;
                if (!TopK.Select(row, k).ToHashSet().SetEquals(found[i].Items)) Console.WriteLine($"# row {i}: the two ways differ (rounding of nearly equal scores?)");
            }
        }, 1) * users / few;
        string shape = $"[{users},{width}]x[{width},{items}] k={k}";
        new BenchLine("topk", shape, flops / plain, "GFLOP/s", flops / dense, gemm).Write();
        new BenchLine("topk-and-rank", shape, flops / ranked, "GFLOP/s", flops / dense, gemm).Write();
        new BenchLine("topk-memory", shape, more / (1 << 20), "MiB", 4.0 * items * users / (1 << 20)).Write();
    }
}
