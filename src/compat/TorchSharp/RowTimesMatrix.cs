namespace TorchSharp;

/// <summary>
/// OpenBLAS multiplies one row by a large matrix as if there were many rows: it first copies the whole matrix, and takes four times
/// as long as its own matrix-vector product. MKL, inside the published package, does not; so here such a row goes the other way.
/// </summary>
internal static class RowTimesMatrix
{
    /// <summary>Below this many elements the copy is cheap.</summary>
    private const long LargeMatrix = 256 * 1024;

    private static readonly bool OpenBlas = NativeMethods.rrec_uses_openblas() != 0;

    internal static bool Suits(torch.Tensor input, torch.Tensor matrix)
    {
        if (!OpenBlas) return false;
        long elements = matrix.numel();
        return elements >= LargeMatrix && matrix.dim() == 2 && matrix.dtype == torch.ScalarType.Float32 && input.numel() == matrix.size(1)
            && matrix.device_type == DeviceType.CPU;
    }

    /// <summary>input [.., in] with one row, matrix [out, in], bias [out] or null: [.., out].</summary>
    internal static torch.Tensor Multiply(torch.Tensor input, torch.Tensor matrix, torch.Tensor? bias)
    {
        long[] shape = input.shape;
        if (shape.Length == 0 || shape[^1] != matrix.size(1)) return Aten.linear.Call(input, matrix, bias);   // its error
        shape[^1] = matrix.size(0);
        using torch.Tensor vector = Aten.reshape.Call(input, (long[])[-1]);
        using torch.Tensor product = bias is null ? Aten.mv.Call(matrix, vector) : Aten.addmv.Call(bias, matrix, vector);
        return product.view(shape);
    }
}
