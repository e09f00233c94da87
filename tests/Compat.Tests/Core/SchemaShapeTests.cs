using System.Reflection;
using Compat.Tests.Data;
using Microsoft.ML;

namespace Compat.Tests.Core;

public class SchemaShapeTests
{
    private readonly MLContext ml = new(1);

    [GoldenFact(MlNetGolden.File)]
    public void The_shape_of_a_schema_is_as_recorded()
    {
        SchemaShape shape = Create(ml.Data.LoadFromEnumerable(Row.Three).Schema);
        Assert.Equal(
            MlNetGolden.Case("schema shape", "SchemaShape.Create(view)").EnumerateArray().Select(line => line.GetString()),
            shape.Select(column => $"{Text(column)} annotations={column.Annotations.Count}"));
    }

    [GoldenFact(MlNetGolden.File)]
    public void What_an_estimator_announces_has_the_recorded_shape()
    {
        SchemaShape input = Create(ml.Data.LoadFromEnumerable(Row.Three).Schema);
        SchemaShape output = ml.Transforms.CopyColumns("Copy", "Text").GetOutputSchema(input);
        Assert.Equal(
            MlNetGolden.Case("schema shape", "GetOutputSchema of CopyColumns+MapValueToKey").EnumerateArray().Select(line => line.GetString())
                .Where(line => !line!.StartsWith("TextKey:")).Order(),
            output.Select(column => $"{Text(column)} annotations=[{string.Join(", ", column.Annotations.Select(annotation => annotation.Name))}]").Order());
    }

    [Fact]
    public void A_shape_refuses_columns_that_are_only_default_values()
        => Assert.Equal("columns", Assert.Throws<ArgumentOutOfRangeException>(() => new SchemaShape([default])).ParamName);

    /// <summary>Internal in the published one too, where every estimator's Fit calls it.</summary>
    private static SchemaShape Create(DataViewSchema schema)
        => (SchemaShape)typeof(SchemaShape).GetMethod("Create", BindingFlags.NonPublic | BindingFlags.Static)!.Invoke(null, [schema])!;

    private static string Text(SchemaShape.Column column) => $"{column.Name}: {column.Kind} {column.ItemType} key={column.IsKey}";
}
