using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RRec.Kernels;

// Scores become weights up to a factor. Four queries at a time: a query's highest score, its exponentials and their sum wait for one another, four queries' do not.
internal sealed unsafe partial class PagedAttention
{
    private const float Unseen = -1e30f;

    /// <summary>Queries [i, i + count), at most four, of tokens that see the same vectors; one that is missing is the last once more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Softmax4(Part[] parts, Sight* sights, int i, int count, float* scores, int width, float* factors)
    {
        int i1 = Math.Min(i + 1, i + count - 1), i2 = Math.Min(i + 2, i + count - 1), i3 = i + count - 1;
        Sight* a = sights + i / _group * parts.Length, b = sights + i1 / _group * parts.Length, c = sights + i2 / _group * parts.Length, e = sights + i3 / _group * parts.Length;
        float* s0 = scores + (long)i * width, s1 = scores + (long)i1 * width, s2 = scores + (long)i2 * width, s3 = scores + (long)i3 * width;
        if (softCap is not null)
            for (int n = 0; n < count; n++) Cap(parts, sights + (i + n) / _group * parts.Length, s0 + (long)n * width);
        Vector512<float> most0 = Vector512.Create(float.NegativeInfinity), most1 = most0, most2 = most0, most3 = most0;
        for (int p = 0; p < parts.Length; p++)
        {
            if (!a[p].Any) continue;
            for (int j = a[p].From & ~15, column = parts[p].Column + j; j < a[p].To; j += 16, column += 16)
            {
                most0 = Vector512.Max(most0, Seen(s0 + column, j, a[p]));
                most1 = Vector512.Max(most1, Seen(s1 + column, j, b[p]));
                most2 = Vector512.Max(most2, Seen(s2 + column, j, c[p]));
                most3 = Vector512.Max(most3, Seen(s3 + column, j, e[p]));
            }
        }
        Vector128<float> highest = Highest(most0, most1, most2, most3);
        Vector512<float> shift0 = Vector512.Create(highest[0]), shift1 = Vector512.Create(highest[1]), shift2 = Vector512.Create(highest[2]), shift3 = Vector512.Create(highest[3]);
        Vector512<float> sum0 = Vector512<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (int p = 0; p < parts.Length; p++)
        {
            if (!a[p].Any) continue;
            for (int j = a[p].From & ~15, column = parts[p].Column + j; j < a[p].To; j += 16, column += 16)
            {
                // All are read before any is written: a missing one is where the last is.
                Vector512<float> x0 = Seen(s0 + column, j, a[p]), x1 = Seen(s1 + column, j, b[p]), x2 = Seen(s2 + column, j, c[p]), x3 = Seen(s3 + column, j, e[p]);
                (x0, x1, x2, x3) = (Weight(x0, shift0), Weight(x1, shift1), Weight(x2, shift2), Weight(x3, shift3));
                x0.Store(s0 + column);
                x1.Store(s1 + column);
                x2.Store(s2 + column);
                x3.Store(s3 + column);
                sum0 += x0;
                sum1 += x1;
                sum2 += x2;
                sum3 += x3;
            }
        }
        Vector128<float> factor = Vector128<float>.One / Vectors.Sum(sum0, sum1, sum2, sum3);
        for (int n = 0; n < count; n++) factors[i + n] = factor[n];
    }

    /// <summary>One query, with the same result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Softmax(Part[] parts, Sight* sights, float* scores, float* factor)
    {
        if (softCap is not null) Cap(parts, sights, scores);
        Vector512<float> most = Vector512.Create(float.NegativeInfinity);
        for (int p = 0; p < parts.Length; p++)
            if (sights[p].Any)
                for (int j = sights[p].From & ~15; j < sights[p].To; j += 16) most = Vector512.Max(most, Seen(scores + parts[p].Column + j, j, sights[p]));
        Vector512<float> sum = Vector512<float>.Zero, shift = Vector512.Create(Highest(most, most, most, most)[0]);
        for (int p = 0; p < parts.Length; p++)
        {
            if (!sights[p].Any) continue;
            for (int j = sights[p].From & ~15; j < sights[p].To; j += 16)
            {
                float* at = scores + parts[p].Column + j;
                Vector512<float> x = Weight(Seen(at, j, sights[p]), shift);
                x.Store(at);
                sum += x;
            }
        }
        *factor = 1 / Vectors.Sum(sum, sum, sum, sum)[0];
    }

    private void Cap(Part[] parts, Sight* sights, float* scores)
    {
        for (int p = 0; p < parts.Length; p++)
            if (sights[p].Any) Vectors.SoftCap(scores + parts[p].Column + sights[p].From, (float)softCap!.Value, sights[p].To - sights[p].From);
    }

    // Sixteen scores from token j on; those that are not seen are as small as can be.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Seen(float* scores, int j, Sight sight)
    {
        Vector512<float> v = Vector512.Load(scores);
        if (j >= sight.From && j + 16 <= sight.To) return v;
        Vector512<int> token = Vector512<int>.Indices + Vector512.Create(j);
        Vector512<int> inside = Vector512.GreaterThanOrEqual(token, Vector512.Create(sight.From)) & Vector512.LessThan(token, Vector512.Create(sight.To));
        return Vector512.ConditionalSelect(inside.AsSingle(), v, Vector512.Create(Unseen));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Weight(Vector512<float> score, Vector512<float> highest) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(score, Vector512.Create(Unseen / 10)), Vectors.Exp(score - highest), Vector512<float>.Zero);

    // The highest number of each of four vectors.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Highest(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> e)
    {
        Vector256<float> a2 = Vector256.Max(a.GetLower(), a.GetUpper()), b2 = Vector256.Max(b.GetLower(), b.GetUpper());
        Vector256<float> c2 = Vector256.Max(c.GetLower(), c.GetUpper()), e2 = Vector256.Max(e.GetLower(), e.GetUpper());
        Vector128<float> a1 = Vector128.Max(a2.GetLower(), a2.GetUpper()), b1 = Vector128.Max(b2.GetLower(), b2.GetUpper());
        Vector128<float> c1 = Vector128.Max(c2.GetLower(), c2.GetUpper()), e1 = Vector128.Max(e2.GetLower(), e2.GetUpper());
        if (!Sse.IsSupported) return Vector128.Create(Highest(a1), Highest(b1), Highest(c1), Highest(e1));
        Vector128<float> ab = Vector128.Max(Sse.UnpackLow(a1, b1), Sse.UnpackHigh(a1, b1)), ce = Vector128.Max(Sse.UnpackLow(c1, e1), Sse.UnpackHigh(c1, e1));
        return Vector128.Max(Sse.MoveLowToHigh(ab, ce), Sse.MoveHighToLow(ce, ab));

        static float Highest(Vector128<float> v) => MathF.Max(MathF.Max(v[0], v[1]), MathF.Max(v[2], v[3]));
    }
}
