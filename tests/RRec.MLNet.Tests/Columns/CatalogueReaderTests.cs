using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.Data;

namespace RRec.MLNet.Tests;

/// <summary>What the model is told about items, from columns of whatever type.</summary>
public class CatalogueReaderTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Thing
    {
        public int ItemId { get; set; }
        public string Title { get; set; } = "";
        public string Genres { get; set; } = "";
        public float Price { get; set; }
        public bool Used { get; set; }
        public DateTime Made { get; set; }
        public string[] Tags { get; set; } = [];
        [VectorType(2)] public float[] Size { get; set; } = [];
        public string Brand { get; set; } = "";
        public string Description { get; set; } = "";
    }

    private IDataView Things(string description = "one two three four five") => _ml.Data.LoadFromEnumerable(new[]
    {
        new Thing { ItemId = 7, Title = " A lamp ", Genres = "Home| Light", Price = 9.5f, Used = true, Made = new DateTime(2020, 3, 4), Tags = ["warm", ""], Size = [10, 20.5f], Brand = "Acme", Description = description },
        new Thing { ItemId = 8, Title = "", Genres = "", Price = float.NaN, Made = default, Size = [0, float.NaN], Brand = "Acme" },
    });

    [Fact]
    public void By_default_all_text_and_number_columns_but_id_and_title_are_attributes()
    {
        Catalogue catalogue = Read(Things(), new ItemColumns());
        Assert.Equal(("7", "A lamp"), (catalogue.Items[0].Id, catalogue.Items[0].Title));
        Assert.Equal(["Genres: Home, Light", "Price: 9.5", "Tags: warm", "Size: 10, 20.5", "Brand: Acme", "Description: one two three four five"], Told(catalogue.Items[0]));
        Assert.Equal("8", catalogue.Items[1].Title); // an item without a title is called by its id
        Assert.Equal(["Size: 0", "Brand: Acme"], Told(catalogue.Items[1])); // what is missing is not told
    }

    private sealed class Embedded
    {
        public string ItemId { get; set; } = "a";
        public string Title { get; set; } = "A";
        [VectorType(9)] public float[] Embedding { get; set; } = new float[9];
        public float[] Numbers { get; set; } = [1, 2];
    }

    [Fact]
    public void Vectors_of_many_or_of_any_number_of_numbers_are_attributes_only_by_name()
    {
        IDataView items = _ml.Data.LoadFromEnumerable(new[] { new Embedded() });
        Assert.Empty(Read(items, new ItemColumns()).Items[0].Attributes);
        Assert.Equal(["Numbers: 1, 2"], Told(Read(items, Only("Numbers")).Items[0]));
    }

    [Fact]
    public void Named_attributes_of_any_scalar_or_vector_type_come_in_the_order_given()
    {
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Brand").Fit(Things()).Transform(Things());
        Assert.IsType<KeyDataViewType>(keyed.Schema["Brand"].Type);
        Catalogue catalogue = Read(keyed, new ItemColumns { Attributes = [new("Brand", "Made by"), new("Used", "Second hand"), new("Made", "Since"), new("Size", "cm"), new("Tags", "Tags")] });
        Assert.Equal(["Made by: Acme", "Second hand: True", "Since: 2020-03-04", "cm: 10, 20.5", "Tags: warm"], Told(catalogue.Items[0]));
    }

    [Fact]
    public void Long_values_are_cut_and_text_is_split_only_where_a_separator_is_named()
    {
        string hundred = string.Join(' ', Enumerable.Range(1, 100)), more = hundred + " 101";
        Assert.Equal(hundred, Read(Things(hundred), Only("Description")).Items[0].Attributes[0].Values[0]);
        Assert.Equal(hundred + "...", Read(Things(more), Only("Description")).Items[0].Attributes[0].Values[0]);
        Assert.Equal("one two...", Read(Things(), Only("Description") with { MaxWords = 2 }).Items[0].Attributes[0].Values[0]);
        Assert.Equal(more, Read(Things(more), Only("Description") with { MaxWords = 0 }).Items[0].Attributes[0].Values[0]);
        Assert.Equal(["Home| Light"], Read(Things(), Only("Genres") with { Separator = null }).Items[0].Attributes[0].Values);
    }

    [Fact]
    public void Items_are_called_what_the_options_say()
    {
        Assert.Equal(("movie", "movies"), Words(Read(Things(), new ItemColumns(), "movie", null)));
        Assert.Equal(("CD", "CDs and vinyl"), Words(Read(Things(), new ItemColumns(), "CD", "CDs and vinyl")));
        static (string, string) Words(Catalogue c) => (c.Category, c.CategoryPlural);
    }

    private static ItemColumns Only(string column) => new() { Attributes = [new(column, column)] };

    private static Catalogue Read(IDataView items, ItemColumns columns, string category = "thing", string? plural = null) => CatalogueReader.Read(items, columns, category, plural);

    private static IEnumerable<string> Told(CatalogueItem item) => item.Attributes.Select(a => $"{a.Label}: {string.Join(", ", a.Values)}");
}
