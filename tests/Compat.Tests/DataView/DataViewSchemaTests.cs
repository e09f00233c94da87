using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.DataView;

public class DataViewSchemaTests
{
    private static DataViewSchema TwoOfOneName()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("B", TextDataViewType.Instance);
        builder.AddColumn("A", NumberDataViewType.Int32);
        return builder.ToSchema();
    }

    [Fact]
    public void Of_two_columns_with_one_name_the_later_hides_the_earlier()
    {
        DataViewSchema schema = TwoOfOneName();
        Assert.Equal(3, schema.Count);
        Assert.True(schema[0].IsHidden);
        Assert.Equal(2, schema["A"].Index);
        Assert.Equal(NumberDataViewType.Int32, schema.GetColumnOrNull("A")!.Value.Type);
        Assert.Equal([0, 1, 2], schema.Select(column => column.Index));
        Assert.Equal("3 columns", schema.ToString());
        Assert.Equal("B: String", schema["B"].ToString());
    }

    [GoldenFact(MlNetGolden.File)]
    public void Columns_that_are_not_there_are_reported_as_recorded()
    {
        DataViewSchema schema = TwoOfOneName();
        MlNetGolden.AssertThrowsAsRecorded("messages", "schema[\"nope\"]", () => _ = schema["nope"]);
        MlNetGolden.AssertThrowsAsRecorded("messages", "schema[99]", () => _ = schema[99]);
        Assert.Equal("null", MlNetGolden.Case("messages", "schema.GetColumnOrNull(\"nope\")").GetString());
        Assert.Null(schema.GetColumnOrNull("nope"));
        Assert.Contains("nope", Assert.Throws<ArgumentOutOfRangeException>(() => schema["nope"]).Message);
    }

    [Fact]
    public void Names_and_types_must_be_given()
    {
        var builder = new DataViewSchema.Builder();
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => builder.AddColumn("", TextDataViewType.Instance)).ParamName);
        Assert.Equal("type", Assert.Throws<ArgumentNullException>(() => builder.AddColumn("A", null!)).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => _ = new DataViewSchema.DetachedColumn(null!, TextDataViewType.Instance)).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => TwoOfOneName().GetColumnOrNull("")).ParamName);
    }

    [Fact]
    public void Annotations_are_kept_by_columns_and_read_by_kind()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue("IsGood", BooleanDataViewType.Instance, true);
        annotations.Add("Names", new VectorDataViewType(TextDataViewType.Instance, 2),
            (ref VBuffer<ReadOnlyMemory<char>> names) => names = new VBuffer<ReadOnlyMemory<char>>(2, ["a".AsMemory(), "b".AsMemory()]));
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single, annotations.ToAnnotations());
        var again = new DataViewSchema.Builder();
        again.AddColumns([new DataViewSchema.DetachedColumn(builder.ToSchema()["A"])]);

        DataViewSchema.Column column = again.ToSchema()["A"];
        Assert.Equal("A: Single {IsGood, Names}", column.ToString());
        bool good = false;
        column.Annotations.GetValue("IsGood", ref good);
        Assert.True(good);
        VBuffer<ReadOnlyMemory<char>> slots = default;
        column.Annotations.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column.Annotations.Schema["Names"])(ref slots);
        Assert.Equal(["a", "b"], slots.DenseValues().Select(name => name.ToString()));

        var some = new DataViewSchema.Annotations.Builder();
        some.Add(column.Annotations, name => name == "Names");
        Assert.Equal("Names", some.ToAnnotations().ToString());
    }

    [Fact]
    public void Annotations_that_do_not_fit_are_refused()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        ValueGetter<int> number = (ref int value) => value = 1;
        Assert.Equal("type", Assert.Throws<ArgumentException>(() => builder.Add("A", NumberDataViewType.Single, number)).ParamName);
        Assert.Equal("type", Assert.Throws<ArgumentException>(() => builder.AddPrimitiveValue("A", NumberDataViewType.Single, 1)).ParamName);
        var wrapped = Assert.Throws<TargetInvocationException>(() => builder.Add("A", NumberDataViewType.Single, (Delegate)number));
        Assert.Equal("getter", Assert.IsType<ArgumentException>(wrapped.InnerException).ParamName);

        builder.Add("A", NumberDataViewType.Int32, number);
        DataViewSchema.Annotations annotations = builder.ToAnnotations();
        Assert.Throws<InvalidOperationException>(() =>
        {
            int value = 0;
            annotations.GetValue("B", ref value);
        });
        Assert.Throws<InvalidOperationException>(() => annotations.GetGetter<float>(annotations.Schema["A"]));
    }
}
