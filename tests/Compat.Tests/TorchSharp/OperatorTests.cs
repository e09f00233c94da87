using System.Runtime.InteropServices;
using TorchSharp;
using static Compat.Tests.Torch.Numbers;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Compat.Tests.Torch;

/// <summary>Operators against values computed by hand: each checks that the arguments arrive where they should.</summary>
public class OperatorTests
{
    [Fact]
    public void Arithmetic_takes_tensors_and_numbers_on_both_sides()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new float[] { 1, 2, 4 }), b = tensor(new float[] { 2, 4, 8 });

        Near([3, 6, 12], a + b);
        Near([-1, 0, 2], a - 2);
        Near([1, 0, -2], 2 - a);
        Near([4, 2, 1], 4.0 / a);
        Near([.5f, .5f, .5f], a / b);
        Near([1, 0, 0], a % 2);
        Near([-1, -2, -4], -a);
        Near([2, 4, 8], a.mul(2));
        Near([5, 10, 20], a.add(b, 2));
        Near([0, 1, 2], a.div(2, RoundingMode.floor));
        Near([1, 4, 16], a.pow(2));
        Near([1, 16, 65536], a.pow(b));
        Near([1 + .5f * 2 * 2, 2 + .5f * 4 * 4, 4 + .5f * 8 * 8], a.addcmul(b, b, .5));
        Near([2, 3, 5], a.addcdiv(b, b, 1));
        Near([1.5f, 3, 6], a.lerp(b, tensor(.5f)));
    }

    [Fact]
    public void Functions_of_elements()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[] { -1.5f, 0, 2.25f });
        float[] v = [-1.5f, 0, 2.25f];
        float[] Of(Func<float, float> f) => [.. v.Select(f)];

        Near(Of(MathF.Abs), x.abs());
        Near(Of(MathF.Exp), x.exp());
        Near(Of(f => MathF.Exp(f) - 1), x.expm1());
        Near(Of(MathF.Tanh), x.tanh());
        Near(Of(MathF.Sin), x.sin());
        Near(Of(MathF.Cos), x.cos());
        Near(Of(f => 1 / (1 + MathF.Exp(-f))), x.sigmoid());
        Near(Of(f => f / (1 + MathF.Exp(-f))), Functional.silu(x));
        Near([-1.5f * .0668072f, 0, 2.25f * .9877755f], Functional.gelu(x));
        Near(Of(f => MathF.Max(f, 0)), x.relu());
        Near(Of(MathF.Floor), x.floor());
        Near(Of(MathF.Ceiling), x.ceil());
        Near(Of(f => f * f), x.square());
        Near([-1, 0, 1], x.sign());
        Near([-1, 0, 2], x.clamp(-1, 2));
        Near([0, 0, 2.25f], x.clamp_min(0));
        Near([-1.5f, 0, 1], x.clamp_max(1));
        Near([-1.3f, 0, 2.2f], tensor(new float[] { -1.26f, 0, 2.24f }).round(1));
        Near([1, .5f, .25f], tensor(new float[] { 1, 4, 16 }).rsqrt());
        Near([0, MathF.Log(4), MathF.Log(16)], tensor(new float[] { 1, 4, 16 }).log());
        Near([MathF.Log(2), MathF.Log(5)], tensor(new float[] { 1, 4 }).log1p());
        Near([.8427008f], tensor(new float[] { 1 }).erf());
        Assert.Equal([false, true], Bools(tensor(new float[] { 1, float.NaN }).isnan()));
        Assert.Equal([true, false], Bools(tensor(new float[] { 1, float.PositiveInfinity }).isfinite()));
    }

    [Fact]
    public void Comparisons_and_logic()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new long[] { 1, 2, 3 }), b = tensor(new long[] { 3, 2, 1 });

        Assert.Equal([false, true, false], Bools(a.eq(b)));
        Assert.Equal([true, false, false], Bools(a < b));
        Assert.Equal([false, true, true], Bools(a >= 2));
        Assert.Equal([true, false, true], Bools(a != b));
        Assert.Equal([true, true, false], Bools((a < b) | (a == 2)));
        Assert.Equal([false, false, true], Bools(~(a <= b)));
        Assert.Equal([false, true, false], Bools((a <= b).logical_and(a >= b)));
        Assert.Equal([3L, 2, 3], Longs(a.maximum(b)));
        Assert.Equal([1L, 2, 1], Longs(minimum(a, b)));
        Assert.Equal([1L, 2, 1], Longs(where(a < b, a, b)));
        Assert.True(a.allclose(a));
        Assert.False(a.allclose(b));
        Assert.True(a.Equals(tensor(new long[] { 1, 2, 3 })));
        Assert.True((a > 0).all().item<bool>());
        Assert.False((a > 5).any().ToBoolean());
    }

    [Fact]
    public void Reductions()
    {
        using var scope = NewDisposeScope();
        Near([21], M.sum());
        Near([5, 7, 9], M.sum(dim: 0));
        Near([6, 15], M.sum([1], true));
        Assert.Equal([2L, 1], M.sum(1, keepdim: true).shape);
        Near([3.5f], M.mean());
        Near([2, 5], M.mean([1]));
        Near([1, 1], M.var(1));
        Near([2f / 3, 2f / 3], M.var(1, unbiased: false));
        Near([1, 1], M.std(1));
        Near([6], M.max());
        var (values, indexes) = M.max(1);
        Near([3, 6], values);
        Assert.Equal([2L, 2], Longs(indexes));
        Assert.Equal([0L, 0], Longs(M.argmin(1)));
        Assert.Equal(5, M.argmax().ToInt64());
        Near([4, 5, 6], M.amax([0], false));
        Near([720], M.prod());
        Near([MathF.Sqrt(14), MathF.Sqrt(77)], M.norm(1));
        Near([MathF.Sqrt(91)], M.norm());
        Near([MathF.Log(MathF.Exp(1) + MathF.Exp(2) + MathF.Exp(3))], M[0].logsumexp(0));
        Near([1, 3, 6, 4, 9, 15], M.cumsum(1));
        Near([1, 1], M.softmax(1).sum(1));
        Near([-2.407606f, -1.407606f, -.407606f], M.log_softmax(-1)[0]);
        Assert.Equal(float64, M.sum(float64).dtype);
        Assert.Equal([0L, 2], Longs(tensor(new float[] { 1, 0, 2 }).nonzero().flatten()));
        Assert.Equal([1L, 0, 2], Longs(bincount(tensor(new long[] { 0, 2, 2 }))));
        var (distinct, inverse, counts) = tensor(new long[] { 7, 5, 7 }).unique(return_inverse: true, return_counts: true);
        Assert.Equal([5L, 7], Longs(distinct));
        Assert.Equal([1L, 0, 1], Longs(inverse!));
        Assert.Equal([1L, 2], Longs(counts!));
        Assert.Null(tensor(new long[] { 7 }).unique().inverse_indices);
    }

    [Fact]
    public void Sorting_and_choosing()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 3, 1, 2 });

        var (values, indexes) = x.topk(2);
        Near([3, 2], values);
        Assert.Equal([0L, 2], Longs(indexes));
        var (sorted, order) = x.sort(descending: true);
        Near([3, 2, 1], sorted);
        Assert.Equal([0L, 2, 1], Longs(order));
        Assert.Equal([1L, 2, 0], Longs(x.argsort()));
        Assert.Equal([3L, 0, 1, 2], Longs(tensor(new float[] { 5, 5, 5, 1 }).sort(stable: true).Indices));
        Near([2], x.kthvalue(2, null).values);
        Near([2], x.median());
    }

    [Fact]
    public void Shapes()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([3L, 2], M.t().shape);
        Assert.Equal([3L, 2], M.transpose(0, 1).shape);
        Assert.Equal([1L, 2, 3], M.unsqueeze(0).shape);
        Assert.Equal([2L, 3], M.unsqueeze(0).squeeze(0).shape);
        Assert.Equal([6L], M.flatten().shape);
        Assert.Equal([3L, 2], M.view(3, 2).shape);
        Assert.Equal([3L, 2], M.reshape(-1, 2).shape);
        Assert.Equal([3L, 1, 2], M.view(1, 2, 3).permute(2, 0, 1).shape);
        Assert.Equal([4L, 2, 3], M.expand(4, -1, -1).shape);
        Assert.Equal([2L, 6], M.repeat(1, 2).shape);
        Near([1, 1, 2, 2, 3, 3], M[0].repeat_interleave(2));
        Near([3, 2, 1, 6, 5, 4], M.flip(1));
        Near([3, 1, 2, 6, 4, 5], M.roll(1, 1));
        Near([1, 0, 0, 4, 5, 0], M.tril());
        Near([0, 2, 3, 0, 0, 6], M.triu(1));
        Near([2, 5], M.narrow(1, 1, 1));
        Near([1, 3], M.slice(1, 0, 3, 2)[0]);
        Near([4, 5, 6], M.select(0, 1));
        Near([1, 5], M.diagonal());
        Assert.Equal([2L, 2, 1, 3], new[] { M.unbind().Length, M.chunk(2, 1).Length, M.split(2).Length, M.split(new long[] { 1, 1, 1 }, 1).Length }.Select(n => (long)n));
        Near([3, 6], M.split(2, 1)[1]);
        Assert.True(M.is_contiguous());
        Assert.False(M.t().is_contiguous());
        Assert.True(M.t().contiguous().is_contiguous());
        Assert.Equal([3L, 1], M.stride());
        Assert.Equal([2L, 1, 3], M.unflatten(0, 2, 1).shape);
        Assert.Equal([2L, 2, 2], M.unfold(1, 2, 1).shape);
    }

    [Fact]
    public void Joining_and_products()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new float[,] { { 1, 2 }, { 3, 4 } }), v = tensor(new float[] { 1, -1 });

        Near([1, 2, 3, 4, 1, 2, 3, 4], cat([a, a]));
        Assert.Equal([2L, 4], cat([a, a], 1).shape);
        Assert.Equal([2L, 2, 2], stack([a, a], 1).shape);
        Near([7, 10, 15, 22], a.matmul(a));
        Near([7, 10, 15, 22], a.mm(a));
        Near([-1, -1], a.mv(v));
        Near([2], v.dot(v));
        Near([1, -1, -1, 1], v.outer(v));
        Near([7, 10, 15, 22], a.unsqueeze(0).bmm(a.unsqueeze(0)));
        Near([2 + 7 * .5f, 4 + 10 * .5f, 6 + 15 * .5f, 8 + 22 * .5f], a.addmm(a, a, 2, .5f));
        Near([8, 12, 18, 26], a.unsqueeze(0).baddbmm(a.unsqueeze(0), a.unsqueeze(0)));
        Near([5, 11, 11, 25], einsum("ij,kj->ik", a, a));
        Near([1 * 1 + 2 * 2 + .5f, 3 * 1 + 4 * 2 + .5f], Functional.linear(a, tensor(new float[,] { { 1, 2 } }), tensor(new float[] { .5f })));
        Near([0, MathF.Sqrt(8), MathF.Sqrt(8), 0], cdist(a, a));
    }

    [Fact]
    public void Gathering_and_scattering()
    {
        using var scope = NewDisposeScope();
        Tensor index = tensor(new long[,] { { 2 }, { 0 } });

        Near([3, 4], M.gather(1, index));
        Near([3, 1], M[0].index_select(0, tensor(new long[] { 2, 0 })));
        Near([9, 2, 3], tensor(new float[] { 0, 2, 3 }).index_add(0, tensor(new long[] { 0, 0 }), tensor(new float[] { 4, 5 }), 1));
        Near([4, 2, 5], tensor(new float[] { 1, 2, 3 }).index_copy(0, tensor(new long[] { 0, 2 }), tensor(new float[] { 4, 5 })));
        Near([7, 2, 7], tensor(new float[] { 1, 2, 3 }).index_fill(0, tensor(new long[] { 0, 2 }), 7));
        Near([9, 2, 3], tensor(new float[] { 1, 2, 3 }).scatter(0, tensor(new long[] { 0 }), tensor(new float[] { 9 })));
        Near([10, 2, 3], tensor(new float[] { 1, 2, 3 }).scatter_add(0, tensor(new long[] { 0 }), tensor(new float[] { 9 })));
        Near([0, 2, 0], tensor(new float[] { 1, 2, 3 }).masked_fill(tensor(new[] { true, false, true }), 0));
        Near([1, 3], tensor(new float[] { 1, 2, 3 }).masked_select(tensor(new[] { true, false, true })));
        Near([0, 1, 0], Functional.one_hot(tensor(1L), 3));
        Assert.Equal([1L, 2], Longs(bucketize(tensor(new float[] { .5f, 1.5f }), tensor(new float[] { 0, 1 }))));
    }
}
