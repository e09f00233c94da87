using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests.Data;

public sealed class EnumerableTests
{
    private readonly MLContext _ml = new(1);

    [GoldenFact(Recorded.Folder)]
    public void A_class_gives_the_recorded_schema() =>
        Assert.Equal(Recorded.Schema(Recorded.At("schemas", "LoadFromEnumerable<Row>")), Recorded.Schema(_ml.Data.LoadFromEnumerable(Row.Three).Schema));

    [GoldenFact(Recorded.Folder)]
    public void Column_names_and_left_out_members_follow_the_attributes() =>
        Assert.Equal(Recorded.Schema(Recorded.At("schemas", "SelectAttributes(ColumnName,NoColumn)")), Recorded.Schema(_ml.Data.LoadFromEnumerable(new Named[1]).Schema));

    [GoldenFact(Recorded.Folder)]
    public void Objects_give_the_recorded_rows() =>
        Assert.Equal(Recorded.Rows(Recorded.At("rows", "LoadFromEnumerable<Row>")), Recorded.Rows(_ml.Data.LoadFromEnumerable(Row.Three)));

    [Fact]
    public void Rows_become_objects_again_with_keys_counted_from_one()
    {
        Row[] read = [.. _ml.Data.CreateEnumerable<Row>(_ml.Data.LoadFromEnumerable(Row.Three), reuseRowObject: false)];
        Assert.Equal(["a", "", "ü, \"q\""], read.Select(r => r.Text));
        Assert.Equal([1.5f, float.NaN, 2f], read.Select(r => r.Number));
        Assert.Equal([1f, 2f, 3f], read[0].Fixed);
        Assert.Empty(read[1].Free);
        Assert.Equal(["z", "", ""], read[2].Free);
        Assert.Equal([3u, 1u, 0u], read.Select(r => r.Key));
        Assert.Equal([0.1, double.PositiveInfinity, -2], read.Select(r => r.Real));
        Assert.Equal([-3, 0, 1], read.Select(r => r.Int));
    }

    [Fact]
    public void A_reused_object_is_one_object_and_keeps_its_array_where_the_length_fits()
    {
        Row? first = null;
        float[]? array = null;
        foreach (Row row in _ml.Data.CreateEnumerable<Row>(_ml.Data.LoadFromEnumerable(Row.Three), reuseRowObject: true))
        {
            Assert.Same(first ??= row, row);
            Assert.Same(array ??= row.Fixed, row.Fixed);
        }
        Assert.Equal([0f, 0f, 9f], first!.Fixed);
    }

    [Fact]
    public void An_enumerable_is_enumerated_when_a_cursor_moves_and_anew_by_every_cursor()
    {
        int made = 0;
        IEnumerable<Other> Rows()
        {
            for (int i = 0; i < 3; i++)
            {
                made++;
                yield return new Other { Elsewhere = $"{i}" };
            }
        }
        IDataView view = _ml.Data.LoadFromEnumerable(Rows());
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        Assert.Equal(0, made);
        cursor.MoveNext();
        Assert.Equal(1, made);
        Assert.Equal(["0", "1", "2"], view.GetColumn<string>("Elsewhere"));
        Assert.Equal(4, made);
    }

    [Fact]
    public void A_null_row_is_an_error() =>
        Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadFromEnumerable(new Other[1]).GetColumn<string>("Elsewhere").ToArray());

    [Fact]
    public void A_definition_can_rename_a_column_and_say_its_type()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Row));
        definition["Free"].ColumnType = new VectorDataViewType(TextDataViewType.Instance, 2);
        definition["Free"].AddAnnotation("SlotNames", new[] { "p", "q" }, new VectorDataViewType(TextDataViewType.Instance, 2));
        definition["Text"].ColumnName = "Words";
        DataViewSchema schema = _ml.Data.LoadFromEnumerable(Row.Three, definition).Schema;
        Assert.Equal("Vector<String, 2>", schema["Free"].Type.ToString());
        Assert.NotNull(schema.GetColumnOrNull("Words"));
        Assert.True(schema["Free"].HasSlotNames());
        VBuffer<ReadOnlyMemory<char>> names = default;
        schema["Free"].GetSlotNames(ref names);
        Assert.Equal(["p", "q"], names.DenseValues().Select(n => n.ToString()));
    }

    [GoldenFact(Recorded.Folder)]
    public void Wrong_members_and_columns_throw_what_is_recorded()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(Row.Three);
        Recorded.MessageMatches("CreateEnumerable<Other>", () => _ml.Data.CreateEnumerable<Other>(view, false).ToArray());
        Recorded.MessageMatches("CreateEnumerable<Other>(ignoreMissingColumns: true)", () => _ml.Data.CreateEnumerable<Other>(view, false, true).ToArray());
        Recorded.MessageMatches("CreateEnumerable<WrongType>", () => _ml.Data.CreateEnumerable<WrongType>(view, false).ToArray());
        Recorded.MessageMatches("CreateEnumerable<WrongVector>", () => _ml.Data.CreateEnumerable<WrongVector>(view, false).ToArray());
        Recorded.MessageMatches("LoadFromEnumerable<BadMember>", () => _ml.Data.LoadFromEnumerable(new BadMember[1]));
        Recorded.MessageMatches("LoadFromEnumerable(null)", () => _ml.Data.LoadFromEnumerable<Row>(null!));
        Recorded.MessageMatches("LoadFromEnumerable<WrongLength> then read (VectorType(3), array of 2)",
            () => Recorded.Rows(_ml.Data.LoadFromEnumerable([new WrongLength { V = [1, 2] }])));
        Recorded.MessageMatches("schema[\"nope\"]", () => _ = view.Schema["nope"]);
        Recorded.MessageMatches("schema[99]", () => _ = view.Schema[99]);
        Assert.Null(view.Schema.GetColumnOrNull("nope"));
        DataViewSchema foreign = _ml.Data.LoadFromEnumerable(new Other[1]).Schema;
        Recorded.MessageMatches("schema of another view: GetRowCursor", () => view.GetRowCursor(foreign).Dispose());
    }
}
