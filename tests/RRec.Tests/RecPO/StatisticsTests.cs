using RRec.Ranking;
using RRec.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>
/// Two worlds without a language model, in which the best that can be learned is known. In the first the item head is frozen and reads only the reasoning (one of six words), so
/// only the policy term can help; in the second the policy is frozen, so only the item loss can.
/// </summary>
public sealed class StatisticsTests
{
    private const int Users = 8, Words = 6, Items = 12, Group = 6;

    [Theory]
    [InlineData(AdvantageType.Gaussian, AdvantageScale.Group)]
    [InlineData(AdvantageType.Gaussian, AdvantageScale.Batch)]
    [InlineData(AdvantageType.LeaveOneOut, AdvantageScale.None)]
    public void The_policy_term_alone_reaches_nine_tenths_of_the_optimum(AdvantageType type, AdvantageScale scale)
    {
        for (int seed = 0; seed < 5; seed++)
        {
            (double start, double end, double best, _) = LearnWords(seed, new() { TrajectoriesPerUser = Group, Advantage = type, AdvantageScale = scale }, official: false);
            Assert.True(start < 0.7 * best, $"seed {seed}: the start {start} is already near the optimum {best}");
            Assert.True(end >= 0.9 * best, $"seed {seed}: {start} -> {end}, optimum {best}");
        }
    }

    [Fact]
    public void The_authors_broadcast_form_moves_the_choices_by_less_than_a_hundredth()
    {
        for (int seed = 0; seed < 5; seed++)
        {
            double moved = LearnWords(seed, new() { TrajectoriesPerUser = Group, Compatibility = Compatibility.Official }, official: true).Moved;
            Assert.True(moved < 0.01, $"seed {seed}: {moved}");
        }
    }

    [Fact]
    public void Where_only_items_can_move_the_item_loss_of_the_best_trajectories_raises_the_reward()
    {
        for (int seed = 0; seed < 3; seed++)
        {
            (double start, double end) = LearnItems(seed, itemWeight: 1);
            (_, double without) = LearnItems(seed, itemWeight: 0);
            Assert.Equal(start, without, 1e-9);
            Assert.True(end > start + 0.2, $"seed {seed}: {start} -> {end}");
        }
    }

    // A table of word logits per user, trained by sampled words and their frozen rewards. Expected rewards are exact, over all words.
    private static (double Start, double End, double Best, double Moved) LearnWords(int seed, RecPOOptions options, bool official)
    {
        using var outer = NewDisposeScope();
        Random random = new(seed);
        double[,] rewards = new double[Users, Words];
        for (int u = 0; u < Users; u++)
        {
            float[] wordVectors = Vectors(random, Words), table = Vectors(random, Items);
            for (int w = 0; w < Words; w++) rewards[u, w] = Reward.Of(Scores(wordVectors, w, table), target: 0, [], 1000, 0.05).Value;
        }

        Tensor logits = zeros(Users, Words).requires_grad_();
        using AdamW optimizer = new([("logits", logits)]);
        double best = Enumerable.Range(0, Users).Average(u => Enumerable.Range(0, Words).Max(w => rewards[u, w]));
        float[] before = Probabilities(logits);
        double start = Expected(before, rewards);
        for (int step = 0; step < 250; step++)
        {
            using var scope = NewDisposeScope();
            float[] p = Probabilities(logits);
            int[] words = [.. Enumerable.Range(0, Users * Group).Select(i => Draw(random, p.AsSpan(i / Group * Words, Words)))];
            double[] advantages = Advantages.Compute([.. words.Select((w, i) => rewards[i / Group, w])], Group, options);
            Tensor all = logits.log_softmax(-1).repeat_interleave(Group, 0);                       // [users x G, words]
            Tensor own = all.gather(1, tensor(words.Select(w => (long)w).ToArray()).view(-1, 1)).squeeze(1);
            optimizer.ZeroGradients();
            if (official)
            {
                // A mini-batch of the authors is one whole group.
                for (int u = 0; u < Users; u++)
                {
                    Tensor part = own.narrow(0, u * Group, Group);
                    Tensor a = tensor(advantages[(u * Group)..((u + 1) * Group)].Select(x => (float)x).ToArray());
                    RecPOLoss.OfficialPolicy(part, part.detach(), a, Group, options).backward([], retain_graph: true);
                }
            }
            else
            {
                RecPOLoss.Policy(own, own.detach(), tensor(advantages.Select(x => (float)x).ToArray()), words.Length, options).backward();
            }

            // Plain descent for the broadcast form: Adam would blow its rounding up to full steps.
            if (official) using (no_grad()) logits.sub_(logits.grad! * 0.1);
            else optimizer.Step(0.05);
        }

        float[] after = Probabilities(logits);
        return (start, Expected(after, rewards), best, before.Zip(after, (x, y) => Math.Abs(x - y)).Max());
    }

