using System.Runtime.InteropServices;
using TorchSharp;
using static Compat.Tests.Torch.Numbers;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Compat.Tests.Torch;

/// <summary>Functions of networks, linear algebra, factories, random numbers and raw bytes, against values computed by hand.</summary>
public class NetworkOperatorTests
{
    [Fact]
    public void Functions_of_networks()
    {
        using var scope = NewDisposeScope();
        Tensor logits = tensor(new float[,] { { 1, 2, 3 }, { 1, 1, 1 } });
        float first = MathF.Log(MathF.Exp(1) + MathF.Exp(2) + MathF.Exp(3)) - 3, second = MathF.Log(3);

        Near([(first + second) / 2], Functional.cross_entropy(logits, tensor(new long[] { 2, 0 })));
        Near([first, second], Functional.cross_entropy(logits, tensor(new long[] { 2, 0 }), reduction: nn.Reduction.None));
        Near([first], Functional.cross_entropy(logits, tensor(new long[] { 2, -100 })));
        Near([first + second], Functional.nll_loss(logits.log_softmax(1), tensor(new long[] { 2, 0 }), reduction: nn.Reduction.Sum));
        Near([.6f, .8f], Functional.normalize(tensor(new float[] { 3, 4 }), dim: 0));
        Near([1, 0], Functional.cosine_similarity(tensor(new float[,] { { 1, 1 }, { 1, 0 } }), tensor(new float[,] { { 2, 2 }, { 0, 3 } })));
        Near([0, 1, 2, 0], Functional.pad(tensor(new float[] { 1, 2 }), (1, 1)));
        Near([-1.2247356f, 0, 1.2247356f], Functional.layer_norm(M[0], [3]));
        Near([1.5f], Functional.mse_loss(tensor(new float[] { 1, 2 }), tensor(new float[] { 2, 2 + MathF.Sqrt(2) })));
        // kl_div(log p, log q) = mean of q (log q - log p)
        float[] p = [.25f, .75f], q = [.5f, .5f];
        float expected = q.Zip(p, (b, a) => b * (MathF.Log(b) - MathF.Log(a))).Sum() / 2;
        Near([expected], Functional.kl_div(tensor(p).log(), tensor(q).log()));
        Near([1, 2], Functional.dropout(tensor(new float[] { 1, 2 }), .5, training: false));
    }

