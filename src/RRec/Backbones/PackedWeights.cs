using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Where a decoder's numbers lie in memory, for a pass of <see cref="PackedDecoder"/>. Matrices are read where they are, so a weight that training has changed in
/// place is seen at once; norms and biases of other types than single precision are copied. Valid while the backbone's tensors live and are not replaced.
/// </summary>
internal sealed unsafe class PackedWeights : IDisposable
{
    private readonly List<Tensor> _copies = [];
    private readonly Dictionary<nint, Tensor> _halves = [];

    public PackedWeights(DecoderWeights weights, LoraAdapter? adapter)
    {
        using DisposeScope scope = NewDisposeScope();
        (Embedding, Head, FinalNorm) = (Matrix(weights.Embedding), Matrix(weights.Head), Vector(weights.FinalNorm));
        Layers = [.. weights.Layers.Select((w, i) => new PackedLayer
        {
            InputNorm = Vector(w.InputNorm), Qkv = Matrix(w.Qkv), QkvBias = Vector(w.QkvBias), QueryNorm = Vector(w.QueryNorm), KeyNorm = Vector(w.KeyNorm),
            Output = Matrix(w.Output), PostAttentionNorm = Vector(w.PostAttentionNorm), PreMlpNorm = Vector(w.PreMlpNorm), GateUp = Matrix(w.GateUp),
            Down = Matrix(w.Down), PostMlpNorm = Vector(w.PostMlpNorm),
            LoraQkv = Lora(adapter?.Layers[i].Qkv), LoraOutput = Lora(adapter?.Layers[i].Output), LoraGateUp = Lora(adapter?.Layers[i].GateUp), LoraDown = Lora(adapter?.Layers[i].Down),
        })];
    }

    public Matrix Embedding { get; }

    public Matrix Head { get; }

    public nint FinalNorm { get; }

    /// <summary>Bytes of all layers' matrices.</summary>
    public long LayerBytes => Layers.Sum(l => new[] { l.Qkv, l.Output, l.GateUp, l.Down }.Sum(w => w.Bytes));

    public PackedLayer[] Layers { get; }

    private PackedLora[] Lora(LoraSite? site) => site is null ? [] : [.. site.Parts.Select(p => new PackedLora(p.Start, p.Rows, Matrix(p.A), Matrix(p.B), (float)site.Scale))];

    /// <summary>The tensor of a matrix in bfloat16.</summary>
    public Tensor Half(Matrix whole) => _halves[whole.Data];

    private Matrix Matrix(Tensor t)
    {
        var matrix = new Matrix(Address(t), (int)t.shape[0], (int)t.shape[1], t.dtype == ScalarType.BFloat16);
        if (matrix.Half) _halves[matrix.Data] = t;
        return matrix;
    }

    private nint Vector(Tensor? t)
    {
        if (t is null) return 0;
        if (t.dtype == ScalarType.Float32 && t.is_contiguous()) return Address(t);
        Tensor copy = t.to(ScalarType.Float32).contiguous().DetachFromDisposeScope();
        _copies.Add(copy);
        return Address(copy);
    }

    // A span ends at 2 GiB, a matrix need not: the address of its first row is its own.
    private nint Address(Tensor t)
    {
        if (!t.is_contiguous())
        {
            t = t.contiguous().DetachFromDisposeScope();
            _copies.Add(t);
        }
        fixed (byte* data = (t.dim() > 1 ? t.narrow(0, 0, 1) : t).bytes) return (nint)data;
    }

    public void Dispose()
    {
        foreach (Tensor t in _copies) t.Dispose();
    }
}

/// <summary>One layer; a vector's address is 0 where the family has none.</summary>
internal sealed class PackedLayer
{
    public required nint InputNorm { get; init; }
    public required Matrix Qkv { get; init; }
    public required nint QkvBias { get; init; }
    public required nint QueryNorm { get; init; }
    public required nint KeyNorm { get; init; }
    public required Matrix Output { get; init; }
    public required nint PostAttentionNorm { get; init; }
    public required nint PreMlpNorm { get; init; }
    public required Matrix GateUp { get; init; }
    public required Matrix Down { get; init; }
    public required nint PostMlpNorm { get; init; }
    public required PackedLora[] LoraQkv { get; init; }
    public required PackedLora[] LoraOutput { get; init; }
    public required PackedLora[] LoraGateUp { get; init; }
    public required PackedLora[] LoraDown { get; init; }
}

/// <summary>What an adapter adds to the outputs [Start, Start + Rows) of a matrix: Scale (x Aᵀ) Bᵀ.</summary>
internal readonly record struct PackedLora(int Start, int Rows, Matrix A, Matrix B, float Scale);
