using RRec.Data;
using RRec.WarmUp;

namespace RRec.Tests.WarmUp;

public sealed class CandidateOddsTests
{
    [Fact]
    public void The_odds_are_how_often_an_item_is_drawn()
    {
        const int items = 40, labels = 12, rounds = 40_000;
        Random random = new(5);
        PurchaseRow[] train = [.. Enumerable.Range(0, 2000).Select(_ => new PurchaseRow(new UserHistory(new[] { 0 }), Math.Min(items - 2, (int)(items * Math.Pow(random.NextDouble(), 3)))))];
        WarmUpOptions options = new() { LabelCandidates = labels, UniformCandidates = 6 };
        int[] all = [.. Enumerable.Range(0, items)];
        float[] odds = new CandidateOdds(items, train).Log(all, labels, options);

        int[] seen = new int[items];
        for (int round = 0; round < rounds; round++)
        {
            HashSet<int> drawn = [];
            for (int i = 0; i < labels; i++) drawn.Add(train[random.Next(train.Length)].Target);
            for (int i = 0; i < options.UniformCandidates; i++) drawn.Add(random.Next(items));
            foreach (int item in drawn) seen[item]++;
        }
        for (int i = 0; i < items; i++) Assert.Equal((double)seen[i] / rounds, Math.Exp(odds[i]), 0.012);
        Assert.True(Math.Exp(odds[0]) > 3 * Math.Exp(odds[items - 1]));   // the last one is nobody's purchase
    }
}
