using Microsoft.ML;
using RRec.Text;

namespace RRec.MLNet.Tests;

/// <summary>What belongs to a backbone that the user brings: an adapter to start from, a chat format, and the adapter back out.</summary>
public sealed class GivenBackboneTests
{
    private const string Tiny = "goldens/recpo/tiny-qwen2";

    private static R2ecTrainer.Options Options(MLContext ml) => new()
    {
        Items = SmallShop.Items(ml), ItemIdColumnName = "ItemId", Backbone = Goldens.PathOf(Tiny), RunRecPO = false, Seed = 1,
        Settings = new R2ecSettings { UseReasoning = false, Window = 3 },
    };

    private static R2ecTransformer Fit(MLContext ml, R2ecTrainer.Options options) =>
        ml.Recommendation().Trainers.R2ec(options).Fit(ml.Data.TakeRows(SmallShop.Histories(ml), 4));

    private static float[] Scores(MLContext ml, R2ecTransformer model) =>
        ml.Data.CreateEnumerable<Scored>(model.Transform(ml.Data.TakeRows(SmallShop.Histories(ml), 2)), reuseRowObject: false).SelectMany(s => s.Score).ToArray();

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }

    [GoldenFact(Tiny)]
    public void An_adapter_given_is_used_and_comes_out_again_as_it_went_in()
    {
        MLContext ml = new(1);
        R2ecTrainer.Options options = Options(ml);
        float[] without = Scores(ml, Fit(ml, options));
        options.Adapter = Goldens.PathOf(Tiny + "/lora");
        R2ecTransformer model = Fit(ml, options);
        Assert.NotEqual(without, Scores(ml, model));

        string folder = Path.Combine(AppContext.BaseDirectory, "adapter-out");
        model.SaveAdapter(folder);
        using Weights.SafetensorsFile given = Weights.SafetensorsFile.Open(Path.Combine(options.Adapter, "adapter_model.safetensors"));
        using Weights.SafetensorsFile saved = Weights.SafetensorsFile.Open(Path.Combine(folder, "adapter_model.safetensors"));
        Assert.Equal(given.Names.Order(StringComparer.Ordinal), saved.Names.Order(StringComparer.Ordinal));
        foreach (string name in given.Names)
        {
            using TorchSharp.torch.Tensor a = given.Read(name), b = saved.Read(name);
            Assert.True(a.allclose(b, 0, 0), name);
        }
    }

    [GoldenFact(Tiny)]
    public void A_chat_format_of_a_few_strings_is_what_prompts_are_written_in()
    {
        MLContext ml = new(1);
        R2ecTrainer.Options options = Options(ml);
        options.Chat = new ChatFormat { UserStart = "Q: ", UserEnd = "\n", AssistantStart = "A: ", AssistantEnd = "\n" };
        R2ecModel model = Fit(ml, options).Model;
        string prompt = model.Tokenizer.DecodeIds(model.Writer.ItemPrompt(0, 256), skipSpecialTokens: false);
        Assert.StartsWith("Q: ", prompt);
        Assert.EndsWith("A: <answer>", prompt);
    }

    [Fact]
    public void What_belongs_to_a_backbone_is_refused_without_one()
    {
        MLContext ml = new(1);
        ArgumentException error = Assert.Throws<ArgumentException>(() => ml.Recommendation().Trainers.R2ec(new R2ecTrainer.Options { Items = SmallShop.Items(ml), Chat = new ChatFormat() }));
        Assert.Contains("Backbone", error.Message);
    }
}
