using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using RRec.Kernels;

namespace RRec.Backbones;

/// <summary>
/// Takes packed tokens through the layers, with memory of its own for what stands between them: one at a time, but several side by side can work on different tokens.
/// </summary>
/// <remarks>h hidden, H query and K key/value heads of size d, m intermediate, n tokens.</remarks>
internal sealed unsafe class PackedPass(BackboneConfig config) : IDisposable
{
    private readonly PagedAttention _attention = new(config.Heads, config.KeyValueHeads, config.HeadSize, config.AttentionSoftCap);
    private readonly NativeBuffer _x = new(), _normed = new(), _qkv = new(), _seen = new(), _wide = new(), _gated = new(), _low = new();
    private readonly int _h = config.HiddenSize, _d = config.HeadSize, _queries = config.Heads * config.HeadSize, _keys = config.KeyValueHeads * config.HeadSize;
    // Of what runs.
    private WorkerTeam _team = WorkerTeam.Alone;
    private PackedWeights _weights = null!;
    private PartTimes? _times;

    /// <summary>Positions' cosines and sines, [positions, d/2], of layers that see all and of those that slide.</summary>
    public readonly record struct Angles((float[] Cos, float[] Sin) Full, (float[] Cos, float[] Sin) Sliding);

    /// <summary>
    /// Runs tokens; their keys and values are kept in their sequences. Where not every final state is wanted, the last layer ends with keys and values, which are all
    /// that later tokens can ask for, and <see cref="Finish"/> takes the wanted ones on.
    /// </summary>
    /// <param name="team">Who works.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="angles">At least up to the tokens' positions.</param>
    /// <param name="delta">Added to the input embeddings, [n, h]; null: nothing.</param>
    /// <param name="hidden">Receives all final states, [n, h]; null: only some are wanted.</param>
    /// <param name="few">Receives what the last layer makes of the wanted tokens' states, [wanted, h]: first the states as they enter it, then normed.</param>
    /// <param name="known">Queries, keys and values of the first layer, which is not the last; null: they are to be computed.</param>
    /// <param name="times">Where somebody wants to know what the parts take.</param>
    public void Run(WorkerTeam team, PackedWeights weights, PackedTokens.Slice tokens, Angles angles, float* delta, float* hidden, (nint States, nint Normed) few, KnownTokens? known, PartTimes? times)
    {
        (_team, _weights, _times) = (team, weights, times);
        (KvSequence[] sequences, int[] positions, int[] wanted) = (tokens.Sequences, tokens.Positions, tokens.Wanted);
        int n = tokens.Ids.Length;
        PagedAttention.Tile[] tiles = _attention.Tiles(sequences, positions);
        (int From, int Count)[] runs = Runs(sequences, positions);
        float* x = _x.Of((long)n * _h), normed = _normed.Of((long)n * _h), qkv = _qkv.Of((long)n * (_queries + 2 * _keys));
        Embed(weights, tokens.Ids, delta, x);
        _times?.Add("embedding");

        for (int i = 0; i < config.Layers; i++)
        {
            PackedLayer w = weights.Layers[i];
            bool slides = config.LayerSlides[i];
            (float[] cos, float[] sin) = slides ? angles.Sliding : angles.Full;
            int? window = slides ? config.SlidingWindow : null;
            int stride = _queries + 2 * _keys;
            KnownTokens? given = i == 0 ? known : null;
            if (given is null) NormRows(x, w.InputNorm, normed, n);
            _times?.Add("norms, residuals");
            if (hidden is not null || i < config.Layers - 1)
            {
                if (given is null) Project(normed, n, w.Qkv, 0, stride, w.QkvBias, w.LoraQkv, qkv, stride);
                _times?.Add("product qkv");
                Rows(runs.Length, stride * n / runs.Length, run =>
                {
                    (int from, int count) = runs[run];
                    float** made = stackalloc float*[count];
                    for (int t = 0; t < count; t++)
                    {
                        float* own = qkv + (long)(from + t) * stride, q = given is null ? own : given[tokens.Ids[from + t]];
                        Rotate(q, own, config.Heads, positions[from + t], w.QueryNorm, cos, sin, (float)config.QueryScale);
                        made[t] = q + _queries;
                    }
                    Keep(i, made, count, sequences[from], positions[from], w, cos, sin);
                });
                _times?.Add("rotation, cache");
                Rest(i, w, x, normed, n, qkv, stride, positions, tiles, window);
                continue;
            }

            Project(normed, n, w.Qkv, _queries, 2 * _keys, w.QkvBias, w.LoraQkv, qkv + _queries, stride);
            _times?.Add("product qkv");
            Rows(runs.Length, stride * n / runs.Length, run =>
            {
                (int from, int count) = runs[run];
                float** made = stackalloc float*[count];
                for (int t = 0; t < count; t++) made[t] = qkv + (long)(from + t) * stride + _queries;
                Keep(i, made, count, sequences[from], positions[from], w, cos, sin);
            });
            for (int r = 0; r < wanted.Length; r++)
            {
                new ReadOnlySpan<float>(x + (long)wanted[r] * _h, _h).CopyTo(new Span<float>((float*)few.States + (long)r * _h, _h));
                new ReadOnlySpan<float>(normed + (long)wanted[r] * _h, _h).CopyTo(new Span<float>((float*)few.Normed + (long)r * _h, _h));
            }
            _times?.Add("rotation, cache");
        }
        if (hidden is not null) NormRows(x, weights.FinalNorm, hidden, n);
        _times?.Add("norms, residuals");
    }

