using Microsoft.ML.Data;

namespace Compat.Tests.DataView;

public class DataViewRowIdTests
{
    [Fact]
    public void Text_shows_the_high_half_first()
        => Assert.Equal("0000000000000002000000000000000a", new DataViewRowId(10, 2).ToString());

    [Fact]
    public void Order_and_equality_look_at_the_high_half_first()
    {
        var ids = new[] { new DataViewRowId(1, 2), new DataViewRowId(9, 1), new DataViewRowId(0, 2) };
        Array.Sort(ids);
        Assert.Equal([new DataViewRowId(9, 1), new DataViewRowId(0, 2), new DataViewRowId(1, 2)], ids);
        Assert.False(ids[0].Equals(ids[1]));
        Assert.Equal(new DataViewRowId(9, 1).GetHashCode(), ids[0].GetHashCode());
    }

    [Theory] // computed by the published assembly
    [InlineData("0,0 next", "00000001d699de820000000052dce729")]
    [InlineData("0,0 fork", "00000001d699de8234e09d0b39021911")]
    [InlineData("1,2 next", "000000079e99deb4000000007adce733")]
    [InlineData("1,2 fork", "000000079e99deb434e09d0b1102190b")]
    [InlineData("1,2 combine 3,4", "d6c370eb9bb089c0cf76cc3e67f97a6c")]
    [InlineData("18446744073709551615,12345678901234567890 combine 98765432109876543,7", "737167641d06f4706bcb509ade68d284")]
    public void Ids_of_ids_are_those_of_the_published_hash(string expression, string expected)
    {
        string[] words = expression.Split(' ');
        DataViewRowId id = Parse(words[0]);
        DataViewRowId result = words[1] switch { "next" => id.Next(), "fork" => id.Fork(), _ => id.Combine(Parse(words[2])) };
        Assert.Equal(expected, result.ToString());
    }

    private static DataViewRowId Parse(string pair)
    {
        string[] halves = pair.Split(',');
        return new DataViewRowId(ulong.Parse(halves[0]), ulong.Parse(halves[1]));
    }
}
