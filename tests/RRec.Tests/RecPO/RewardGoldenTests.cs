using System.Text.Json;
using RRec.RecPO;

namespace RRec.Tests.RecPO;

/// <summary>Rewards, ranks, advantages and the choice of trajectories against the authors' own functions.</summary>
public sealed class RewardGoldenTests
{
    [GoldenTheory("goldens/recpo/golden.json")]
    [InlineData("g4_k10")]
    [InlineData("g8_k1000")]
    [InlineData("g4_equal")]
    [InlineData("g4_ties_masked")]
    public void Rewards_from_cosines_equal_the_authors(string name)
    {
        GoldenTensors golden = new($"reward_{name}");
        JsonElement facts = GoldenJson.Root.GetProperty("reward").GetProperty(name);
        int group = facts.GetProperty("G").GetInt32(), k = facts.GetProperty("reward_ndcg_k").GetInt32();
        HashSet<int> tiedRows = [.. facts.GetProperty("tie_rows").EnumerateArray().Select(t => t.GetProperty("row").GetInt32())];
        int[] targets = golden.Ints("target"), history = golden.Ints("history_padded");
        int historyWidth = (int)golden.Shape("history_padded")[1];
        float[] ndcg = golden.Floats("ndcg"), softmax = golden.Floats("softmax"), reward = golden.Floats("reward"), similarity = golden.Floats("similarity");
        long[] rank = golden.Longs("rank_in_topk");
        int items = (int)golden.Shape("item_table")[0];
        for (int row = 0; row < reward.Length; row++)
        {
            float[] scores = Cosines(golden.Row("user_emb", row), golden.Floats("item_table"), items);
            int[] masked = history[(row / group * historyWidth)..((row / group + 1) * historyWidth)]; // padded with 0, so that row 0 is masked as there (O6)
            RewardParts parts = Reward.Of(scores, targets[row / group], masked, k, 0.05, maskTarget: true);
            Assert.InRange(parts.Softmax, softmax[row] - 5e-6, softmax[row] + 5e-6);
            for (int i = 0; i < items; i++)
                if (!masked.Contains(i)) Assert.InRange(scores[i], similarity[row * items + i] - 1e-4f, similarity[row * items + i] + 1e-4f);
            if (tiedRows.Contains(row) || masked.Contains(targets[row / group]))
            {
                TieIntervalHolds(scores, targets[row / group], masked, parts.Rank);
                continue;
            }

            Assert.Equal(rank[row] == 0 ? 0 : rank[row], parts.Rank <= k ? parts.Rank : 0);
            Assert.InRange(parts.Ndcg, ndcg[row] - 1e-6, ndcg[row] + 1e-6);
            Assert.InRange(parts.Value, reward[row] - 1e-6, reward[row] + 1e-6);
        }
    }

    // Row 0 of the authors' table is the padding item. Here it is no item: what it does to them must come out of it being a candidate of the longest histories alone.
    [GoldenTheory("goldens/recpo/golden.json")]
    [InlineData("g4_k10")]
    [InlineData("g8_k1000")]
    public void The_padding_item_as_a_candidate_of_the_longest_histories_gives_the_authors_rewards(string name)
    {
        GoldenTensors golden = new($"reward_{name}");
        JsonElement facts = GoldenJson.Root.GetProperty("reward").GetProperty(name);
        int group = facts.GetProperty("G").GetInt32(), k = facts.GetProperty("reward_ndcg_k").GetInt32(), width = (int)golden.Shape("history_padded")[1], items = (int)golden.Shape("item_table")[0];
        int[] targets = golden.Ints("target"), history = golden.Ints("history_padded"), lengths = golden.Ints("history_len");
        float[] softmax = golden.Floats("softmax"), reward = golden.Floats("reward");
        int candidates = 0, without = 0;
        for (int row = 0; row < reward.Length; row++)
        {
            int user = row / group;
            float[] scores = Cosines(golden.Row("user_emb", row), golden.Floats("item_table"), items);
            bool longest = lengths[user] == lengths.Max();
            int[] masked = [.. history[(user * width)..(user * width + lengths[user])].Select(i => i - 1)];
            RewardParts parts = Reward.Of(scores.AsSpan(1), targets[user] - 1, masked, k, 0.05, maskTarget: true, longest ? scores[0] : null);
            Assert.Equal(softmax[row], parts.Softmax, 5e-6);
            Assert.Equal(reward[row], parts.Value, 1e-6);
            if (longest) candidates++;
            if (Math.Abs(Reward.Of(scores.AsSpan(1), targets[user] - 1, masked, k, 0.05, maskTarget: true).Softmax - softmax[row]) > 1e-9) without++;
        }

        Assert.True(candidates > 0 && without > 0, "the padding item should matter somewhere, or this test says little");
    }