    [Fact]
    public void Linear_algebra()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new double[,] { { 4, 2 }, { 2, 3 } }), b = tensor(new double[,] { { 2 }, { 1 } });

        Near([.375f, -.25f, -.25f, .5f], linalg.inv(a));
        Near([.5f, 0], linalg.solve(a, b));
        Tensor l = linalg.cholesky(a);
        Near([2, 0, 1, MathF.Sqrt(2)], l);
        Near([.5f, 0], b.cholesky_solve(l));
        Near([.375f, -.25f, -.25f, .5f], l.cholesky_inverse());
        var (eigenvalues, vectors) = linalg.eigh(a);
        Near([(7 - MathF.Sqrt(17)) / 2, (7 + MathF.Sqrt(17)) / 2], eigenvalues);
        Near(Values(a), vectors.matmul(diag(eigenvalues)).matmul(vectors.t()));
        var (u, s, vh) = linalg.svd(a, fullMatrices: false);
        Near(Values(a), u.matmul(diag(s)).matmul(vh));
        var (q, r) = linalg.qr(a);
        Near(Values(a), q.matmul(r));
        Near([5], linalg.vector_norm(tensor(new double[] { 3, 4 })));
        Near([8], linalg.det(a));
    }

    [Fact]
    public void Factories()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(float32, zeros(2, 3).dtype);
        Assert.Equal(int64, zeros(new long[] { 2 }, dtype: int64).dtype);
        Near([1, 1], ones(2));
        Near([7, 7], full(new long[] { 2 }, 7));
        Assert.Equal(int64, arange(3).dtype);
        Assert.Equal(float32, arange(0, 1, .5).dtype);
        Near([0, .5f], arange(0, 1, .5));
        Near([0, .5f, 1], linspace(0, 1, 3));
        Near([1, 0, 0, 1], eye(2));
        Assert.True(zeros(1, requires_grad: true).requires_grad);
        Assert.Equal(int32, tensor(new[] { 1, 2 }).dtype);
        Assert.Equal(bfloat16, tensor(new[] { 1f, 2 }, dtype: bfloat16).dtype);
        Assert.Equal([2L, 2], tensor(new List<float> { 1, 2, 3, 4 }, 2, 2).shape);
        Near([1, 2, 3, 4], tensor(new float[] { 1, 2, 3, 4 }, [2, 2]));
        Assert.Equal(float64, tensor(1.5).dtype);
        Assert.Equal(float32, tensor(1.5f).dtype);
        Assert.Equal(0, tensor(1.5f).dim());
        Near([0, 0], zeros_like(tensor(new float[] { 1, 2 })));
        Assert.Equal(float16, full_like(M, 2, float16).dtype);
    }

    [Fact]
    public void Random_numbers_follow_the_seed()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        float[] first = Values(rand(4));
        manual_seed(5);
        Assert.Equal(first, Values(rand(4)));
        using var one = new Generator(7);
        using var two = new Generator(7);
        Assert.Equal(Values(randn(4, generator: one)), Values(randn(4, generator: two)));
        Assert.NotEqual(Values(randn(4, generator: one)), Values(randn(4, generator: one)));
        two.manual_seed(9);
        Assert.Equal(9, two.initial_seed());
        Tensor state = two.get_state();
        float[] drawn = Values(zeros(3).uniform_(0, 1, two));
        two.set_state(state);
        Assert.Equal(drawn, Values(zeros(3).uniform_(0, 1, two)));
        Assert.Equal([2L, 2], Longs(tensor(new float[] { 0, 0, 1 }).multinomial(2, true)));
        Assert.All(Longs(randint(2, 4, [50])), n => Assert.InRange(n, 2, 3));
        Assert.Equal([0L, 1, 2, 3], Longs(randperm(4).sort().Values));
    }

    [Fact]
    public void Scaled_dot_product_attention_is_the_softmax_of_the_scores()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor q = randn(2, 3, 4, 8), k = randn(2, 3, 4, 8), v = randn(2, 3, 4, 8);
        Tensor scores = q.matmul(k.transpose(-1, -2)) / Math.Sqrt(8);
        Tensor causal = ones(4, 4, dtype: @bool).tril();
        Tensor bias = zeros(4, 4).masked_fill(~causal, float.NegativeInfinity);

        Near(Values(scores.softmax(-1).matmul(v)), Functional.scaled_dot_product_attention(q, k, v));
        Near(Values((scores + bias).softmax(-1).matmul(v)), Functional.scaled_dot_product_attention(q, k, v, is_casual: true));
        Near(Values((scores + bias).softmax(-1).matmul(v)), Functional.scaled_dot_product_attention(q, k, v, causal));
        Near(Values((scores + bias).softmax(-1).matmul(v)), Functional.scaled_dot_product_attention(q, k, v, bias));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_single_row_times_a_large_matrix_equals_that_row_among_others(bool withBias)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        Tensor matrix = randn(1024, 300, requires_grad: true), rows = randn(3, 300, requires_grad: true);
        Tensor? bias = withBias ? randn(1024, requires_grad: true) : null;
        Tensor alone = Functional.linear(rows[1].view(1, 1, 300), matrix, bias), among = Functional.linear(rows, matrix, bias);

        Assert.Equal([1L, 1, 1024], alone.shape);
        Assert.True(alone.view(1024).allclose(among[1], 1e-4, 1e-4));
        Tensor weight = randn(1024);
        Tensor[] leaves = bias is null ? [matrix, rows] : [matrix, rows, bias];
        IList<Tensor> ofAlone = autograd.grad([alone], leaves, [weight.view(1, 1, 1024)]), ofAmong = autograd.grad([among[1]], leaves, [weight]);
        for (int i = 0; i < leaves.Length; i++) Assert.True(ofAlone[i].allclose(ofAmong[i], 1e-4, 1e-4));
        Assert.ThrowsAny<System.Runtime.InteropServices.ExternalException>(() => Functional.linear(randn(300, 1), matrix, bias));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Raw_bytes_make_the_round_trip(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor from = tensor(new float[] { 1, -2.5f, 0, 300 }).to(type);
        byte[] raw = from.bytes.ToArray();
        Tensor to = empty(4, dtype: type);
        to.bytes = raw;

        Assert.Equal(4 * from.ElementSize, raw.Length);
        Near([1, -2.5f, 0, 300], to);
        using var stream = new MemoryStream();
        from.WriteBytesToStream(stream, 3);
        Assert.Equal(raw, stream.ToArray());
        stream.Position = 0;
        Tensor again = zeros(4, dtype: type);
        again.ReadBytesFromStream(stream, 5);
        Near([1, -2.5f, 0, 300], again);
        if (type == ScalarType.BFloat16) Assert.Equal(0x3f80, MemoryMarshal.Read<ushort>(raw));
    }
}
