using TorchSharp;
using static TorchSharp.torch;

namespace Compat.Tests.Torch;

public class OperatorTests
{
    [Fact]
    public void A_product_of_matrices_and_its_softmax_are_those_computed_by_hand()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new float[,] { { 1, 2 }, { 3, 4 } }), b = tensor(new float[,] { { 5 }, { 6 } });

        Assert.Equal([17f, 39f], a.matmul(b).data<float>().ToArray());
        float[] softmax = a.softmax(-1).data<float>().ToArray();
        float expected = MathF.Exp(1) / (MathF.Exp(1) + MathF.Exp(2));
        Assert.Equal(expected, softmax[0], 1e-6f);
        Assert.Equal(1 - expected, softmax[3 - 2], 1e-6f);
    }
}
