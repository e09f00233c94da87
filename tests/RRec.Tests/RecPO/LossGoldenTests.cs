using System.Text.Json;
using RRec.Backbones;
using RRec.Ranking;
using RRec.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>Losses and all gradients of a mini-batch against the authors' functions, in the per-trajectory form and in theirs.</summary>
public sealed class LossGoldenTests
{
    private const double Tau = 0.02;

    // The goldens' adapters train every completion token, and the item loss is over the 3 targets.
    private static readonly RecPOOptions PerTrajectory = new() { TrajectoriesPerUser = 4, ClipNorm = 0 };
    private static readonly RecPOOptions Official = PerTrajectory with { Compatibility = Compatibility.Official, OfficialMiniBatchSize = 12 };

    [GoldenTheory("goldens/recpo/loss_pertraj_onpolicy.safetensors")]
    [InlineData("pertraj_onpolicy", 1.0, 1.0, 1e-4)]
    [InlineData("pertraj_onpolicy", 1.0, 0.0, 1e-4)]
    [InlineData("pertraj_onpolicy", 0.0, 1.0, 1e-4)]
    [InlineData("pertraj_clip", 1.0, 1.0, 1e-4)]
    [InlineData("pertraj_clip", 1.0, 0.0, 1e-4)]
    public void Per_trajectory_losses_and_gradients_equal_the_authors_run_on_single_rows(string name, double policyWeight, double itemWeight, double share)
    {
        GoldenTensors golden = new($"loss_{name}");
        JsonElement facts = GoldenJson.Root.GetProperty("loss").GetProperty(name);
        (UpdateStatistics own, Dictionary<string, float[]> gradients) = Run(golden, PerTrajectory with { PolicyLossWeight = policyWeight, ItemLossWeight = itemWeight }, pieces: 1);
        if (policyWeight > 0) Assert.Equal(facts.GetProperty("token_loss_tokenmean").GetDouble(), own.PolicyLoss, 1e-5);
        Assert.Equal(facts.GetProperty("item_loss").GetDouble(), own.ItemLoss, 1e-5);
        if (policyWeight == 0) GoldenModel.AssertGradients(golden, "grad_item/", gradients, share);
        else if (itemWeight == 0) GoldenModel.AssertGradients(golden, "grad_token_tokenmean/", gradients, share);
        else
        {
            Dictionary<string, float[]> item = golden.NamesUnder("grad_item/").ToDictionary(n => n, n => golden.Floats("grad_item/" + n));
            GoldenModel.AssertGradients(golden, "grad_token_tokenmean/", gradients, share, (key, i) => item[key][i]);
        }
    }

    [GoldenFact("goldens/recpo/loss_pertraj_clip.safetensors")]
    public void Pieces_of_a_mini_batch_add_up_to_the_whole()
    {
        GoldenTensors golden = new("loss_pertraj_clip");
        (UpdateStatistics whole, Dictionary<string, float[]> one) = Run(golden, PerTrajectory, pieces: 1);
        (UpdateStatistics parts, Dictionary<string, float[]> four) = Run(golden, PerTrajectory, pieces: 4);
        Assert.Equal(whole.PolicyLoss, parts.PolicyLoss, 1e-5);
        Assert.Equal(whole.ItemLoss, parts.ItemLoss, 1e-5);
        float largest = one.Values.Max(g => g.Max(Math.Abs));
        foreach ((string key, float[] g) in one)
            for (int i = 0; i < g.Length; i++) Assert.True(Math.Abs(g[i] - four[key][i]) <= 2e-5 * largest);
    }

