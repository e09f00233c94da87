using RRec.Backbones;
using RRec.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>The tiny Qwen2 with its adapter, and golden batches of padded rows taken apart into prompts and completions.</summary>
internal static class GoldenModel
{
    public static Backbone Load()
    {
        Backbone backbone = Backbone.Load(Goldens.PathOf("goldens/recpo/tiny-qwen2"), CPU, ScalarType.Float32);
        backbone.LoadAdapter(Goldens.PathOf("goldens/recpo/tiny-qwen2/lora"));
        return backbone;
    }

    /// <summary>Rows of a padded id matrix, cut at their attention mask.</summary>
    public static int[][] Rows(GoldenTensors golden, string ids, string mask)
    {
        long[] shape = golden.Shape(ids);
        int[] all = golden.Ints(ids), attended = golden.Ints(mask);
        return [.. Enumerable.Range(0, (int)shape[0]).Select(r => Enumerable.Range(0, (int)shape[1]).Where(t => attended[r * (int)shape[1] + t] != 0).Select(t => all[r * (int)shape[1] + t]).ToArray())];
    }

    /// <summary>The batch of a loss golden; one prompt per trajectory, because the rows of a group may have lost different columns.</summary>
    public static UpdateBatch Batch(GoldenTensors golden, int[] itemOfLabel)
    {
        int[][] rows = Rows(golden, "input_ids", "attention_mask");
        int width = (int)golden.Shape("input_ids")[1], n = rows.Length;
        bool[] completion = golden.Bools("completion_mask");
        int[] promptLength = [.. Enumerable.Range(0, n).Select(r => Enumerable.Range(0, rows[r].Length).First(t => completion[r * width + t]))];
        int[] labels = golden.Ints("in_batch_labels");
        float[]? oldTokens = golden.Names.Contains("old_logps") ? golden.Floats("old_logps") : null;
        return new UpdateBatch
        {
            Prompts = [.. rows.Select((r, i) => r[..promptLength[i]])], RowIndexes = [.. Enumerable.Range(0, n)], Targets = [.. labels.Select(l => itemOfLabel[l])],
            UserOf = [.. Enumerable.Range(0, n)], Completions = [.. rows.Select((r, i) => r[promptLength[i]..])],
            PolicyMask = [.. rows.Select((r, i) => Enumerable.Repeat(true, r.Length - promptLength[i]).ToArray())],
            Advantages = golden.Doubles("advantages"), Chosen = golden.Bools("relabel_mask"),
            OldTokenLogProbs = [.. rows.Select((r, i) => oldTokens is null ? null : Enumerable.Range(promptLength[i] - 1, r.Length - promptLength[i]).Select(t => oldTokens[i * (width - 1) + t]).ToArray())],
            OldItemLogProbs = golden.Names.Contains("old_target_prob") ? [.. golden.Floats("old_target_prob").Select(p => (float)Math.Log(p))] : [.. Enumerable.Repeat(float.NaN, n)],
        };
    }

    /// <summary>All gradients by the adapter's names.</summary>
    public static Dictionary<string, float[]> Gradients(Backbone backbone) =>
        backbone.TrainableParameters().ToDictionary(p => p.Name, p => p.Parameter.grad is { } g ? g.reshape(-1).data<float>().ToArray() : new float[p.Parameter.numel()]);

    /// <summary>Gradients agree to a share of the golden's largest entry.</summary>
    public static void AssertGradients(GoldenTensors golden, string prefix, Dictionary<string, float[]> own, double share, Func<string, int, float>? plus = null)
    {
        string[] names = [.. golden.NamesUnder(prefix)];
        Assert.Equal(42, names.Length);
        float largest = names.Max(n => golden.Floats(prefix + n).Select((x, i) => Math.Abs(x + (plus?.Invoke(n, i) ?? 0))).Max());
        foreach (string name in names)
        {
            float[] expected = golden.Floats(prefix + name);
            Assert.True(own.ContainsKey(name), $"No parameter '{name}'; there are {string.Join(", ", own.Keys.Take(3))}...");
            for (int i = 0; i < expected.Length; i++)
            {
                double wanted = expected[i] + (plus?.Invoke(name, i) ?? 0);
                Assert.True(Math.Abs(own[name][i] - wanted) <= share * largest, $"{prefix}{name}[{i}]: {own[name][i]} against {wanted}, largest {largest}");
            }
        }
    }
}
