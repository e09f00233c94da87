using System.CommandLine;
using RRec.Backbones;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>Encoding an item table: packed rows behind one instruction, against the products alone, and against one item at a time.</summary>
internal static class ItemsBench
{
    private const int PerPass = 512;   // tokens whose products are the bound, beside all of them

    public static Command Command()
    {
        var command = new Command("items", "Encoding of an item table, tokens behind the instruction per second; random weights of the catalogue backbone's and SmolLM2's shapes.");
        var threads = new Option<int>("--threads") { Description = "CPU threads; 0: all." };
        var only = new Option<string?>("--only") { Description = "catalogue or smollm2." };
        command.Options.Add(threads);
        command.Options.Add(only);
        var items = new Option<int>("--items") { Description = "Items of the catalogue backbone's shape. Few of them make short runs, of which some are undisturbed on a busy machine.", DefaultValueFactory = _ => 2000 };
        command.Options.Add(items);
        var busy = new Option<bool>("--processor-time") { Description = "Processor seconds instead of the clock's: for a machine that is busy otherwise; with --threads 1." };
        command.Options.Add(busy);
        command.SetAction(r =>
        {
            BenchLine.ProcessorTime = r.GetValue(busy);
            if (r.GetValue(threads) > 0) set_num_threads(r.GetValue(threads));
            if (r.GetValue(only) is null or "catalogue") Measure("catalogue", BenchShapes.Random(BenchShapes.Config("catalogue")), r.GetValue(items), 10, 12);
            if (r.GetValue(only) is null or "smollm2") Measure("smollm2", BenchShapes.Random(BenchShapes.Config("smollm2")), 40, 48, 60);
        });
        return command;
    }

    private static void Measure(string name, Backbone backbone, int items, int instruction, int own)
    {
        using (backbone)
        {
            using IDisposable noGrad = no_grad();
            var random = new Random(1);
            int[] Ids(int n) => [.. Enumerable.Range(0, n).Select(_ => random.Next(backbone.Config.VocabularySize))];
            int[] start = Ids(instruction);
            int[][] prompts = [.. Enumerable.Range(0, items).Select(_ => (int[])[.. start, .. Ids(own / 2 + random.Next(own))])];
            double tokens = prompts.Sum(p => (double)p.Length - instruction);
            using var table = new ItemTable(backbone, new ItemPrompts(i => prompts[i], items), zeros(items, backbone.Config.HiddenSize));
            double seconds = BenchLine.Seconds(() => table.Refresh(), 4);
            Dictionary<string, double> parts = [];   // the least that each part took
            for (int i = 0; i < 3; i++)
            {
                PartTimes times = backbone.Packed.Times = new PartTimes(BenchLine.ProcessorTime);
                table.Refresh();
                times.Add("between passes");
                backbone.Packed.Times = null;
                times.Least(parts);
            }
            Console.WriteLine($"# ms by part: {PartTimes.Text(parts)}");
            int few = Math.Min(items, 20);
            double alone = BenchLine.Seconds(() =>
            {
                for (int i = 0; i < few; i++) table.Refresh([i]);
            }, 1);
            double aloneRate = prompts.Take(few).Sum(p => (double)p.Length - instruction) / alone;
            (double products, double first) = Products(backbone.Config, tokens, items);
            var line = new BenchLine($"items-{name}", $"items={items} instruction={instruction} tokens={tokens}", tokens / seconds, "tokens/s", aloneRate, tokens / products);
            double distinct = prompts.SelectMany(p => p.Skip(instruction)).Distinct().Count();
            if (name == "catalogue") Console.WriteLine($"# {distinct} different ids among {tokens} tokens: share of the products that are left {(products - first * (tokens - distinct)) / seconds:F3}");
            line.Write();
        }
    }

    // What the same products need alone, at the best rate that this machine has for each shape: every token through all layers but the last, of which it needs keys and
    // values; queries and the rest of the last layer for one token per item. Also how much of it the first layer's queries, keys and values of one token are.
    private static (double All, double First) Products(BackboneConfig c, double tokens, int items)
    {
        int h = c.HiddenSize, q = c.Heads * c.HeadSize, kv = 2 * c.KeyValueHeads * c.HeadSize, m = c.IntermediateSize;
        var lines = new List<string>();
        double Each(int k, int n)
        {
            (double rate, string whose) = new[] { PerPass, (int)tokens }.SelectMany(rows => GemmBench.Rates(rows, k, n).Select(r => (r.Gflops, $"{r.Whose} at {rows} rows"))).Max();
            lines.Add($"[{k},{n}] {rate:F0} ({whose})");
            return 2e-9 * k * n / rate;
        }
        double keys = Each(h, kv), queries = Each(h, q), rest = queries + Each(q, h) + Each(h, 2 * m) + Each(m, h);
        Console.WriteLine($"# best GFLOP/s by shape: {string.Join(", ", lines)}");
        return (tokens * ((c.Layers - 1) * (keys + rest) + keys) + items * rest, keys + queries);
    }
}
