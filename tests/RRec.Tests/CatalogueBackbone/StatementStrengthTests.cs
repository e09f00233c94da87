using RRec.CatalogueBackbone;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>How much a statement counts is decided on rows that the predictor has not seen.</summary>
public sealed class StatementStrengthTests
{
    private const int Items = 60;
    private const double Temperature = 0.02;
    private static readonly CatalogueBackboneOptions OneStatement = Cinema.Recipe with { NamedAttributes = 1 };

    [Theory]
    [InlineData(new[] { 5.0, 5.2, 5.8, 6.0, 5.9 }, 2)]      // .8 of a best gain of 1.0: enough
    [InlineData(new[] { 5.0, 5.1, 5.2, 5.3, 5.9 }, 4)]
    [InlineData(new[] { 5.0, 5.9, 5.2, 5.3, 5.9 }, 1)]
    [InlineData(new[] { 5.0, 4.9, 4.0, 3.0, 2.0 }, 1)]      // nothing gains
    [InlineData(new[] { 0.0, 0.0, 0.0 }, 1)]
    public void The_smallest_strength_with_most_of_the_best_gain_is_taken(double[] gains, int expected) => Assert.Equal(expected, StatementStrength.Pick(gains));

    [Fact]
    public void Statements_count_more_where_what_was_learned_on_some_rows_holds_on_the_others()
    {
        SpokenAttributes attributes = SpokenAttributes.From(Cinema.Catalogue, [.. Enumerable.Repeat(10, Items)]);
        double Chosen(params LeftOutRows[] groups) =>
            StatementStrength.Choose(groups, attributes, AttributePredictor.Fit(attributes, groups, 3, OneStatement, Temperature), OneStatement, Temperature);
        double agree = Chosen(Rows(1, shift: 0), Rows(2, shift: 0)), differ = Chosen(Rows(1, shift: 0), Rows(2, shift: 1));
        Assert.True(agree > 1.5 * differ, $"{agree:0.0000} where both groups buy alike, {differ:0.0000} where they do not");
    }

    // The last purchase tells the genre of the next, in each group by its own rule; the teacher knows an order of all items and nothing of genres.
    private static LeftOutRows Rows(int seed, int shift)
    {
        float[] weights = [.. Enumerable.Range(0, Items * Items).Select(i => 0.00004f * (i % Items))];
        Random random = new(seed);
        int[][] histories = new int[1500][];
        int[] targets = new int[histories.Length];
        for (int r = 0; r < histories.Length; r++)
        {
            histories[r] = [.. Enumerable.Range(0, 6).Select(_ => random.Next(Items))];
            targets[r] = random.Next(15) * 4 + (histories[r][^1] + shift) % 4;
        }
        return new LeftOutRows(new ItemItemModel(weights, Items, 20, 0.8), [.. Enumerable.Repeat(10, Items)], [.. histories.Select(h => (ReadOnlyMemory<int>)h)], targets, [.. targets.Select(_ => 1.0)]);
    }
}
