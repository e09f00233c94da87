using RRec.Backbones;
using RRec.Data;
using RRec.Ranking;
using RRec.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>A whole training step of the authors' trainer, from token ids to moved weights: scoring, rewards, advantages, mini-batches, summed gradients, AdamW.</summary>
public sealed class EndToEndGoldenTests
{
    [GoldenTheory("goldens/recpo/e2e_gauss_mini4.safetensors")]
    [InlineData("gauss", 4)]
    [InlineData("gauss", 12)]
    [InlineData("loo", 4)]
    [InlineData("loo", 12)]
    public void One_official_training_step_equals_the_authors(string advantage, int miniBatch)
    {
        string name = $"e2e_{advantage}_mini{miniBatch}";
        GoldenTensors golden = new(name);
        using var scope = NewDisposeScope();
        using Backbone backbone = GoldenModel.Load();
        var parameters = backbone.TrainableParameters();
        int[] targets = golden.Ints("seq_labels"), history = golden.Ints("seq_input_ids");
        int width = (int)golden.Shape("seq_input_ids")[1], items = (int)golden.Shape("item_table")[0], group = 4, n = 12;

        int[][] itemRows = GoldenModel.Rows(golden, "item_input_ids", "item_attention_mask");
        using ItemTable table = new(backbone, new ItemPrompts(i => itemRows[Array.IndexOf(targets, i)], items), ItemTable.Normalize(tensor(golden.Floats("item_table"), [items, 64])));

        // Scoring: full rows, no cut.
        int[][] rows = GoldenModel.Rows(golden, "user_input_ids", "user_attention_mask");
        RewardParts[] rewards = new RewardParts[n];
        using (no_grad())
        {
            using PaddedBatch batchOfUsers = PaddedBatch.FromRows(rows);
            Tensor users = backbone.LastHidden(batchOfUsers);
            Close(golden.Floats("user_emb_scoring"), users, 2e-5);
            float[] scores = table.Scores(ItemTable.Normalize(users), 0.02).data<float>().ToArray();
            for (int i = 0; i < n; i++)
                rewards[i] = Reward.Of(scores.AsSpan(i * items, items), targets[i / group], history.AsSpan(i / group * width, width), items, 0.05, maskTarget: true);
        }

        float[] reward = golden.Floats("reward"), softmax = golden.Floats("softmax");
        for (int i = 0; i < n; i++)
        {
            Assert.Equal(softmax[i], rewards[i].Softmax, 5e-6);
            Assert.Equal(reward[i], rewards[i].Value, 1e-6);
        }

        RecPOOptions options = RecPOOptions.OfficialLauncher with
        {
            Compatibility = Compatibility.Official, OfficialMiniBatchSize = miniBatch, ClipNorm = 0, Advantage = advantage == "gauss" ? AdvantageType.Gaussian : AdvantageType.LeaveOneOut,
        };
        double[] advantages = Advantages.Compute([.. rewards.Select(r => r.Value)], group, options);
        for (int i = 0; i < n; i++) Assert.Equal(golden.Floats("advantage")[i], advantages[i], 1e-5);
        bool[] chosen = Advantages.Relabel(advantages, group, options);
        Assert.Equal(golden.Bools("relabel"), chosen);

        bool[] completion = golden.Bools("completion_mask");
        int longest = (int)golden.Shape("user_input_ids")[1];
        int[] promptLength = [.. rows.Select((r, i) => Enumerable.Range(0, r.Length).First(t => completion[i * longest + t]))];
        UpdateBatch batch = new()
        {
            Prompts = [.. Enumerable.Range(0, 3).Select(u => rows[u * group][..promptLength[u * group]])], RowIndexes = [0, 1, 2], Targets = targets,
            UserOf = [.. Enumerable.Range(0, n).Select(i => i / group)], Completions = [.. rows.Select((r, i) => r[promptLength[i]..])],
            PolicyMask = [.. rows.Select((r, i) => Enumerable.Repeat(true, r.Length - promptLength[i]).ToArray())], Advantages = advantages, Chosen = chosen,
            OldTokenLogProbs = new float[]?[n], OldItemLogProbs = [.. Enumerable.Repeat(float.NaN, n)],
        };
        GradientProbe probe = new();
        using AdamW optimizer = new(parameters);
        PurchaseRow[] train = [.. Enumerable.Range(0, 3).Select(_ => new PurchaseRow(default, 0))];
        UpdateStatistics statistics = new UpdatePlan(backbone, table, 0.02, train, optimizer, options with { AuxiliaryLoss = probe }).Run(batch, 1, 1e-3, what => new InvalidOperationException(what));

        Assert.Equal(golden.Floats("loss")[0], (statistics.PolicyLoss + statistics.ItemLoss) / (n / miniBatch), 1e-5);
        Assert.Equal(golden.Floats("mini_token_loss").Sum(), statistics.PolicyLoss, 1e-5);
        Assert.Equal(golden.Floats("mini_item_loss").Sum(), statistics.ItemLoss, 1e-5);
        GoldenModel.AssertGradients(golden, "grad/", probe.Seen!, 1e-4);
        foreach ((string key, Tensor p) in parameters)
        {
            float[] expected = golden.Floats("param_after/" + key), gradient = golden.Floats("grad/" + key), own = p.detach().reshape(-1).data<float>().ToArray();
            float most = golden.NamesUnder("grad/").Max(k => golden.Floats("grad/" + k).Max(Math.Abs));
            for (int i = 0; i < expected.Length; i++)
                if (Math.Abs(gradient[i]) > 1e-5 * most) Assert.True(Math.Abs(expected[i] - own[i]) <= 1e-6, $"{key}[{i}]: {own[i]} against {expected[i]}");
        }

        // The targets' fresh vectors stand in the table afterwards, those from before the step.
        float[] after = golden.Floats("item_table_after");
        Close(ItemTable.Normalize(tensor(after, [items, 64])).data<float>().ToArray(), table.Vectors, 2e-5);
    }

    // Looks at the gradients after all mini-batches and before the optimiser step.
    private sealed class GradientProbe : IAuxiliaryLoss
    {
        public Dictionary<string, float[]>? Seen { get; private set; }

        public Tensor Evaluate(Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step)
        {
            Assert.Equal([0, 1, 2], rowIndexes);
            Seen = GoldenModel.Gradients(backbone);
            return backbone.TrainableParameters()[0].Parameter.sum() * 0;
        }
    }

    private static void Close(float[] expected, Tensor own, double tolerance)
    {
        float[] values = own.detach().reshape(-1).data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - values[i]) <= tolerance, $"[{i}] {values[i]} against {expected[i]}");
    }
}
