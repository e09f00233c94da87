using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Compat.Tests.Torch;

public class TensorTests
{
    private static Tensor Counted => arange(24).view(2, 3, 4);

    private static long[] Longs(Tensor tensor) => tensor.data<long>().ToArray();

    [Fact]
    public void Index_expressions_follow_python()
    {
        using var scope = NewDisposeScope();
        Tensor x = Counted;

        Assert.Equal([12L, 13, 14, 15], Longs(x[1, 0]));
        Assert.Equal([23L], Longs(x[-1, -1, -1]));
        Assert.Equal([1L, 13], Longs(x[.., 0, 1]));
        Assert.Equal([3L, 7, 11], Longs(x[0, .., ^1]));
        Assert.Equal([3L, 7, 11, 15, 19, 23], Longs(x[TensorIndex.Ellipsis, -1].flatten()));
        Assert.Equal([1L, 2], Longs(x[0, 0, 1..3]));
        Assert.Equal([0L, 2], Longs(x[0, 0, TensorIndex.Slice(step: 2)]));
        Assert.Equal([0L, 1, 2], Longs(x[0, 0, ..^1]));
        Assert.Equal([2L, 1, 3, 4], x[TensorIndex.Colon, TensorIndex.None].shape);
        Assert.Equal([22L, 23], Longs(x[x > 21]));
        Assert.Equal([4L, 20], Longs(x[tensor(new long[] { 0, 1 }), tensor(new long[] { 1, 2 })].select(1, 0)));
    }

    [Fact]
    public void Index_expressions_can_be_assigned()
    {
        using var scope = NewDisposeScope();
        Tensor x = zeros(2, 3, dtype: int64);

        x[0, 1] = 5;
        x[1] = tensor(new long[] { 7, 8, 9 });
        Assert.Equal([0L, 5, 0, 7, 8, 9], Longs(x));
        x[.., 0] = tensor(3L);
        x[x == 5] = tensor(-1L);
        Assert.Equal([3L, -1, 0, 3, 8, 9], Longs(x));
        x.index_put_(tensor(new long[] { 1, 1 }), [tensor(new long[] { 0, 0 }), tensor(new long[] { 2, 2 })], accumulate: true);
        Assert.Equal(2, x[0, 2].item<long>());
    }

    [Fact]
    public void In_place_methods_return_the_same_object()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 1, 2 });

        Assert.Same(x, x.add_(1).mul_(2));
        Assert.Equal([4f, 6], x.data<float>().ToArray());
        Assert.Same(x, x.fill_(3).zero_());
        x.copy_(tensor(new double[] { 8, 9 }));
        Assert.Equal([8f, 9], x.data<float>().ToArray());
        Tensor view = x.view(2, 1);
        view[0, 0] = 1;
        Assert.Equal(1f, x[0].item<float>());
    }

    [Fact]
    public void Conversions_to_the_same_share_the_elements_but_not_the_lifetime()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 1.7f });

        foreach (Tensor same in new[] { x.to(float32), x.cpu(), x.to(CPU), x.to(float32, CPU), x.@float() })
        {
            Assert.NotSame(x, same);
            same[0] = 2;
            Assert.Equal(2f, x.item<float>());
            same.Dispose();
            x[0] = 1.7f;
        }
        Tensor copied = x.to(float32, copy: true);
        copied[0] = 5;
        Assert.Equal(1.7f, x.item<float>());
        Tensor moved = x.alias().to(float32, disposeAfter: true);
        Assert.False(moved.IsInvalid);
        Assert.Equal(1L, x.to(int64).item<long>());
        Assert.Equal(1.7f, x.@double().ToSingle(), 1e-6f);
        Assert.Equal(1, (int)x);
        Assert.Equal(DeviceType.CPU, x.device.type);
        Assert.False(x.Equals(null!));
        Assert.Equal("cpu", x.device.ToString());
        Assert.Equal("cuda:1", new Device("cuda:1").ToString());
        Assert.Equal("[1], type = Float32, device = cpu", x.ToString());
    }

    [Fact]
    public void Typed_access_checks_the_type_and_follows_strides()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[,] { { 1, 2 }, { 3, 4 } });

        Assert.Throws<ArgumentException>(() => x.data<double>());
        Assert.Throws<ArgumentException>(() => x.item<float>());
        Assert.Equal([1f, 3, 2, 4], x.t().data<float>().ToArray());
        Assert.Equal(3f, x.data<float>()[1, 0]);
        Assert.Equal(4f, x.data<float>()[3]);
        x.data<float>()[0, 1] = 9;
        Assert.Equal(9f, x[0, 1].item<float>());
        Assert.Equal([1f, 3, 9, 4], (IEnumerable<float>)x.t().data<float>());
        Assert.Throws<InvalidOperationException>(() => x.t().bytes.Length);
    }

    [Fact]
    public void Errors_carry_libtorchs_message()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ExternalException>(() => zeros(2, 3).matmul(zeros(2, 3)));
        Assert.Contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", error.Message);
        Assert.Throws<ExternalException>(() => zeros(2)[5]);
        Assert.Throws<ExternalException>(() => zeros(2).view(3));
    }

    [Fact]
    public void A_disposed_tensor_says_so()
    {
        Tensor x = zeros(2);
        x.Dispose();
        x.Dispose();

        Assert.True(x.IsInvalid);
        Assert.Throws<InvalidOperationException>(() => x.shape);
        Assert.Throws<InvalidOperationException>(() => x + 1);
        Assert.Throws<InvalidOperationException>(() => x.Handle);
    }

    [Fact]
    public void A_handle_can_change_hands()
    {
        using Tensor x = tensor(new float[] { 1, 2 });
        Tensor given = x.alias();
        nint handle = given.DecoupleFromNativeHandle();
        Assert.True(given.IsInvalid);
        using Tensor again = Tensor.UnsafeCreateTensor(handle);
        Assert.Equal([1f, 2], again.data<float>().ToArray());
    }
}