    /// <summary>What the first layer's projections make of ids, [ids, queries + keys + values].</summary>
    /// <param name="team">Who works.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="y">Receives it.</param>
    public void First(WorkerTeam team, PackedWeights weights, int[] ids, float* y)
    {
        (_team, _weights, _times) = (team, weights, null);
        PackedLayer w = weights.Layers[0];
        int n = ids.Length, stride = _queries + 2 * _keys;
        float* x = _x.Of((long)n * _h), normed = _normed.Of((long)n * _h);
        Embed(weights, ids, null, x);
        NormRows(x, w.InputNorm, normed, n);
        Project(normed, n, w.Qkv, 0, stride, w.QkvBias, w.LoraQkv, y, stride);
    }

    /// <summary>The rest of the last layer for the wanted tokens, once all tokens' keys and values are there.</summary>
    /// <param name="team">Who works.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="tokens">The wanted tokens.</param>
    /// <param name="angles">At least up to their positions.</param>
    /// <param name="few">What <see cref="Run"/> left of them; overwritten.</param>
    /// <param name="hidden">Receives their final states.</param>
    /// <param name="times">Where somebody wants to know what the parts take.</param>
    public void Finish(WorkerTeam team, PackedWeights weights, PackedTokens.Slice tokens, Angles angles, (nint States, nint Normed) few, float* hidden, PartTimes? times)
    {
        (_team, _weights, _times) = (team, weights, times);
        int n = tokens.Positions.Length, layer = config.Layers - 1;
        int[] positions = tokens.Positions;
        PackedLayer w = weights.Layers[layer];
        (float[] cos, float[] sin) = config.LayerSlides[layer] ? angles.Sliding : angles.Full;
        float* q = _qkv.Of((long)n * _queries);
        Project((float*)few.Normed, n, w.Qkv, 0, _queries, w.QkvBias, w.LoraQkv, q, _queries);
        _times?.Add("product qkv");
        Rows(n, _queries, r => Rotate(q + (long)r * _queries, q + (long)r * _queries, config.Heads, positions[r], w.QueryNorm, cos, sin, (float)config.QueryScale));
        _times?.Add("rotation, cache");
        Rest(layer, w, (float*)few.States, (float*)few.Normed, n, q, _queries, positions, _attention.Tiles(tokens.Sequences, positions), config.LayerSlides[layer] ? config.SlidingWindow : null);
        NormRows((float*)few.States, weights.FinalNorm, hidden, n);
        _times?.Add("norms, residuals");
    }