    // Words are drawn evenly for ever; the item vectors are trained by the item loss on chosen trajectories.
    private static (double Start, double End) LearnItems(int seed, double itemWeight)
    {
        using var outer = NewDisposeScope();
        Random random = new(seed);
        RecPOOptions options = new() { TrajectoriesPerUser = Group, RelabelTopK = 2, AdvantageScale = AdvantageScale.Batch };
        float[] users = Vectors(random, Users * Words);
        Tensor items = tensor(Vectors(random, Items), [Items, 8]).requires_grad_();
        using AdamW optimizer = new([("items", items)]);
        double start = Mean(users, items);
        for (int step = 0; step < 150; step++)
        {
            using var scope = NewDisposeScope();
            float[] table = Normalised(items);
            int[] words = [.. Enumerable.Range(0, Users * Group).Select(_ => random.Next(Words))];
            double[] rewards = [.. words.Select((w, i) => Reward.Of(Scores(users, i / Group * Words + w, table), i / Group, [], 1000, 0.05).Value)];
            double[] advantages = Advantages.Compute(rewards, Group, options);
            bool[] chosen = Advantages.Relabel(advantages, Group, options);
            float[] vectors = [.. words.SelectMany((w, i) => users.AsSpan((i / Group * Words + w) * 8, 8).ToArray())];
            Tensor lp = RecPOLoss.TargetLogProbs(tensor(vectors, [words.Length, 8]), ItemTable.Normalize(items), [.. words.Select((_, i) => i / Group)], 0.1);
            Tensor loss = RecPOLoss.Item(lp, lp.detach(), tensor(advantages.Select((a, i) => chosen[i] ? (float)a : 0).ToArray()), words.Length, options) * itemWeight;
            optimizer.ZeroGradients();
            loss.backward();
            if (itemWeight > 0) optimizer.Step(0.03);
        }

        return (start, Mean(users, items));
    }

    private static double Mean(float[] users, Tensor items)
    {
        float[] table = Normalised(items);
        return Enumerable.Range(0, Users * Words).Average(i => Reward.Of(Scores(users, i, table), i / Words, [], 1000, 0.05).Value);
    }

    private static float[] Normalised(Tensor items)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        return ItemTable.Normalize(items).reshape(-1).data<float>().ToArray();
    }

    private static float[] Scores(float[] users, int user, float[] table)
    {
        float[] scores = new float[Items];
        for (int i = 0; i < Items; i++)
            for (int d = 0; d < 8; d++) scores[i] += users[user * 8 + d] * table[i * 8 + d] / 0.1f;
        return scores;
    }

    // Unit vectors of 8 numbers.
    private static float[] Vectors(Random random, int count)
    {
        float[] all = new float[count * 8];
        for (int i = 0; i < count; i++)
        {
            double norm = 0;
            for (int d = 0; d < 8; d++)
            {
                all[i * 8 + d] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
                norm += all[i * 8 + d] * all[i * 8 + d];
            }

            for (int d = 0; d < 8; d++) all[i * 8 + d] /= (float)Math.Sqrt(norm);
        }

        return all;
    }

    private static float[] Probabilities(Tensor logits)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        return logits.softmax(-1).reshape(-1).data<float>().ToArray();
    }

    private static double Expected(float[] probabilities, double[,] rewards)
    {
        double sum = 0;
        for (int u = 0; u < Users; u++)
            for (int w = 0; w < Words; w++) sum += probabilities[u * Words + w] * rewards[u, w];
        return sum / Users;
    }

    private static int Draw(Random random, ReadOnlySpan<float> probabilities)
    {
        double at = random.NextDouble();
        for (int w = 0; w < probabilities.Length - 1; w++)
        {
            at -= probabilities[w];
            if (at < 0) return w;
        }

        return probabilities.Length - 1;
    }
}
