using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Compat.Tests.Torch;

public class AutogradTests
{
    [Fact]
    public void Backward_leaves_gradients_that_add_up()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 1, 2, 3 }, requires_grad: true);

        (x * x).sum().backward();
        Assert.Equal([2f, 4, 6], x.grad!.data<float>().ToArray());
        (x * 2).sum().backward();
        Assert.Equal([4f, 6, 8], x.grad!.data<float>().ToArray());
        x.grad = null;
        Assert.Null(x.grad);
        Assert.True(x.is_leaf);
        Assert.False((x * 2).is_leaf);
    }

    [Fact]
    public void Gradients_flow_through_attention_indexing_and_joins()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor q = randn(1, 2, 3, 4, requires_grad: true), k = randn(1, 2, 3, 4, requires_grad: true), v = randn(1, 2, 3, 4, requires_grad: true);
        Tensor direction = randn(1, 2, 3, 4);
        Tensor Loss() => (nn.functional.scaled_dot_product_attention(q, k, v, is_casual: true) * direction).sum() + cat([q[.., 0], k[.., 1]], 1).square().mean();
        Loss().backward();

        // against a central difference in one element
        using (no_grad())
        {
            foreach (Tensor leaf in new[] { q, k, v })
            {
                const float step = 1e-2f;
                float analytic = leaf.grad![0, 0, 1, 2].item<float>();
                leaf[0, 0, 1, 2] += step;
                double up = Loss().ToDouble();
                leaf[0, 0, 1, 2] -= 2 * step;
                double down = Loss().ToDouble();
                leaf[0, 0, 1, 2] += step;
                Assert.Equal(analytic, (up - down) / (2 * step), 2e-3);
            }
        }
    }

    [Fact]
    public void Grad_returns_gradients_without_touching_leaves()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(3f, requires_grad: true), unused = tensor(1f, requires_grad: true);
        IList<Tensor> gradients = autograd.grad([x * x * x], [x, unused], create_graph: true, allow_unused: true);

        Assert.Equal(27f, gradients[0].item<float>());
        Assert.Null(gradients[1]);
        Assert.Null(x.grad);
        Assert.Equal(18f, autograd.grad([gradients[0]], [x])[0].item<float>());
    }

    [Fact]
    public void Modes_nest_and_are_restored()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(1f, requires_grad: true);
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        using (inference_mode())
        {
            Assert.True(is_inference_mode_enabled());
            Assert.False((x * 2).requires_grad);
        }
        Assert.False(is_inference_mode_enabled());
    }

    [Fact]
    public void Backward_of_a_vector_needs_a_weight()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 1, 2 }, requires_grad: true);
        Assert.Throws<ExternalException>(() => (x * 2).backward());
        (x * 2).backward([tensor(new float[] { 1, 10 })]);
        Assert.Equal([2f, 20], x.grad!.data<float>().ToArray());
    }
}
