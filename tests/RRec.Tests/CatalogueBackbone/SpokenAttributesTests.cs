using RRec.CatalogueBackbone;
using RRec.Data;

namespace RRec.Tests.CatalogueBackbone;

public sealed class SpokenAttributesTests
{
    private static Catalogue Shop(Func<int, IReadOnlyList<ItemAttribute>> attributes, Func<int, string>? title = null) =>
        new([.. Enumerable.Range(0, 100).Select(i => new CatalogueItem($"{i}", title?.Invoke(i) ?? $"Thing {i}", attributes(i)))]);

    private static readonly int[] Purchases = [.. Enumerable.Range(0, 100).Select(i => 100 - i)];

    [Fact]
    public void Every_item_is_in_exactly_one_popularity_band_and_better_sellers_in_higher_ones()
    {
        SpokenAttributes spoken = SpokenAttributes.From(Shop(_ => []), Purchases);
        Assert.Equal(spoken.Bands, spoken.Count);
        Assert.InRange(spoken.Bands, 5, 9);
        Assert.All(spoken.OfItem, a => Assert.Single(a));
        Assert.Equal(spoken.OfItem.Select(a => a[0]).OrderDescending(), spoken.OfItem.Select(a => a[0]));
    }

    [Fact]
    public void Numbers_become_bands_years_become_decades_and_words_stay_words()
    {
        SpokenAttributes spoken = SpokenAttributes.From(Shop(i => [new("Price", [$"{i}.5"]), new("Year", [$"{1990 + i % 30}"]), new("Brand", [i % 2 == 0 ? "Acme" : "Zenith"])]), Purchases);
        Assert.Contains("Price below 25.5", spoken.Words);
        Assert.Contains("Price from 75.5", spoken.Words);
        Assert.Contains("2010s", spoken.Words);
        Assert.Contains("Acme", spoken.Words);
        Assert.InRange(spoken.Count, 10, SpokenAttributes.Limit);
    }

    [Fact]
    public void Few_numbers_and_flags_are_said_with_what_they_are_of()
    {
        SpokenAttributes spoken = SpokenAttributes.From(Shop(i => [new("Size", [$"{36 + i % 4}"]), new("Vegan", [i % 2 == 0 ? "True" : "False"])]), Purchases);
        Assert.Equal(["Size 36", "Size 37", "Size 38", "Size 39", "Vegan False", "Vegan True"], spoken.Words[spoken.Bands..]);
    }

    [Fact]
    public void A_long_phrase_is_cut_between_characters()
    {
        Assert.Equal(new string('x', 39), CatalogueText.Phrase(new string('x', 39) + "🙂 and more"));
        Assert.Equal(new string('x', 38) + "🙂", CatalogueText.Phrase(new string('x', 38) + "🙂 and more"));
        Assert.Equal("🧀 half", CatalogueText.Phrase("🧀\t\ud83e half\u0000"));
    }

    [Fact]
    public void A_year_in_most_titles_is_a_decade()
    {
        SpokenAttributes spoken = SpokenAttributes.From(Shop(_ => [], i => $"Film {i} ({1980 + i % 20})"), Purchases);
        Assert.Contains("1980s", spoken.Words);
        Assert.Contains("1990s", spoken.Words);
    }

    [Fact]
    public void More_attributes_than_there_is_room_for_are_cut_to_the_most_telling()
    {
        SpokenAttributes spoken = SpokenAttributes.From(Shop(i => [.. Enumerable.Range(1, 40).Select(k => new ItemAttribute($"Mod{k}", [i % (k + 1) == 0 ? $"yes{k}" : $"no{k}"]))]), Purchases);
        Assert.Equal(SpokenAttributes.Limit, spoken.Count);
    }
}
