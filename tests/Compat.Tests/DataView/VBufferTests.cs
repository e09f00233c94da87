using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Compat.Tests.DataView;

public class VBufferTests
{
    private static VBuffer<float> Sparse => new(5, 2, [1, 2], [1, 4]);

    [GoldenFact(MlNetGolden.File)]
    public void A_sparse_vector_shows_what_was_recorded()
    {
        JsonElement recorded = MlNetGolden.Case("vbuffer", "sparse(5,{1:1,4:2})");
        VBuffer<float> vector = Sparse;
        Assert.Equal(recorded.GetProperty("Length").GetInt32(), vector.Length);
        Assert.Equal(recorded.GetProperty("IsDense").GetBoolean(), vector.IsDense);
        Assert.Equal(recorded.GetProperty("values").GetString(), Join(vector.GetValues().ToArray()));
        Assert.Equal(recorded.GetProperty("indices").GetString(), Join(vector.GetIndices().ToArray()));
        Assert.Equal(recorded.GetProperty("DenseValues").GetString(), Join(vector.DenseValues()));
        Assert.Equal(recorded.GetProperty("Items").GetString(), Join(vector.Items()));
        Assert.Equal(recorded.GetProperty("Items(all)").GetString(), Join(vector.Items(all: true)));
        Assert.Equal(recorded.GetProperty("GetItemOrDefault(0)").GetSingle(), vector.GetItemOrDefault(0));
        Assert.Equal(recorded.GetProperty("GetItemOrDefault(4)").GetSingle(), vector.GetItemOrDefault(4));
        Assert.Equal(recorded.GetProperty("ToString").GetString(), vector.ToString());
    }

    [GoldenFact(MlNetGolden.File)]
    public void A_dense_and_a_default_vector_show_what_was_recorded()
    {
        JsonElement recorded = MlNetGolden.Case("vbuffer", "dense(1,2,3)");
        var dense = new VBuffer<float>(3, [1, 2, 3]);
        Assert.Equal(recorded.GetProperty("Length").GetInt32(), dense.Length);
        Assert.Equal(recorded.GetProperty("IsDense").GetBoolean(), dense.IsDense);
        Assert.Equal(recorded.GetProperty("indices").GetInt32(), dense.GetIndices().Length);
        Assert.Equal(recorded.GetProperty("ToString").GetString(), dense.ToString());

        recorded = MlNetGolden.Case("vbuffer", "default");
        VBuffer<float> empty = default;
        Assert.Equal(recorded.GetProperty("Length").GetInt32(), empty.Length);
        Assert.Equal(recorded.GetProperty("IsDense").GetBoolean(), empty.IsDense);
        Assert.Empty(empty.DenseValues());
    }

    [GoldenFact(MlNetGolden.File)]
    public void Bad_arguments_are_refused_as_recorded()
    {
        MlNetGolden.AssertThrowsAsRecorded("vbuffer", "new(5, 6 values)", () => _ = new VBuffer<float>(5, 6, new float[6], new int[6]));
        MlNetGolden.AssertThrowsAsRecorded("vbuffer", "new(3, array of 2)", () => _ = new VBuffer<float>(3, new float[2]));
        MlNetGolden.AssertThrowsAsRecorded("vbuffer", "unordered indices", () => _ = new VBuffer<float>(5, 2, [1, 2], [4, 1]));
        MlNetGolden.AssertThrowsAsRecorded("vbuffer", "GetItemOrDefault(9)", () => Sparse.GetItemOrDefault(9));
        MlNetGolden.AssertThrowsAsRecorded("vbuffer", "CopyTo(span too short)", () => Sparse.CopyTo(new float[4]));
    }

    [GoldenFact(MlNetGolden.File)]
    public void Copies_and_edits_give_what_was_recorded()
    {
        var target = new float[5];
        Sparse.CopyTo(target);
        Assert.Equal(MlNetGolden.Case("vbuffer", "CopyTo(span)").GetString(), Join(target));

        var vector = new VBuffer<float>(3, [1, 2, 3]);
        VBufferEditor<float> editor = VBufferEditor.Create(ref vector, 2);
        editor.Values[0] = 8;
        editor.Values[1] = 9;
        vector = editor.Commit();
        Assert.Equal(MlNetGolden.Case("vbuffer", "editor 3 -> 2 dense").GetString(), Join(vector.DenseValues()));
    }

