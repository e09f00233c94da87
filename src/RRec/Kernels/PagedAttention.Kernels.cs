using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RRec.Kernels;

// The innermost loops: four sums at a time that do not wait for one another. Pages lie here and there, so the processor's own fetching ahead stops at the end of each:
// while keys are read, the values behind them and the keys of the next page are fetched.
internal sealed unsafe partial class PagedAttention
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Queries4(float* q0, float* q1, float* q2, float* q3, float* keys, float* ahead, float* y0, float* y1, float* y2, float* y3)
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, e = a;
        for (int i = 0; i < d; i++, keys += 16, ahead += 16)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(ahead);
                Sse.Prefetch1(keys + 16 * d);
            }
            Vector512<float> k = Vector512.Load(keys);
            a = Vectors.Fma(Vector512.Create(q0[i]), k, a);
            b = Vectors.Fma(Vector512.Create(q1[i]), k, b);
            c = Vectors.Fma(Vector512.Create(q2[i]), k, c);
            e = Vectors.Fma(Vector512.Create(q3[i]), k, e);
        }
        a.Store(y0);
        b.Store(y1);
        c.Store(y2);
        e.Store(y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pairs4(float* q0, float* q1, float* q2, float* q3, float* k0, float* k1, float* k2, float* k3, float* y0, float* y1, float* y2, float* y3)
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, e = a;
        for (int i = 0; i < d; i++, k0 += 16, k1 += 16, k2 += 16, k3 += 16)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(k0 + 16 * d);
                Sse.Prefetch1(k1 + 16 * d);
                Sse.Prefetch1(k2 + 16 * d);
                Sse.Prefetch1(k3 + 16 * d);
            }
            a = Vectors.Fma(Vector512.Create(q0[i]), Vector512.Load(k0), a);
            b = Vectors.Fma(Vector512.Create(q1[i]), Vector512.Load(k1), b);
            c = Vectors.Fma(Vector512.Create(q2[i]), Vector512.Load(k2), c);
            e = Vectors.Fma(Vector512.Create(q3[i]), Vector512.Load(k3), e);
        }
        a.Store(y0);
        b.Store(y1);
        c.Store(y2);
        e.Store(y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix4(float* p0, float* p1, float* p2, float* p3, float* values, int tokens, float* y0, float* y1, float* y2, float* y3)
    {
        for (int i = 0; i < _valueStride; i += 16)
        {
            Vector512<float> a = Vector512.Load(y0 + i), b = Vector512.Load(y1 + i), c = Vector512.Load(y2 + i), e = Vector512.Load(y3 + i);
            float* v = values + i;
            for (int j = 0; j < tokens; j++, v += _valueStride)
            {
                Vector512<float> x = Vector512.Load(v);
                a = Vectors.Fma(Vector512.Create(p0[j]), x, a);
                b = Vectors.Fma(Vector512.Create(p1[j]), x, b);
                c = Vectors.Fma(Vector512.Create(p2[j]), x, c);
                e = Vectors.Fma(Vector512.Create(p3[j]), x, e);
            }
            a.Store(y0 + i);
            b.Store(y1 + i);
            c.Store(y2 + i);
            e.Store(y3 + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix1(float* p, float* values, int tokens, float* y)
    {
        int i = 0, ahead = 16 * _valueStride;   // the next head's keys
        for (; i + 64 <= _valueStride; i += 64)
        {
            Vector512<float> a = Vector512.Load(y + i), b = Vector512.Load(y + i + 16), c = Vector512.Load(y + i + 32), e = Vector512.Load(y + i + 48);
            float* v = values + i;
            for (int j = 0; j < tokens; j++, v += _valueStride)
            {
                Vector512<float> x = Vector512.Create(p[j]);
                a = Vectors.Fma(x, Vector512.Load(v), a);
                b = Vectors.Fma(x, Vector512.Load(v + 16), b);
                c = Vectors.Fma(x, Vector512.Load(v + 32), c);
                e = Vectors.Fma(x, Vector512.Load(v + 48), e);
            }
            a.Store(y + i);
            b.Store(y + i + 16);
            c.Store(y + i + 32);
            e.Store(y + i + 48);
        }
        for (; i + 32 <= _valueStride; i += 32)
        {
            Vector512<float> a = Vector512.Load(y + i), b = Vector512.Load(y + i + 16);
            float* v = values + i;
            for (int j = 0; j < tokens; j++, v += _valueStride)
            {
                if (Sse.IsSupported)
                {
                    Sse.Prefetch1(v + ahead);
                    Sse.Prefetch1(v + ahead + 16);
                }
                Vector512<float> x = Vector512.Create(p[j]);
                a = Vectors.Fma(x, Vector512.Load(v), a);
                b = Vectors.Fma(x, Vector512.Load(v + 16), b);
            }
            a.Store(y + i);
            b.Store(y + i + 16);
        }
        for (; i < _valueStride; i += 16)
        {
            Vector512<float> a = Vector512.Load(y + i);
            float* v = values + i;
            for (int j = 0; j < tokens; j++, v += _valueStride) a = Vectors.Fma(Vector512.Create(p[j]), Vector512.Load(v), a);
            a.Store(y + i);
        }
    }
}
