using System.Text.Json;
using Compat.Tests.Signatures;
using Microsoft.ML.Data;

namespace Compat.Tests.DataView;

public class DataViewTypeTests
{
    private static readonly DataViewType[] Types =
    [
        TextDataViewType.Instance, BooleanDataViewType.Instance, NumberDataViewType.Single, NumberDataViewType.Double,
        NumberDataViewType.Byte, NumberDataViewType.SByte, NumberDataViewType.Int16, NumberDataViewType.UInt16,
        NumberDataViewType.Int32, NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64,
        DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance, TimeSpanDataViewType.Instance, RowIdDataViewType.Instance,
        new KeyDataViewType(typeof(uint), 10), new KeyDataViewType(typeof(byte), 255), new KeyDataViewType(typeof(ulong), 1UL << 40),
        new VectorDataViewType(NumberDataViewType.Single), new VectorDataViewType(NumberDataViewType.Single, 5),
        new VectorDataViewType(TextDataViewType.Instance, 2, 3), new VectorDataViewType(TextDataViewType.Instance, 2, 0),
    ];

    [GoldenFact(MlNetGolden.File)]
    public void Every_recorded_type_has_its_text_class_raw_type_and_size()
    {
        JsonElement section = MlNetGolden.Section("types");
        string[] recorded = [.. section.EnumerateObject().Select(item => item.Name).Where(name => name is not ("equality" or "errors"))];
        Assert.Equal(recorded.Order(), Types.Select(type => type.ToString()).Order());
        foreach (DataViewType type in Types)
        {
            JsonElement expected = section.GetProperty(type.ToString()!);
            Assert.Equal(expected.GetProperty("class").GetString(), type.GetType().FullName);
            Assert.Equal(expected.GetProperty("raw").GetString(), TypeNames.Of(type.RawType));
            var vector = type as VectorDataViewType;
            Assert.Equal(expected.GetProperty("size").ValueKind == JsonValueKind.Null ? null : expected.GetProperty("size").GetInt32(), vector?.Size);
            Assert.Equal(expected.GetProperty("known").ValueKind == JsonValueKind.Null ? null : expected.GetProperty("known").GetBoolean(), vector?.IsKnownSize);
            Assert.Equal(expected.GetProperty("dims").GetString(), vector is null ? null : string.Join("x", vector.Dimensions));
        }
    }

    [GoldenFact(MlNetGolden.File)]
    public void Equality_is_as_recorded()
    {
        JsonElement recorded = MlNetGolden.Case("types", "equality");
        var single = NumberDataViewType.Single;
        Assert.Equal(recorded.GetProperty("vec(single,5)==vec(single,5)").GetBoolean(), new VectorDataViewType(single, 5).Equals(new VectorDataViewType(single, 5)));
        Assert.Equal(recorded.GetProperty("vec(single,5)==vec(single)").GetBoolean(), new VectorDataViewType(single, 5).Equals(new VectorDataViewType(single)));
        Assert.Equal(recorded.GetProperty("key(uint,10)==key(uint,11)").GetBoolean(), new KeyDataViewType(typeof(uint), 10).Equals(new KeyDataViewType(typeof(uint), 11)));
        Assert.Equal(recorded.GetProperty("text==text").GetBoolean(), TextDataViewType.Instance.Equals(TextDataViewType.Instance));
    }

    [Fact]
    public void Equal_types_have_equal_hashes_and_different_types_differ_from_each_other()
    {
        for (int i = 0; i < Types.Length; i++)
        {
            for (int j = 0; j < Types.Length; j++) Assert.Equal(i == j, Types[i].Equals(Types[j]));
        }
        Assert.Equal(new KeyDataViewType(typeof(uint), 10).GetHashCode(), new KeyDataViewType(typeof(uint), 10).GetHashCode());
        Assert.Equal(new VectorDataViewType(TextDataViewType.Instance, 2, 3).GetHashCode(), new VectorDataViewType(TextDataViewType.Instance, 2, 3).GetHashCode());
        Assert.False(new KeyDataViewType(typeof(uint), 10).Equals(null));
    }

    [GoldenFact(MlNetGolden.File)]
    public void Impossible_types_are_refused_as_recorded()
    {
        JsonElement errors = MlNetGolden.Case("types", "errors");
        var actions = new Dictionary<string, Action>
        {
            ["new KeyDataViewType(typeof(int), 10)"] = () => _ = new KeyDataViewType(typeof(int), 10),
            ["new KeyDataViewType(typeof(uint), 0)"] = () => _ = new KeyDataViewType(typeof(uint), 0),
            ["new VectorDataViewType(single, -1)"] = () => _ = new VectorDataViewType(NumberDataViewType.Single, -1),
            ["new VectorDataViewType(null)"] = () => _ = new VectorDataViewType(null!),
        };
        Assert.Equal(errors.EnumerateObject().Select(item => item.Name).Order(), actions.Keys.Order());
        foreach ((string name, Action action) in actions) MlNetGolden.AssertThrows(errors.GetProperty(name), name, action);
    }
}
