using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>Subspace iteration: the leading eigenvectors of a symmetric matrix that is known by its products only.</summary>
internal static class Subspace
{
    /// <param name="multiply">The matrix times [n, m].</param>
    /// <param name="n">Its size.</param>
    /// <param name="rank">How many eigenvectors, at most n.</param>
    /// <param name="iterations">Products; the gaps of real data want 8 to 12.</param>
    /// <param name="seed">Of the start.</param>
    /// <returns>Orthonormal [n, rank], largest eigenvalue first, and the eigenvalues [rank].</returns>
    public static (Tensor Vectors, Tensor Values) Leading(Func<Tensor, Tensor> multiply, int n, int rank, int iterations, int seed)
    {
        int width = Math.Min(n, rank + Math.Max(8, rank / 4));
        Random random = new(seed);
        float[] start = new float[(long)n * width];
        for (int i = 0; i < start.Length; i++) start[i] = (float)(random.NextDouble() * 2 - 1);
        Tensor v = linalg.qr(tensor(start, [n, width])).Q;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            using var inner = NewDisposeScope();
            v = linalg.qr(multiply(v)).Q.MoveToOuterDisposeScope();
        }
        // Rayleigh-Ritz inside the subspace; eigh gives ascending eigenvalues, the last columns are wanted, largest first.
        Tensor small = v.t().matmul(multiply(v));
        (Tensor values, Tensor rotation) = linalg.eigh((small + small.t()) * 0.5);
        return (v.matmul(rotation.flip(1).narrow(1, 0, rank)).contiguous(), values.flip(0).narrow(0, 0, rank));
    }
}
