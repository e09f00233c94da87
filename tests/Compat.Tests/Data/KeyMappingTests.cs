using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Compat.Tests.Data;

public sealed class KeyMappingTests
{
    private readonly MLContext _ml = new(1);

    private IEstimator<ITransformer> CopyAndKey => _ml.Transforms.CopyColumns("Copy", "Text").Append(_ml.Transforms.Conversion.MapValueToKey("TextKey", "Text"));

    [GoldenFact(Recorded.Folder)]
    public void A_chain_gives_the_recorded_schema_and_rows()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        IDataView output = CopyAndKey.Fit(input).Transform(input);
        Assert.Equal(Recorded.Schema(Recorded.At("schemas", "CopyColumns+MapValueToKey")), Recorded.Schema(output.Schema));
        Assert.Equal(Recorded.Rows(Recorded.At("rows", "CopyColumns+MapValueToKey")), Recorded.Rows(output));
    }

    [Fact]
    public void Keys_give_back_their_values_for_scalars_and_vectors()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        IDataView output = _ml.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair("TextKey", "Text"), new("FreeKeys", "Free"), new("LongKey", "Long")])
            .Append(_ml.Transforms.Conversion.MapKeyToValue([new InputOutputColumnPair("TextBack", "TextKey"), new("FreeBack", "FreeKeys"), new("LongBack", "LongKey")]))
            .Fit(input).Transform(input);
        Assert.Equal(["a", "", "ü, \"q\""], output.GetColumn<string>("TextBack"));
        Assert.Equal([["x", "y"], [], ["z", "", ""]], output.GetColumn<string[]>("FreeBack"));
        Assert.Equal([7, long.MinValue, 8], output.GetColumn<long>("LongBack"));
        Assert.Equal([[1u, 2u], [], [3u, 0u, 0u]], output.GetColumn<uint[]>("FreeKeys"));
        Assert.Equal("Vector<Key<UInt32, 0-2>>", output.Schema["FreeKeys"].Type.ToString());
    }

    [Fact]
    public void Keys_can_be_ordered_by_value_and_their_number_can_be_limited()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(((string[])["b", "a", "c", "a"]).Select(s => new Other { Elsewhere = s }));
        IDataView sorted = _ml.Transforms.Conversion.MapValueToKey("K", "Elsewhere", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(input).Transform(input);
        Assert.Equal([2u, 1, 3, 1], sorted.GetColumn<uint>("K"));
        IDataView limited = _ml.Transforms.Conversion.MapValueToKey("K", "Elsewhere", maximumNumberOfKeys: 2).Fit(input).Transform(input);
        Assert.Equal([1u, 2, 0, 2], limited.GetColumn<uint>("K"));
        Assert.Equal("Key<UInt32, 0-1>", limited.Schema["K"].Type.ToString());
    }

    [Fact]
    public void Values_that_were_not_seen_when_fitting_become_missing()
    {
        ITransformer fitted = _ml.Transforms.Conversion.MapValueToKey("K", "Elsewhere").Fit(_ml.Data.LoadFromEnumerable([new Other { Elsewhere = "a" }]));
        IDataView output = fitted.Transform(_ml.Data.LoadFromEnumerable([new Other { Elsewhere = "new" }, new Other { Elsewhere = "a" }]));
        Assert.Equal([0u, 1], output.GetColumn<uint>("K"));
    }

    [Fact]
    public void Key_values_can_be_annotated_as_text_whatever_the_column_is()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        DataViewSchema schema = _ml.Transforms.Conversion.MapValueToKey("K", "Long", addKeyValueAnnotationsAsText: true).Fit(input).Transform(input).Schema;
        VBuffer<ReadOnlyMemory<char>> values = default;
        schema["K"].GetKeyValues(ref values);
        Assert.Equal(["7", long.MinValue.ToString(System.Globalization.CultureInfo.InvariantCulture), "8"], values.DenseValues().Select(v => v.ToString()));
        Assert.True(schema["K"].HasKeyValues());
    }

    [Fact]
    public void A_given_list_of_keys_is_used_in_its_order()
    {
        IDataView keys = _ml.Data.LoadFromEnumerable([new Other { Elsewhere = "z" }, new Other { Elsewhere = "a" }]);
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        IDataView output = _ml.Transforms.Conversion.MapValueToKey("K", "Text", keyData: keys).Fit(input).Transform(input);
        Assert.Equal([2u, 0, 0], output.GetColumn<uint>("K"));
        Assert.Equal("keyData", Recorded.Exception(() => _ml.Transforms.Conversion.MapValueToKey("K", "Text", keyData: input)).Param);
    }

    [Fact]
    public void A_saved_mapping_of_numbers_text_and_vectors_maps_as_before()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        string[] columns = ["Real", "Int", "Text", "Number", "Fixed", "Free", "When", "Long", "Flag", "Key"];
        ITransformer fitted = _ml.Transforms.Conversion.MapValueToKey([.. columns.Select(c => new InputOutputColumnPair($"{c}Key", c))]).Fit(input);
        using var stream = new MemoryStream();
        _ml.Model.Save(fitted, input.Schema, stream);
        stream.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema schema);
        Assert.Equal(Recorded.Schema(input.Schema), Recorded.Schema(schema));
        IDataView before = fitted.Transform(input), after = loaded.Transform(input);
        Assert.Equal(Recorded.Schema(before.Schema), Recorded.Schema(after.Schema));
        foreach (string column in columns) Assert.Equal(Values(before, $"{column}Key"), Values(after, $"{column}Key"));
    }

    private static string[] Values(IDataView view, string column)
    {
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema[column]]);
        if (view.Schema[column].Type is VectorDataViewType) return [.. view.GetColumn<uint[]>(column).Select(v => string.Join(",", v))];
        return [.. view.GetColumn<uint>(column).Select(v => $"{v}")];
    }

    [Fact]
    public void The_schema_of_the_input_is_saved_with_its_key_values()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair("TextKey", "Text"), new("NumberKey", "Number"), new("FlagKey", "Flag"), new("WhenKey", "When")])
            .Fit(input).Transform(input);
        using var stream = new MemoryStream();
        _ml.Model.Save(_ml.Transforms.CopyColumns("Copy", "Text").Fit(keyed), keyed.Schema, stream);
        stream.Position = 0;
        _ml.Model.Load(stream, out DataViewSchema schema);
        Assert.Equal(Recorded.Schema(keyed.Schema), Recorded.Schema(schema));
        VBuffer<ReadOnlyMemory<char>> texts = default;
        schema["TextKey"].GetKeyValues(ref texts);
        Assert.Equal(["a", "ü, \"q\""], texts.DenseValues().Select(t => t.ToString()));
        VBuffer<float> numbers = default;
        schema["NumberKey"].GetKeyValues(ref numbers);
        Assert.Equal([1.5f, 2f], numbers.DenseValues());
        VBuffer<bool> flags = default;
        schema["FlagKey"].GetKeyValues(ref flags);
        Assert.Equal([true, false], flags.DenseValues());
        VBuffer<DateTime> times = default;
        schema["WhenKey"].GetKeyValues(ref times);
        Assert.Equal(2020, times.GetItemOrDefault(0).Year);
    }

    [Fact]
    public void Columns_that_are_no_keys_or_not_there_are_refused_by_name()
    {
        IDataView input = _ml.Data.LoadFromEnumerable(Row.Three);
        Assert.Contains("nope", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.MapValueToKey("K", "nope").Fit(input)).Message);
        Assert.Contains("nope", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.MapKeyToValue("K", "nope").Fit(input)).Message);
        Assert.NotNull(Record.Exception(() => _ml.Transforms.Conversion.MapKeyToValue("K", "Text").Fit(input)));
    }
}
