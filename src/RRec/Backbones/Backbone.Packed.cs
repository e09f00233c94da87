using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

// Inference on a CPU goes through the packed decoder where it can: no gradients wanted, and weights of a type that it reads.
public sealed partial class Backbone
{
    // A common start of fewer tokens is not worth pages of its own.
    private const int LeastShared = 4;

    private PackedDecoder? _packed;

    /// <summary>Off, everything goes through the library's operators; tests compare the two.</summary>
    internal bool UsePacked { get; set; } = true;

    /// <summary>Whether inference goes through the packed decoder.</summary>
    internal bool Packs => UsePacked && !is_grad_enabled() && PackedDecoder.Suits(Device, Type);

    internal PackedDecoder Packed => _packed ??= Pack();

    private unsafe PackedDecoder Pack()
    {
        using var weights = new PackedWeights(_decoder.Weights, null);
        foreach (Matrix w in weights.Layers.SelectMany(l => new[] { l.Qkv, l.Output, l.GateUp, l.Down }).Append(weights.Embedding).Append(weights.Head)) HugePages.Use(w.Data, w.Bytes);
        return new PackedDecoder(Config, _ropes);
    }

    /// <summary>Begins a generation without rows.</summary>
    internal Decoding BeginDecoding(EmbeddingDelta? delta) => Packs ? new PackedDecoding(this, delta) : new TensorDecoding(this, delta);

    // A pass: the final states of the wanted tokens [wanted, hidden].
    private unsafe Tensor RunPacked(PackedWeights weights, PackedTokens tokens, Tensor? added)
    {
        Tensor hidden = empty([tokens.Wanted, Config.HiddenSize]);
        Tensor? plain = added?.to(ScalarType.Float32).contiguous();
        fixed (byte* to = hidden.bytes, from = plain is null ? default : plain.bytes) Packed.Run(weights, tokens, (nint)from, (float*)to);
        return hidden;
    }

    // The final states of the rows' last tokens, [rows, hidden]. Rows run packed, a common start (an instruction) once.
    private unsafe Tensor LastPacked(PaddedBatch batch, Tensor? embeddingDelta)
    {
        IReadOnlyList<int[]> rows = batch.TokenRows;
        using var weights = new PackedWeights(_decoder.Weights, Adapter);
        int most = PackedDecoder.TokensPerPass(weights);
        using KvPages startPages = new(Config.Layers, Config.KeyValueHeads, Config.HeadSize);
        int common = embeddingDelta is null && rows.Count > 1 ? Math.Min(batch.CommonStart(), batch.Lengths.Min() - 1) : 0;
        if (common < LeastShared) common = 0;
        KvSequence? start = common == 0 ? null : new KvSequence(startPages);
        for (int at = 0; at < common; at += most)
        {
            using DisposeScope scope = NewDisposeScope();
            var tokens = new PackedTokens();
            tokens.Add(start!, rows[0].AsSpan(at, Math.Min(most, common - at)), wantLast: false);
            RunPacked(weights, tokens, null);
        }
        Tensor hidden = empty([rows.Count, Config.HiddenSize]);
        Tensor? added = embeddingDelta is null ? null : cat([.. Enumerable.Range(0, rows.Count).Select(r => embeddingDelta[r].narrow(0, 0, rows[r].Length))], 0).to(ScalarType.Float32).contiguous();
        fixed (byte* to = hidden.bytes, from = added is null ? default : added.bytes) Packed.Last(weights, rows, start, (nint)from, (float*)to);
        return hidden;
    }
}