    [GoldenTheory("goldens/recpo/golden.json")]
    [InlineData("g4_k10", 1e-5)]
    [InlineData("g8_k1000", 1e-5)]
    [InlineData("g4_equal", 1e-5)]
    [InlineData("g4_ties_masked", 1e-4)]
    public void Advantages_from_the_stored_rewards_equal_the_authors(string name, double tolerance)
    {
        GoldenTensors golden = new($"reward_{name}");
        int group = GoldenJson.Root.GetProperty("reward").GetProperty(name).GetProperty("G").GetInt32();
        double[] rewards = golden.Doubles("reward");
        foreach ((AdvantageType type, string suffix) in new[] { (AdvantageType.Gaussian, "gauss"), (AdvantageType.LeaveOneOut, "loo") })
        {
            RecPOOptions options = RecPOOptions.OfficialLauncher with { Compatibility = Compatibility.Official, Advantage = type };
            double[] own = Advantages.Compute(rewards, group, options);
            float[] expected = golden.Floats($"advantage_{suffix}");
            for (int i = 0; i < own.Length; i++)
            {
                if (!Constant(rewards, i / group, group)) Assert.InRange(own[i], expected[i] - tolerance, expected[i] + tolerance);
            }

            foreach (int top in new[] { 1, 2 })
            {
                bool[] chosen = Advantages.Relabel(golden.Doubles($"advantage_{suffix}"), group, options with { RelabelTopK = top });
                bool[] theirs = golden.Bools($"relabel_{suffix}_top{top}");
                for (int g = 0; g < rewards.Length / group; g++)
                {
                    Range rows = (g * group)..((g + 1) * group);
                    Assert.Equal(top, chosen[rows].Count(c => c));
                    double[] a = golden.Doubles($"advantage_{suffix}")[rows];
                    if (a.Distinct().Count() == group) Assert.Equal(theirs[rows], chosen[rows]); // ties are arbitrary there
                }
            }
        }
    }

    [GoldenFact("goldens/recpo/reward_g4_equal.safetensors")]
    public void Constant_groups_teach_nothing_by_default()
    {
        double[] rewards = new GoldenTensors("reward_g4_equal").Doubles("reward");
        foreach (AdvantageScale scale in Enum.GetValues<AdvantageScale>())
        {
            RecPOOptions options = new() { TrajectoriesPerUser = 4, AdvantageScale = scale };
            double[] own = Advantages.Compute(rewards, 4, options);
            Assert.All(own[..4], a => Assert.Equal(0, a));
            Assert.DoesNotContain(true, Advantages.Relabel(own, 4, options)[..4]);
            Assert.Contains(own[4..], a => a > 0);
        }
    }

    private static bool Constant(double[] rewards, int g, int group)
    {
        double[] of = rewards[(g * group)..((g + 1) * group)];
        return of.Max() - of.Min() < 1e-6;
    }

    private static void TieIntervalHolds(float[] scores, int target, int[] masked, int rank)
    {
        bool targetMasked = masked.Contains(target);
        float Score(int i) => masked.Contains(i) ? float.MinValue : scores[i];
        float own = targetMasked ? float.MinValue : scores[target];
        int greater = Enumerable.Range(0, scores.Length).Count(i => Score(i) > own);
        int equal = Enumerable.Range(0, scores.Length).Count(i => i != target && Score(i) == own);
        Assert.InRange(rank, 1 + greater, 1 + greater + equal);
        Assert.True(equal > 0);
    }

    private static float[] Cosines(float[] user, float[] table, int items)
    {
        int width = user.Length;
        double userNorm = Math.Sqrt(user.Sum(x => (double)x * x));
        float[] scores = new float[items];
        for (int i = 0; i < items; i++)
        {
            double dot = 0, norm = 0;
            for (int d = 0; d < width; d++)
            {
                dot += (double)user[d] * table[i * width + d];
                norm += (double)table[i * width + d] * table[i * width + d];
            }

            scores[i] = (float)(dot / Math.Max(userNorm, 1e-12) / Math.Max(Math.Sqrt(norm), 1e-12) / 0.02);
        }

        return scores;
    }
}