    // From the queries on: attention, projection, MLP, with the family's norms. x is updated; normed is scratch.
    private void Rest(int layer, PackedLayer w, float* x, float* normed, int n, float* q, int stride, int[] positions, PagedAttention.Tile[] tiles, int? window)
    {
        int m = config.IntermediateSize;
        float* seen = _seen.Of((long)n * _queries), gated = _gated.Of((long)n * Math.Max(m, _h));
        _attention.Run(_team, layer, q, stride, positions, tiles, window, seen);
        _times?.Add("attention");
        Project(seen, n, w.Output, 0, _h, 0, w.LoraOutput, normed, _h);
        _times?.Add("product output");
        bool four = config.Family.FourNorms;
        nint before = w.PreMlpNorm != 0 ? w.PreMlpNorm : w.PostAttentionNorm;
        Rows(n, 4 * _h, r =>
        {
            float* row = normed + (long)r * _h, to = x + (long)r * _h;
            if (four) Vectors.Norm(row, (float*)w.PostAttentionNorm, row, _h, (float)config.NormEpsilon);
            Vectors.Add(to, row, _h);
            Vectors.Norm(to, (float*)before, row, _h, (float)config.NormEpsilon);
        });
        _times?.Add("norms, residuals");
        if (w.LoraGateUp.Length == 0 && !ByLibrary(w.GateUp, n)) Products.Gated(_team, normed, n, w.GateUp, gated, config.Family.Gelu);
        else
        {
            float* wide = _wide.Of(2L * n * m);
            Project(normed, n, w.GateUp, 0, 2 * m, 0, w.LoraGateUp, wide, 2 * m);
            Rows(n, 8 * m, r => Vectors.Gate(wide + 2L * r * m, wide + 2L * r * m + m, gated + (long)r * m, m, config.Family.Gelu));
        }
        _times?.Add("product gate, up");
        Project(gated, n, w.Down, 0, _h, 0, w.LoraDown, normed, _h);
        _times?.Add("product down");
        Rows(n, 2 * _h, r =>
        {
            float* row = normed + (long)r * _h;
            if (w.PostMlpNorm != 0) Vectors.Norm(row, (float*)w.PostMlpNorm, row, _h, (float)config.NormEpsilon);
            Vectors.Add(x + (long)r * _h, row, _h);
        });
        _times?.Add("norms, residuals");
    }