    [Fact]
    public void All_ways_to_read_agree_with_a_plain_array()
    {
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            int length = random.Next(0, 12);
            int[] indices = [.. Enumerable.Range(0, length).Where(_ => random.Next(3) == 0)];
            if (indices.Length == length) indices = [];
            int[] values = [.. indices.Select(_ => random.Next(1, 100))];
            var plain = new int[length];
            for (int i = 0; i < indices.Length; i++) plain[indices[i]] = values[i];
            var vector = new VBuffer<int>(length, indices.Length, values, indices);

            Assert.Equal(plain, vector.DenseValues());
            Assert.Equal(plain, vector.Items(all: true).Select(item => item.Value));
            Assert.Equal(indices, vector.IsDense ? [] : vector.Items().Select(item => item.Key));
            for (int i = 0; i < length; i++) Assert.Equal(plain[i], vector.GetItemOrDefault(i));

            VBuffer<int> copy = default, dense = default, part = default;
            vector.CopyTo(ref copy);
            vector.CopyToDense(ref dense);
            int begin = random.Next(0, length + 1), count = random.Next(0, length - begin + 1);
            vector.CopyTo(ref part, begin, count);
            Assert.Equal(plain, copy.DenseValues());
            Assert.Equal(vector.IsDense, copy.IsDense);
            Assert.True(dense.IsDense);
            Assert.Equal(plain, dense.GetValues().ToArray());
            Assert.Equal(plain.Skip(begin).Take(count), part.DenseValues());
            Assert.Equal(count, part.Length);
        }
    }

    [Fact]
    public void Places_of_a_sparse_vector_take_the_given_default_when_copied()
    {
        var target = new float[7];
        Array.Fill(target, 5);
        Sparse.CopyTo(target, 1, -1);
        Assert.Equal([5, -1, 1, -1, -1, 2, 5], target);
    }

    [Fact]
    public void An_editor_reuses_arrays_that_are_long_enough_and_grows_others()
    {
        var vector = new VBuffer<int>(4, [1, 2, 3, 4]);
        VBufferEditor<int> smaller = VBufferEditor.Create(ref vector, 3);
        Assert.False(smaller.CreatedNewValues);
        Assert.Equal(0, smaller.Indices.Length);

        vector = smaller.Commit();
        VBufferEditor<int> larger = VBufferEditor.Create(ref vector, 6, keepOldOnResize: true);
        Assert.True(larger.CreatedNewValues);
        Assert.Equal([1, 2, 3, 4], larger.Values[..4].ToArray());

        vector = larger.Commit();
        VBufferEditor<int> sparse = VBufferEditor.Create(ref vector, 10, valuesCount: 2);
        Assert.True(sparse.CreatedNewIndices);
        sparse.Values[0] = 7;
        sparse.Indices[0] = 9;
        vector = sparse.CommitTruncated(1);
        Assert.Equal("Sparse vector of size 10, 1 explicit values", vector.ToString());
        Assert.Equal(7, vector.GetItemOrDefault(9));
    }

    [Theory]
    [InlineData("negative length", "newLogicalLength")]
    [InlineData("more values than slots", "valuesCount")]
    [InlineData("truncated upwards", "physicalValuesCount")]
    [InlineData("beyond the capacity", "max")]
    public void An_editor_refuses_impossible_sizes(string what, string param)
    {
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            VBuffer<int> vector = default;
            _ = what switch
            {
                "negative length" => VBufferEditor.Create(ref vector, -1).Commit(),
                "more values than slots" => VBufferEditor.Create(ref vector, 2, 3).Commit(),
                "truncated upwards" => VBufferEditor.Create(ref vector, 9, 2).CommitTruncated(3),
                _ => VBufferEditor.Create(ref vector, 9, maxValuesCapacity: 5).Commit(),
            };
        });
        Assert.Equal(param, thrown.ParamName);
    }

    private static string Join<T>(IEnumerable<T> items)
        => string.Join(",", items.Select(item => item is IFormattable number ? number.ToString(null, CultureInfo.InvariantCulture) : item!.ToString()));
}
