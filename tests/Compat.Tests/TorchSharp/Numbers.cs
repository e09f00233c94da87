using static TorchSharp.torch;

namespace Compat.Tests.Torch;

/// <summary>What tests of operators compare: values on the host, and near enough.</summary>
internal static class Numbers
{
    public static float[] Values(Tensor tensor) => tensor.to(float32).data<float>().ToArray();
    public static long[] Longs(Tensor tensor) => tensor.data<long>().ToArray();
    public static bool[] Bools(Tensor tensor) => tensor.data<bool>().ToArray();

    public static void Near(float[] expected, Tensor actual)
    {
        float[] values = Values(actual);
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - values[i]) <= 1e-5f * (1 + MathF.Abs(expected[i])), $"element {i}: expected {expected[i]}, got {values[i]}");
    }

    public static Tensor M => tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } });
}
