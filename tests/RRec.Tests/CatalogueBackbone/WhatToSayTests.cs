using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>What a reasoning should say is learned on purchases that the teacher does not know.</summary>
public sealed class WhatToSayTests
{
    private const int Items = 60;

    private static PurchaseRow[] TimedRows() => [.. Cinema.Rows(200, 7).Select((r, at) => r with { History = r.History with { Now = 1_000_000L + at * 37 % 1400 } })];

    [Fact]
    public void Every_teacher_knows_the_purchases_before_its_rows_and_none_of_theirs()
    {
        PurchaseRow[] rows = TimedRows();
        PurchaseRow[] ordered = [.. rows.OrderBy(r => r.History.Now)];
        IReadOnlyList<LeftOutRows> found = LeftOutRows.ByTime(rows, Items, null, Cinema.Recipe with { TimeTeachers = 2 }, null, default);
        Assert.Equal(2, found.Count);
        Assert.Equal(ordered[(int)(0.6 * rows.Length)..(int)(0.8 * rows.Length)].Select(r => r.Target), found[0].Targets);
        Assert.Equal(ordered[(int)(0.8 * rows.Length)..].Select(r => r.Target), found[1].Targets);
        Assert.Equal(PurchaseSequences.From(ordered[..(int)(0.8 * rows.Length)], Items).Purchases, found[1].Purchases);
    }

    [Fact]
    public void Without_times_or_with_few_rows_there_are_no_later_rows()
    {
        Assert.Empty(LeftOutRows.ByTime(Cinema.Rows(200, 7), Items, null, Cinema.Recipe, null, default));
        Assert.Empty(LeftOutRows.ByTime(TimedRows()[..900], Items, null, Cinema.Recipe, null, default));
        Assert.Empty(LeftOutRows.ByTime(TimedRows(), Items, null, Cinema.Recipe with { TimeTeachers = 0 }, null, default));
    }

    [Fact]
    public void The_predictor_says_what_the_teacher_misses_and_not_what_it_ranks_already()
    {
        // The teacher ranks comedies first for everybody. Whoever bought a horror film last buys horror next; all others buy what the teacher says.
        int[] purchases = [.. Enumerable.Repeat(10, Items)];
        SpokenAttributes attributes = SpokenAttributes.From(Cinema.Catalogue, purchases);
        float[] weights = new float[Items * Items];
        for (int row = 0; row < Items; row++)
            for (int item = 0; item < Items; item += 4) weights[row * Items + item] = 0.01f;
        Random random = new(3);
        int[][] histories = new int[3000][];
        int[] targets = new int[histories.Length];
        for (int r = 0; r < histories.Length; r++)
        {
            histories[r] = [.. Enumerable.Range(0, 6).Select(_ => random.Next(Items))];
            targets[r] = histories[r][^1] % 4 == 2 ? random.Next(15) * 4 + 2 : random.Next(15) * 4;
        }
        LeftOutRows left = new(new ItemItemModel(weights, Items, 20, 0.8), purchases, [.. histories.Select(h => (ReadOnlyMemory<int>)h)], targets, [.. targets.Select(_ => 1.0)]);
        AttributePredictor predictor = AttributePredictor.Fit(attributes, [left], 3, Cinema.Recipe, 0.02);
        int horror = Array.IndexOf(attributes.Words, "Horror"), comedy = Array.IndexOf(attributes.Words, "Comedy");
        float[] after = predictor.Preferences(attributes, [0, 4, 1, 3, 6], Cinema.Recipe), otherwise = predictor.Preferences(attributes, [6, 4, 1, 3, 0], Cinema.Recipe);
        float[] change = [.. after.Zip(otherwise, (a, b) => a - b)];
        Assert.Equal(horror, Array.IndexOf(change, change.Max()));
        Assert.True(after[horror] > after[comedy] && after[horror] > otherwise[horror] + 0.1, $"after a horror film: horror {after[horror]:0.00}, comedy {after[comedy]:0.00}; else horror {otherwise[horror]:0.00}");
    }

    [Fact]
    public void Popularity_bands_follow_the_purchases_of_their_time()
    {
        int[] later = [.. Enumerable.Range(0, Items).Select(i => i)], earlier = [.. later.Reverse()];
        SpokenAttributes now = SpokenAttributes.From(Cinema.Catalogue, later), then = now.At(earlier);
        Assert.Same(now.Words, then.Words);
        for (int i = 0; i < Items; i++)
        {
            Assert.Equal(now.OfItem[Items - 1 - i][0], then.OfItem[i][0]);
            Assert.Equal(now.OfItem[i][1..], then.OfItem[i][1..]);
        }
    }
}
