using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class TextLoaderTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("compat").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string text, string name = "data.csv")
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text, new UTF8Encoding(false));
        return path;
    }

    /// <summary>How each recorded text was loaded.</summary>
    private IDataView Load(string name, string path) => name switch
    {
        "<Csv>(',', hasHeader: true)" => _ml.Data.LoadFromTextFile<Csv>(path, ',', hasHeader: true),
        "quotes, allowQuoting: true" => _ml.Data.LoadFromTextFile<TextCsv>(path, ',', allowQuoting: true),
        "quotes, allowQuoting: false" or "spaces kept" or "non-ASCII and BOM" => _ml.Data.LoadFromTextFile<TextCsv>(path, ','),
        "trimWhitespace" => _ml.Data.LoadFromTextFile<TextCsv>(path, ',', trimWhitespace: true),
        "header names of a vector column (Range 1-3)" => _ml.Data.LoadFromTextFile(path,
            [new TextLoader.Column("Id", DataKind.Int64, 0), new TextLoader.Column("V", DataKind.Single, 1, 3)], ',', hasHeader: true),
        "key column (DataKind.UInt32, KeyCount 5)" => _ml.Data.LoadFromTextFile(path,
            [new TextLoader.Column("K", DataKind.UInt32, [new TextLoader.Range(0)], new KeyCount(5))], ','),
        "multi-line field, ReadMultilines" => _ml.Data.LoadFromTextFile<TextCsv>(path, new TextLoader.Options { Separators = [','], AllowQuoting = true, ReadMultilines = true }),
        "sparse syntax with allowSparse" => _ml.Data.LoadFromTextFile(path, [new TextLoader.Column("V", DataKind.Single, 0, 2)], ' ', allowSparse: true),
        _ => _ml.Data.LoadFromTextFile<Csv>(path, ','),
    };

    [GoldenTheory(Recorded.Folder)]
    [InlineData("<Csv>(',', hasHeader: true)")]
    [InlineData("bad number in a float and an integer column")]
    [InlineData("empty fields")]
    [InlineData("too few and too many fields")]
    [InlineData("blank lines and CRLF")]
    [InlineData("quotes, allowQuoting: true")]
    [InlineData("quotes, allowQuoting: false")]
    [InlineData("trimWhitespace")]
    [InlineData("spaces kept")]
    [InlineData("non-ASCII and BOM")]
    [InlineData("header names of a vector column (Range 1-3)")]
    [InlineData("key column (DataKind.UInt32, KeyCount 5)")]
    [InlineData("empty file")]
    [InlineData("multi-line field, ReadMultilines")]
    [InlineData("sparse syntax with allowSparse")]
    public void A_recorded_text_gives_the_recorded_rows(string name)
    {
        JsonElement recorded = Recorded.At("text loader", name);
        IDataView view = Load(name, Write(recorded.GetProperty("text").GetString()!));
        Assert.Equal(Recorded.Schema(recorded.GetProperty("schema")), Recorded.Schema(view.Schema));
        if (recorded.TryGetProperty("rows", out JsonElement rows)) Assert.Equal(Recorded.Rows(rows), Recorded.Rows(view));
        else Assert.Equal(recorded.GetProperty("thrown").GetString(), Recorded.Exception(() => Recorded.Rows(view)).Thrown);
    }

    [Fact]
    public void Every_recorded_text_is_tested()
    {
        if (!Goldens.Exists(Recorded.Folder)) return;
        var tested = typeof(TextLoaderTests).GetMethod(nameof(A_recorded_text_gives_the_recorded_rows))!.GetCustomAttributesData()
            .Where(a => a.AttributeType == typeof(InlineDataAttribute))
            .Select(a => (string)((IReadOnlyList<System.Reflection.CustomAttributeTypedArgument>)a.ConstructorArguments[0].Value!)[0].Value!);
        Assert.Equal(Recorded.At("text loader").EnumerateObject().Select(p => p.Name).Order(), tested.Order());
    }

    [Fact]
    public void An_unreadable_whole_number_names_its_value_line_and_column()
    {
        IDataView view = _ml.Data.LoadFromTextFile<Csv>(Write("1,10,3,12\n2,20,3,x\n"), ',');
        string message = Assert.Throws<FormatException>(() => view.GetColumn<long>("Timestamp").ToArray()).Message;
        Assert.Contains("x", message);
        Assert.Contains("line 2", message);
        Assert.Contains("Timestamp", message);
        Assert.Equal([3f, 3f], view.GetColumn<float>("Rating")); // a column that is not read cannot fail
    }

    [Fact]
    public void An_unreadable_real_number_is_not_a_number()
    {
        IDataView view = _ml.Data.LoadFromTextFile<Csv>(Write("1,10,abc,12\n1,10,?,12\n1,10,-1e3,12\n"), ',');
        Assert.Equal([float.NaN, float.NaN, -1000f], view.GetColumn<float>("Rating"));
    }

    [Theory]
    [InlineData("1e400", double.PositiveInfinity)]
    [InlineData("-Infinity", double.NegativeInfinity)]
    [InlineData("\u221e", double.PositiveInfinity)]
    [InlineData("inf", double.NaN)]
    [InlineData("n/a", double.NaN)]
    [InlineData("1.", 1.0)]
    [InlineData("5x", double.NaN)]
    [InlineData("0.1", 0.1)]
    public void Real_numbers_are_read_as_the_published_loader_reads_them(string text, double value) => Assert.Equal([value],
        _ml.Data.LoadFromTextFile(Write($"x;{text}\n"), [new TextLoader.Column("A", DataKind.Double, 1)], ';').GetColumn<double>("A"));

    [Theory]
    [InlineData("yes", true)]
    [InlineData("F", false)]
    [InlineData("+", true)]
    [InlineData("", false)]
    public void Truth_values_are_read_from_common_words(string text, bool value) => Assert.Equal([value],
        _ml.Data.LoadFromTextFile(Write($"x;{text}\n"), [new TextLoader.Column("A", DataKind.Boolean, 1)], ';').GetColumn<bool>("A"));

    [Fact]
    public void Missing_numbers_are_not_a_number_where_the_options_say_so()
    {
        var options = new TextLoader.Options { Separators = [','], MissingRealsAsNaNs = true };
        Assert.Equal([float.NaN, 2f, float.NaN], _ml.Data.LoadFromTextFile<Csv>(Write("1,10,,12\n1,10,2,12\n1\n"), options).GetColumn<float>("Rating"));
    }

    [Fact]
    public void The_movies_of_the_sample_data_keep_their_commas_and_quotes()
    {
        string path = Path.Combine(Goldens.RepositoryRoot, "samples", "data", "ml-latest-small", "movies.csv");
        IDataView view = _ml.Data.LoadFromTextFile<TextCsv>(path, ',', hasHeader: true, allowQuoting: true);
        TextCsv[] movies = [.. _ml.Data.CreateEnumerable<TextCsv>(view, reuseRowObject: false)];
        Assert.Equal(9742, movies.Length);
        Assert.Equal("American President, The (1995)", movies.Single(m => m.Id == "11").Title);
        Assert.Contains(movies, m => m.Title!.Contains('"'));
        Assert.All(movies, m => Assert.True(m.Genres!.Length > 0, m.Title));
    }

    [Fact]
    public void A_hundred_thousand_ratings_are_read_within_seconds()
    {
        var text = new StringBuilder("userId,movieId,rating,timestamp\n");
        for (int i = 0; i < 100_000; i++) text.Append($"{i % 600},{i % 9000},{i % 10 / 2.0},{964982703 + i}\n");
        IDataView view = _ml.Data.LoadFromTextFile<Csv>(Write(text.ToString()), ',', hasHeader: true);
        // Processor time, because tests run beside other work.
        TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
        Assert.Equal(100_000, _ml.Data.CreateEnumerable<Csv>(view, reuseRowObject: true).Count());
        TimeSpan used = Process.GetCurrentProcess().TotalProcessorTime - start;
        Assert.True(used < TimeSpan.FromSeconds(3), $"{used}");
    }

    [Fact]
    public void Rows_are_limited_and_files_are_read_one_after_the_other_each_with_its_header()
    {
        string first = Write("a,b,c,d\n1,1,1,1\n", "1.csv"), second = Write("a,b,c,d\n2,2,2,2\n3,3,3,3\n", "2.csv");
        TextLoader loader = _ml.Data.CreateTextLoader<Csv>(',', hasHeader: true);
        Assert.Equal([1L, 2, 3], loader.Load(first, second).GetColumn<long>("UserId"));
        Assert.Equal([1L, 2, 3], _ml.Data.LoadFromTextFile<Csv>(Path.Combine(_folder, "*.csv"), ',', hasHeader: true).GetColumn<long>("UserId"));
        var limited = new TextLoader.Options { Separators = [','], HasHeader = true, MaxRows = 2 };
        Assert.Equal([1L, 2], _ml.Data.CreateTextLoader<Csv>(limited).Load(first, second).GetColumn<long>("UserId"));
    }

    [Fact]
    public void A_sample_gives_the_number_of_fields_and_the_slots_names()
    {
        var sample = new MultiFileSource(Write("Id,a,b,c\n1,2,3,4\n"));
        TextLoader loader = _ml.Data.CreateTextLoader([new("Id", DataKind.Int64, 0), new("Rest", DataKind.Single, [new TextLoader.Range(1, null)])], ',', true, sample);
        DataViewSchema.Column rest = loader.GetOutputSchema()["Rest"];
        Assert.Equal("Vector<Single, 3>", rest.Type.ToString());
        VBuffer<ReadOnlyMemory<char>> names = default;
        rest.GetSlotNames(ref names);
        Assert.Equal(["a", "b", "c"], names.DenseValues().Select(n => n.ToString()));
        Assert.Equal([[2f, 3f, 4f]], loader.Load(sample).GetColumn<float[]>("Rest"));
    }

    [Fact]
    public void A_vector_to_the_end_of_the_line_has_each_lines_length()
    {
        TextLoader loader = _ml.Data.CreateTextLoader([new("V", DataKind.String, [new TextLoader.Range { Min = 1, VariableEnd = true }])], ',');
        Assert.Equal([["x", "y"], [], ["z"]], loader.Load(new MultiFileSource(Write("1,x,y\n2\n3,z\n"))).GetColumn<string[]>("V"));
    }

    [Fact]
    public void A_backslash_can_escape_quotes()
    {
        var options = new TextLoader.Options { Separators = [','], AllowQuoting = true, EscapeChar = '\\' };
        string path = Write("1,\"say \\\"hi\\\", you\",x\n2,plain,y\n3,\"ends in \\\\\",z\n");
        Assert.Equal(["say \"hi\", you", "plain", "ends in \\\\"], _ml.Data.LoadFromTextFile<TextCsv>(path, options).GetColumn<string>("Title"));
    }

    [GoldenFact(Recorded.Folder)]
    public void Wrong_paths_and_classes_throw_what_is_recorded()
    {
        Recorded.MessageMatches("LoadFromTextFile<Csv>(missing file)", () => _ml.Data.LoadFromTextFile<Csv>(Path.Combine(_folder, "none.csv"), ','));
        Recorded.MessageMatches("LoadFromTextFile<NoLoadColumn>", () => _ml.Data.LoadFromTextFile<Other>(Write("1"), ','));
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused_by_name()
    {
        string path = Write("1,2");
        Assert.Equal("EscapeChar", Recorded.Exception(() => _ml.Data.LoadFromTextFile<TextCsv>(path, new TextLoader.Options { Separators = [','], EscapeChar = ',' })).Param);
        Assert.Equal("DecimalMarker", Recorded.Exception(() => _ml.Data.LoadFromTextFile<TextCsv>(path, new TextLoader.Options { DecimalMarker = ';' })).Param);
        Assert.Equal("AllowQuoting", Recorded.Exception(() => _ml.Data.LoadFromTextFile<TextCsv>(path, new TextLoader.Options { Separators = [','], DecimalMarker = ',' })).Param);
        Assert.Equal("Source", Recorded.Exception(() => _ml.Data.LoadFromTextFile(path, [new TextLoader.Column("V", DataKind.Single, [new(0, 3), new(2)])], ',')).Param);
    }

    [Fact]
    public void A_field_that_is_never_closed_ends_with_the_file_and_names_its_line()
    {
        var options = new TextLoader.Options { Separators = [','], AllowQuoting = true, ReadMultilines = true };
        IDataView view = _ml.Data.LoadFromTextFile<TextCsv>(Write("1,a,x\n2,\"open\nand open\n"), options);
        Assert.Throws<FormatException>(() => view.GetColumn<string>("Title").ToArray());
    }
}
