using System.Reflection;
using TorchSharp;

namespace Compat.Tests.Torch;

public class AtenTests
{
    private const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    /// <summary>One of the two exists, depending on libtorch's version.</summary>
    private static readonly string[] Alternatives = ["scaled_dot_product_attention", "_scaled_dot_product_attention"];

    [Fact]
    public void Every_operator_in_the_stand_ins_table_exists_in_this_libtorch()
    {
        // By reflection: the published package has no such table, and these tests compile against it too.
        if (typeof(torch).Assembly.GetType("TorchSharp.Aten") is not { } aten) return;
        FieldInfo[] operators = aten.GetFields(All);
        PropertyInfo exists = operators[0].FieldType.GetProperty("Exists", All)!;
        string[] missing = [.. operators.Where(field => !(bool)exists.GetValue(field.GetValue(null))!).Select(field => field.Name).Except(Alternatives)];

        Assert.True(operators.Length > 200);
        Assert.Empty(missing);
    }
}