    private void Embed(PackedWeights weights, int[] ids, float* delta, float* x)
    {
        Matrix table = weights.Embedding;
        float factor = config.Family.ScaleEmbedding ? (float)Math.Sqrt(_h) : 1;
        // The factor is rounded to the weights' type, as the reference does.
        if (table.Half) factor = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(factor) + 0x8000 & 0xFFFF0000);
        Rows(ids.Length, _h, r =>
        {
            float* row = x + (long)r * _h;
            if (r + 2 < ids.Length) Vectors.Fetch((byte*)table.Data + (long)ids[r + 2] * _h * (table.Half ? 2 : 4), _h * (table.Half ? 2 : 4));
            long at = (long)ids[r] * _h;
            if (table.Half) for (int i = 0; i < _h; i++) row[i] = BitConverter.UInt32BitsToSingle((uint)((ushort*)table.Data)[at + i] << 16);
            else new ReadOnlySpan<float>((float*)table.Data + at, _h).CopyTo(new Span<float>(row, _h));
            if (factor != 1) Vectors.Scale(row, factor, _h);
            if (delta is not null) Vectors.Add(row, delta + (long)r * _h, _h);
        });
    }

    // y = x wᵀ for the outputs [from, from + count), with bias and adapter. y begins at output from.
    private void Project(float* x, int n, Matrix w, int from, int count, nint bias, PackedLora[] lora, float* y, int stride)
    {
        if (ByLibrary(w, n)) HalfProducts.Multiply(x, n, _weights.Half(w).narrow(0, from, count), y, stride, bias == 0 ? null : (float*)bias + from);
        else Products.Multiply(_team, x, n, w.Part(from, count), y, stride, bias == 0 ? null : (float*)bias + from);
        foreach (PackedLora part in lora)
        {
            if (part.Start < from || part.Start >= from + count) continue;
            float* low = _low.Of((long)n * part.A.Rows);
            Products.Multiply(_team, x, n, part.A, low, part.A.Rows);
            Vectors.Scale(low, part.Scale, n * part.A.Rows);
            Products.Multiply(_team, low, n, part.B, y + part.Start - from, stride, add: true);
        }
    }

    private static bool ByLibrary(Matrix w, int n) => w.Half && n >= HalfProducts.LeastRows && HalfProducts.Pay;

    // Tokens that go to the same page.
    private static (int From, int Count)[] Runs(KvSequence[] sequences, int[] positions)
    {
        var runs = new List<(int, int)>(sequences.Length);
        for (int from = 0; from < sequences.Length;)
        {
            KvSequence own = sequences[from];
            int end = from + 1, most = from + KvPages.Tokens - (positions[from] - own.Start) % KvPages.Tokens;
            while (end < sequences.Length && end < most && ReferenceEquals(sequences[end], own)) end++;
            runs.Add((from, end - from));
            from = end;
        }
        return [.. runs];
    }

    // Normed and rotated keys of a run, and its values, to their page, head by head: a page is as large as the first-level cache. What a page's other tokens get from a
    // run that begins it is overwritten when they come. Per token the address of its keys; its values follow.
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    private void Keep(int layer, float** made, int count, KvSequence sequence, int position, PackedLayer w, float[] cos, float[] sin)
    {
        float* keys = stackalloc float[count * _keys];
        for (int t = 0; t < count; t++) Rotate(made[t], keys + t * _keys, config.KeyValueHeads, position + t, w.KeyNorm, cos, sin, 1);
        int at = position - sequence.Start, slot = at % KvPages.Tokens, valueStride = KvPages.ValueStride(_d);
        nint page = sequence.Pages[at / KvPages.Tokens];
        bool turn = slot == 0 && count > 1 && Avx512F.IsSupported;
        for (int head = 0; head < config.KeyValueHeads; head++, keys += _d)
        {
            float* to = sequence.Pool.Keys(page, layer, head), toValues = sequence.Pool.Values(page, layer, head) + slot * valueStride;
            int i = 0, values = _keys + head * _d;
            for (; turn && i + 16 <= _d; i += 16) Vectors.Transpose(keys + i, _keys, count, to + i * KvPages.Tokens);
            for (; i < _d; i++)
                for (int t = 0; t < count; t++) to[i * KvPages.Tokens + slot + t] = keys[t * _keys + i];
            for (int t = 0; t < count; t++) new ReadOnlySpan<float>(made[t] + values, _d).CopyTo(new Span<float>(toValues + t * valueStride, _d));
        }
    }

    // Heads of one token, normed, rotated and scaled; y may be x.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rotate(float* x, float* y, int heads, int position, nint norm, float[] cos, float[] sin, float scale)
    {
        fixed (float* c = &cos[position * (_d / 2)], s = &sin[position * (_d / 2)])
            for (int head = 0; head < heads; head++, x += _d, y += _d)
            {
                if (norm != 0) Vectors.Norm(x, (float*)norm, y, _d, (float)config.NormEpsilon);
                Vectors.Rotate(norm != 0 ? y : x, y, c, s, _d, scale);
            }
    }

    private void NormRows(float* x, nint factor, float* y, int n) =>
        Rows(n, 2 * _h, r => Vectors.Norm(x + (long)r * _h, (float*)factor, y + (long)r * _h, _h, (float)config.NormEpsilon));

    // Row by row: alone where that is microseconds, else in pieces.
    private void Rows(int n, int numbers, Action<int> body)
    {
        int each = Math.Max(1, (1 << 15) / numbers);
        if (n <= each)
        {
            for (int r = 0; r < n; r++) body(r);
            return;
        }
        _team.For((n + each - 1) / each, piece =>
        {
            for (int r = piece * each, end = Math.Min(n, r + each); r < end; r++) body(r);
        });
    }

    public void Dispose()
    {
        foreach (NativeBuffer b in new[] { _x, _normed, _qkv, _seen, _wide, _gated, _low }) b.Dispose();
    }
}
