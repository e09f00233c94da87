using RRec.Backbones;
using RRec.Tests.Backbones;
using RRec.WarmUp;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.WarmUp;

public sealed class WrittenLossTests
{
    [GoldenTheory(ModelGolden.Root), InlineData("qwen2", false), InlineData("qwen2", true), InlineData("gemma2", true)]
    public void Pieces_give_the_loss_and_the_gradients_of_the_whole(string family, bool full)
    {
        using var golden = new ModelGolden(family);
        Backbone backbone = golden.Backbone;
        if (full) backbone.UseFullFineTuning();
        else backbone.AttachLora(new LoraOptions { Rank = 4 }, seed: 2);
        foreach ((_, Tensor t) in backbone.TrainableParameters().Where(p => p.Name.Contains("lora", StringComparison.OrdinalIgnoreCase)))
            using (no_grad()) t.add_(0.02);
        (double value, double mean, Dictionary<string, float[]> whole) = Gradients(backbone, golden.Sequences, most: 1000);
        foreach (int most in new[] { 1, 4, 7 })
        {
            (double inPieces, double meanOfPieces, Dictionary<string, float[]> pieces) = Gradients(backbone, golden.Sequences, most);
            Assert.Equal(value, inPieces, 1e-5 * value);
            Assert.Equal(mean, meanOfPieces, 1e-5 * mean);
            Assert.Equal(whole.Keys.Order(), pieces.Keys.Order());
            foreach ((string name, float[] expected) in whole)
            {
                double norm = Math.Sqrt(expected.Sum(x => (double)x * x)), apart = Math.Sqrt(expected.Zip(pieces[name]).Sum(p => Math.Pow(p.First - p.Second, 2)));
                Assert.True(apart <= 1e-4 * norm + 1e-7, $"{name}: {apart} of {norm}");
            }
        }
    }

    // Of .7 times the language loss of all tokens of the sequences and of something else that is made of the same states.
    private static (double Value, double Mean, Dictionary<string, float[]> Gradients) Gradients(Backbone backbone, int[][] sequences, int most)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((_, Tensor t) in backbone.TrainableParameters()) t.grad?.zero_();
        int[] ids = sequences[0];
        using PaddedBatch batch = PaddedBatch.FromRows([ids]);
        Tensor hidden = backbone.Hidden(batch)[0];   // [tokens, hidden]
        (Tensor loss, double mean) = WrittenLoss.Of(backbone, hidden.narrow(0, 0, ids.Length - 1), batch.Ids[0].narrow(0, 1, ids.Length - 1), 0.7, most);
        Tensor both = loss + hidden.pow(2).mean();
        both.backward();
        return (loss.item<float>(), mean, backbone.TrainableParameters().Where(p => p.Parameter.grad is not null).ToDictionary(p => p.Name, p => p.Parameter.grad!.data<float>().ToArray()));
    }

    [GoldenFact(ModelGolden.Root)]
    public void Without_gradients_it_is_the_same_number()
    {
        using var golden = new ModelGolden("llama");
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows([golden.Sequences[0]]);
        Tensor hidden = golden.Backbone.Hidden(batch)[0], before = hidden.narrow(0, 0, hidden.shape[0] - 1), next = batch.Ids[0].narrow(0, 1, hidden.shape[0] - 1);
        (Tensor whole, double mean) = WrittenLoss.Of(golden.Backbone, before, next, 1, 1000);
        (Tensor pieces, double same) = WrittenLoss.Of(golden.Backbone, before, next, 1, 3);
        Assert.Equal(whole.item<float>(), pieces.item<float>(), 1e-4f);
        Assert.Equal(mean, same, 1e-5);
    }
}
