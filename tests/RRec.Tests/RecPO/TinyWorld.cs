using RRec.Backbones;
using RRec.Data;
using RRec.RecPO;
using RRec.Text;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>A model of random weights over thirty invented items, small enough that a training step takes milliseconds. The tokenizer is the goldens' tiny one.</summary>
internal static class TinyWorld
{
    public const string Needs = "goldens/recpo/tiny-qwen2";

    public static Catalogue Catalogue { get; } = new(
        [.. Enumerable.Range(0, 30).Select(i => new CatalogueItem($"i{i}", $"{(i % 2 == 0 ? "Red" : "Blue")} thing {i}", [new("Kind", [i % 3 == 0 ? "round" : "flat"])]))], "thing");

    public static R2ecModel Model(R2ecSettings? settings = null)
    {
        string folder = Goldens.PathOf(Needs);
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(folder);
        Backbone backbone = Backbone.Load(folder, CPU, ScalarType.Float32);
        return new R2ecModel(backbone, tokenizer, ChatFormat.Detect(folder), Prompts, Catalogue, settings ?? new R2ecSettings { Window = 3, MaxNewTokens = 4, Temperature = 0.1 });
    }

    // Short prompts keep the tests quick.
    private static PromptFormat Prompts { get; } = PromptFormat.R2ec with { UserIntro = "Next?", HistoryLine = "{title}", ItemText = "{title}" };

    /// <summary>Rows whose target follows from the last item.</summary>
    public static PurchaseRow[] Rows(int count, int seed = 1)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(r =>
        {
            int[] items = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(30))];
            return new PurchaseRow(new UserHistory(items), (items[^1] + 7) % 30, $"u{r % 7}");
        })];
    }

    /// <summary>All trained numbers of a model in one row.</summary>
    public static float[] Weights(R2ecModel model)
    {
        using var scope = NewDisposeScope();
        return [.. model.Backbone.TrainableParameters().SelectMany(p => p.Parameter.detach().reshape(-1).data<float>().ToArray()), .. model.Items.Vectors.reshape(-1).data<float>().ToArray()];
    }

    public static RecPOOptions Options { get; } = new()
    {
        TrajectoriesPerUser = 3, UsersPerStep = 4, MaxSteps = 6, LearningRate = 1e-3, Tuning = Tuning.Full, EvaluationSteps = 3, Seed = 5, AdvantageScale = AdvantageScale.Batch,
    };
}

/// <summary>Keeps every report, and does something else with it.</summary>
internal sealed class Listener(List<R2ecProgress> seen, Action<R2ecProgress>? also = null) : IProgress<R2ecProgress>
{
    public void Report(R2ecProgress value)
    {
        seen.Add(value);
        also?.Invoke(value);
    }
}
