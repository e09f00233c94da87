using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Cosines and sines of positions, computed once and grown by doubling. Positions far beyond use cost nothing: a model may allow 128k.
/// </summary>
internal sealed class Rotary(float[] inverseFrequencies, Device device, ScalarType dtype) : IDisposable
{
    private Tensor? _cos, _sin;   // [positions, 1, d/2]
    private (float[] Cos, float[] Sin) _host = ([], []);

    /// <summary>Tables for positions 0..tokens-1: [tokens, 1, d/2]. Views; the caller's scope owns them.</summary>
    public (Tensor Cos, Tensor Sin) First(int tokens)
    {
        Grow(tokens);
        return (_cos!.narrow(0, 0, tokens), _sin!.narrow(0, 0, tokens));
    }

    /// <summary>Tables for any positions [rows, tokens]: [rows, tokens, 1, d/2].</summary>
    public (Tensor Cos, Tensor Sin) At(Tensor positions, int maxPosition)
    {
        Grow(maxPosition + 1);
        long rows = positions.shape[0], tokens = positions.shape[1];
        Tensor flat = positions.reshape(-1);
        return (_cos!.index_select(0, flat).view(rows, tokens, 1, -1), _sin!.index_select(0, flat).view(rows, tokens, 1, -1));
    }

    /// <summary>The same tables on the host, at least up to a position: [positions, d/2], one row after the other.</summary>
    public (float[] Cos, float[] Sin) Host(int maxPosition)
    {
        if (_host.Cos.Length <= maxPosition * inverseFrequencies.Length) _host = Tables(maxPosition + 1);
        return _host;
    }

    private void Grow(int positions)
    {
        if (_cos is not null && _cos.shape[0] >= positions) return;
        (float[] cos, float[] sin) = Tables(positions);
        int half = inverseFrequencies.Length, size = cos.Length / half;
        Dispose();
        using IDisposable ordinary = inference_mode(false);   // tables first needed in inference must serve training later
        using DisposeScope scope = NewDisposeScope();
        _cos = HostTensors.Float(cos, device, size, 1, half).to(dtype).DetachFromDisposeScope();
        _sin = HostTensors.Float(sin, device, size, 1, half).to(dtype).DetachFromDisposeScope();
    }

    private (float[] Cos, float[] Sin) Tables(int positions)
    {
        int size = Math.Max(512, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)positions)), half = inverseFrequencies.Length;
        var cos = new float[size * half];
        var sin = new float[size * half];
        for (int p = 0; p < size; p++)
        {
            for (int i = 0; i < half; i++)
            {
                float angle = p * inverseFrequencies[i];   // single precision, like the reference
                cos[p * half + i] = MathF.Cos(angle);
                sin[p * half + i] = MathF.Sin(angle);
            }
        }
        return (cos, sin);
    }

    /// <summary>
    /// Rotates pairs (i, i + d/2) of every head. x: [rows, tokens, heads, d].
    /// </summary>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        Tensor[] half = x.chunk(2, -1);
        Tensor first = (half[0] * cos).addcmul(half[1], sin, -1);
        Tensor second = (half[1] * cos).addcmul(half[0], sin, 1);
        return cat([first, second], -1);
    }

    public void Dispose()
    {
        _cos?.Dispose();
        _sin?.Dispose();
        _cos = _sin = null;
    }
}
