using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.Backbones;

public unsafe class KnownTokensTests
{
    private readonly List<int> _computed = [];

    // Three numbers per id: the id itself, thrice.
    private void Compute(int[] ids, nint to)
    {
        _computed.AddRange(ids);
        for (int i = 0; i < 3 * ids.Length; i++) ((float*)to)[i] = ids[i / 3];
    }

    [Fact]
    public void Every_id_is_computed_once_until_the_weights_are_others()
    {
        using var known = new KnownTokens(1000, 3);
        object weights = new();
        Assert.True(known.Learn(weights, [5, 7, 5, 5], Compute));
        Assert.True(known.Learn(weights, [7, 999, 0], Compute));
        Assert.Equal([5, 7, 999, 0], _computed);
        foreach (int id in new[] { 0, 5, 7, 999 }) Assert.Equal((float)id, known[id][2]);
        Assert.True(known.Learn(new object(), [7], Compute));
        Assert.Equal([5, 7, 999, 0, 7], _computed);
    }

    [Fact]
    public void What_was_known_makes_room_for_what_is_asked_for_and_too_much_at_once_is_refused()
    {
        using var known = new KnownTokens(1000, 3, mostBytes: 200 * 3 * sizeof(float));
        object weights = new();
        Assert.True(known.Learn(weights, Enumerable.Range(0, 150), Compute));
        Assert.True(known.Learn(weights, Enumerable.Range(100, 180), Compute));
        for (int id = 100; id < 280; id++) Assert.Equal((float)id, known[id][0]);
        Assert.False(known.Learn(weights, Enumerable.Range(0, 201), Compute));
        Assert.True(known.Learn(weights, [300, 301], Compute));
        Assert.Equal(301f, known[301][1]);
    }

    [Fact]
    public void What_could_not_be_computed_is_not_known()
    {
        using var known = new KnownTokens(1000, 3);
        object weights = new();
        Assert.Throws<OutOfMemoryException>(() => known.Learn(weights, [5], (_, _) => throw new OutOfMemoryException()));
        Assert.True(known.Learn(weights, [5], Compute));
        Assert.Equal(5f, known[5][0]);
    }

    [GoldenFact(ModelGolden.Root)]
    public void A_state_is_the_same_to_the_bit_whether_its_tokens_were_known_or_not()
    {
        using var golden = new ModelGolden("qwen3");
        using IDisposable noGrad = no_grad();
        int[][] rows = [.. Enumerable.Range(0, 150).Select(i => (int[])[.. Enumerable.Range(i, 1 + i % 37)])];   // no common start
        using PaddedBatch batch = PaddedBatch.FromRows(rows);
        Tensor zero = zeros([batch.Rows, batch.Tokens, golden.Backbone.Config.HiddenSize]);   // something to add to the embeddings: ids no longer say everything
        Assert.Equal(golden.Backbone.LastHidden(batch, zero).data<float>().ToArray(), golden.Backbone.LastHidden(batch).data<float>().ToArray());
    }

    [GoldenFact(ModelGolden.Root)]
    public void Weights_that_training_changed_in_place_are_seen_at_once()
    {
        using var golden = new ModelGolden("qwen2");
        using IDisposable noGrad = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows([.. golden.Sequences]);
        Tensor before = golden.Backbone.LastHidden(batch);
        golden.Backbone.AttachLora(new LoraOptions { Rank = 4 }, seed: 3);
        foreach ((_, Tensor t) in golden.Backbone.TrainableParameters()) t.add_(0.05);
        Tensor packed = golden.Backbone.LastHidden(batch);
        golden.Backbone.UsePacked = false;
        Assert.True(ModelGolden.Difference(packed, golden.Backbone.LastHidden(batch)) < 2e-4);
        Assert.True(ModelGolden.Difference(packed, before) > 1e-2);
    }
}