    [GoldenTheory("goldens/recpo/loss_onpolicy.safetensors")]
    [InlineData("onpolicy")]
    [InlineData("onpolicy_raw")]
    [InlineData("clip")]
    [InlineData("group0_gauss")]
    [InlineData("group1_gauss")]
    [InlineData("group2_gauss")]
    public void The_official_form_equals_the_authors(string name)
    {
        GoldenTensors golden = new($"loss_{name}");
        JsonElement facts = GoldenJson.Root.GetProperty("loss").GetProperty(name);
        (UpdateStatistics own, Dictionary<string, float[]> gradients) = Run(golden, Official, pieces: 1);
        Assert.Equal(facts.GetProperty("token_loss").GetDouble(), own.PolicyLoss, 1e-5);
        Assert.Equal(facts.GetProperty("item_loss").GetDouble(), own.ItemLoss, 1e-5);
        GoldenModel.AssertGradients(golden, "grad/", gradients, 1e-4);
    }

    [GoldenFact("goldens/recpo/loss_group0_gauss.safetensors")]
    public void The_authors_policy_gradient_vanishes_on_whole_groups_where_ours_does_not()
    {
        foreach (string name in new[] { "group0_gauss", "group1_gauss", "group2_gauss" })
        {
            GoldenTensors golden = new($"loss_{name}");
            Assert.InRange(Norm(Run(golden, Official with { ItemLossWeight = 0 }, 1).Gradients), 0, 1e-3);
            Assert.True(Norm(Run(golden, PerTrajectory with { ItemLossWeight = 0 }, 1).Gradients) > 10);
        }
    }

    [GoldenFact("goldens/recpo/loss_onpolicy.safetensors")]
    public void Embeddings_scores_and_the_refreshed_table_equal_the_authors()
    {
        GoldenTensors golden = new("loss_onpolicy");
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        using Backbone backbone = GoldenModel.Load();
        using PaddedBatch users = PaddedBatch.FromRows(GoldenModel.Rows(golden, "input_ids", "attention_mask"));
        using PaddedBatch items = PaddedBatch.FromRows(GoldenModel.Rows(golden, "item_input_ids", "item_attention_mask"));
        Tensor user = backbone.LastHidden(users), item = backbone.LastHidden(items);
        Close(golden.Floats("user_emb"), user, 2e-5);
        Close(golden.Floats("item_emb"), item, 2e-5);
        int[] labels = golden.Ints("in_batch_labels");
        Tensor logProbs = RecPOLoss.TargetLogProbs(ItemTable.Normalize(user), ItemTable.Normalize(item), labels, Tau);
        Close(golden.Floats("target_prob"), logProbs.exp(), 5e-6);
    }

    private static (UpdateStatistics Statistics, Dictionary<string, float[]> Gradients) Run(GoldenTensors golden, RecPOOptions options, int pieces)
    {
        using var scope = NewDisposeScope();
        using Backbone backbone = GoldenModel.Load();
        foreach ((_, Tensor p) in backbone.TrainableParameters()) Assert.True(p.requires_grad);
        int[][] itemRows = GoldenModel.Rows(golden, "item_input_ids", "item_attention_mask");
        using ItemTable items = new(backbone, new ItemPrompts(i => itemRows[i], itemRows.Length), zeros(itemRows.Length, backbone.Config.HiddenSize));
        UpdateBatch batch = GoldenModel.Batch(golden, [.. Enumerable.Range(0, itemRows.Length)]);
        PolicyUpdate update = new(backbone, items, Tau, options);
        using PolicyUpdate.Candidates candidates = update.Encode([.. Enumerable.Range(0, itemRows.Length)], batch.Targets, 1);
        UpdateStatistics statistics = new();
        int tokens = batch.PolicyTokens(0, batch.Count), size = batch.Count / pieces;
        for (int start = 0; start < batch.Count; start += size) update.Backward(batch, start, start + size, candidates, tokens, batch.Count, statistics);
        candidates.Backward();
        statistics.Read();
        return (statistics, GoldenModel.Gradients(backbone));
    }

    private static double Norm(Dictionary<string, float[]> gradients) => Math.Sqrt(gradients.Values.Sum(g => g.Sum(x => (double)x * x)));

    private static void Close(float[] expected, Tensor own, double tolerance)
    {
        float[] values = own.detach().reshape(-1).data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - values[i]) <= tolerance, $"[{i}] {values[i]} against {expected[i]}");
    }
}
