using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RRec.Kernels;

/// <summary>Passes over one row of logits: the best token, those that may be drawn, and a draw from all of them.</summary>
internal static unsafe class LogitScan
{
    // Tokens whose weights are added up together before a draw looks for its own among them.
    private const int BlockLength = 256;

    /// <summary>The index of the highest of n logits, the lowest of several.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Best(float* logits, int n)
    {
        Vector512<float> most = Vector512.Create(float.NegativeInfinity);
        Vector512<int> where = Vector512<int>.Zero, at = Vector512<int>.Indices;
        int i = 0;
        for (; i + 16 <= n; i += 16, at += Vector512.Create(16))
        {
            Vector512<float> v = Vector512.Load(logits + i);
            Vector512<float> higher = Vector512.GreaterThan(v, most);
            most = Vector512.ConditionalSelect(higher, v, most);
            where = Vector512.ConditionalSelect(higher.AsInt32(), at, where);
        }
        (float best, int index) = (float.NegativeInfinity, 0);
        for (int j = 0; j < 16; j++)
            if (most[j] > best || (most[j] == best && where[j] < index)) (best, index) = (most[j], where[j]);
        for (; i < n; i++)
            if (logits[i] > best) (best, index) = (logits[i], i);
        return index;
    }

    /// <summary>The k-th highest of n logits, 1 &lt;= k &lt;= n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Highest(float* logits, int n, int k)
    {
        // A heap of the k highest so far with the least of them at its root.
        var heap = new PriorityQueue<float, float>(k);
        float least = float.NegativeInfinity;
        int i = 0;
        for (; i < k; i++) heap.Enqueue(logits[i], logits[i]);
        least = heap.Peek();
        for (; i < n; i++)
        {
            while (i + 16 <= n && Vector512.LessThanOrEqualAll(Vector512.Load(logits + i), Vector512.Create(least))) i += 16;
            if (i >= n || !(logits[i] > least)) continue;
            heap.EnqueueDequeue(logits[i], logits[i]);
            least = heap.Peek();
        }
        return least;
    }

    /// <summary>Where logits are at least <paramref name="least"/>, ascending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AtLeast(float* logits, int n, float least, List<int> found)
    {
        found.Clear();
        int i = 0;
        for (; i + 16 <= n; i += 16)
            for (ulong bits = Vector512.GreaterThanOrEqual(Vector512.Load(logits + i), Vector512.Create(least)).ExtractMostSignificantBits(); bits != 0; bits &= bits - 1)
                found.Add(i + BitOperations.TrailingZeroCount(bits));
        for (; i < n; i++)
            if (logits[i] >= least) found.Add(i);
    }

    /// <summary>The token at which the cumulative probability of softmax(logits / temperature) exceeds <paramref name="noise"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Draw(float* logits, int n, double temperature, double noise)
    {
        float most = logits[Best(logits, n)];
        int blocks = (n + BlockLength - 1) / BlockLength;
        double* sums = stackalloc double[blocks];
        float* weights = stackalloc float[BlockLength];
        double total = 0;
        for (int b = 0; b < blocks; b++) total += sums[b] = Weigh(logits, n, b, most, temperature, weights);
        double target = noise * total, before = 0;
        int block = 0;
        while (block < blocks - 1 && before + sums[block] <= target) before += sums[block++];
        Weigh(logits, n, block, most, temperature, weights);
        int last = block * BlockLength;
        for (int i = block * BlockLength; i < Math.Min(n, (block + 1) * BlockLength); i++)
        {
            if (weights[i % BlockLength] > 0) last = i;
            before += weights[i % BlockLength];
            if (before > target) return i;
        }
        return last;   // rounding of the sum
    }

    // e^((x - most) / temperature) of a block, and their sum.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Weigh(float* logits, int n, int block, float most, double temperature, float* weights)
    {
        int from = block * BlockLength, count = Math.Min(n - from, BlockLength), i = 0;
        float scale = (float)(1 / temperature);
        Vector512<double> sum = Vector512<double>.Zero;
        for (; i + 16 <= count; i += 16)
        {
            Vector512<float> x = (Vector512.Load(logits + from + i) - Vector512.Create(most)) * scale;
            // What single precision cannot tell from zero is zero: minus infinity must never be drawn.
            Vector512<float> w = Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(-87f)), Vectors.Exp(x), Vector512<float>.Zero);
            w.Store(weights + i);
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(w);
            sum += low + high;
        }
        double total = Vector512.Sum(sum);
        for (; i < count; i++)
        {
            float x = (logits[from + i] - most) * scale;
            total += weights[i] = x > -87f ? MathF.Exp(x) : 0;
        }
        return total;
    }
}
