using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RRec.Kernels;

/// <summary>
/// Attention of packed tokens to paged keys and values. Queries that share what came before them (the samples of a prompt, the tokens of one sequence, the heads of a
/// group) are worked on together, so that a page is read once for all of them. Softmax is exact, in two passes over the scores.
/// </summary>
/// <param name="heads">Query heads.</param>
/// <param name="keyValueHeads">Key/value heads.</param>
/// <param name="d">Head size.</param>
/// <param name="softCap">Scores x become cap * tanh(x / cap); null: they stay.</param>
internal sealed unsafe class PagedAttention(int heads, int keyValueHeads, int d, double? softCap)
{
    private const int MostQueries = 24;

    private readonly int _group = heads / keyValueHeads, _valueStride = KvPages.ValueStride(d);

    /// <summary>Tokens that continue the same parent, in packed order: what one thread works on at a time, per key/value head.</summary>
    internal readonly record struct Tile(int From, int Count);

    /// <summary>Puts tokens that may be worked on together into tiles.</summary>
    public Tile[] Tiles(ReadOnlySpan<KvSequence> sequences)
    {
        int most = Math.Max(1, MostQueries / _group);
        var tiles = new List<Tile>();
        for (int at = 0; at < sequences.Length;)
        {
            int end = at + 1;
            while (end < sequences.Length && end - at < most && (ReferenceEquals(sequences[end], sequences[at]) || (sequences[at].Parent is { } p && ReferenceEquals(sequences[end].Parent, p)))) end++;
            tiles.Add(new Tile(at, end - at));
            at = end;
        }
        return [.. tiles];
    }

    /// <summary>One layer.</summary>
    /// <param name="team">Who works.</param>
    /// <param name="layer">Which layer's keys and values.</param>
    /// <param name="q">Rotated and scaled queries, [tokens, heads d], rows <paramref name="stride"/> apart.</param>
    /// <param name="stride">From one token's queries to the next's.</param>
    /// <param name="sequences">Per token the sequence it belongs to; its keys are in it already.</param>
    /// <param name="positions">Per token its position.</param>
    /// <param name="tiles">Of <see cref="Tiles"/>.</param>
    /// <param name="window">How many positions back can be seen, the token itself counted; null: all.</param>
    /// <param name="y">[tokens, heads d].</param>
    public void Run(WorkerTeam team, int layer, float* q, int stride, KvSequence[] sequences, int[] positions, Tile[] tiles, int? window, float* y)
    {
        team.For(tiles.Length * keyValueHeads, piece => One(tiles[piece / keyValueHeads], piece % keyValueHeads, layer, q, stride, sequences, positions, window, y));
    }

    [ThreadStatic] private static NativeBuffer? _scratch;

    // A part of what the queries [From, To) of a tile see: a sequence's pages, whose scores begin at Column.
    private readonly record struct Part(KvSequence Sequence, int From, int To, int Pages, int Column);

    private void One(Tile tile, int head, int layer, float* q, int stride, KvSequence[] sequences, int[] positions, int? window, float* y)
    {
        int queries = tile.Count * _group;
        List<Part> parts = Parts(tile, sequences, positions, out int width);
        float* scores = (_scratch ??= new NativeBuffer()).Of((long)queries * width + 4L * _valueStride);
        float** at = stackalloc float*[queries];
        for (int i = 0; i < queries; i++) at[i] = q + (long)(tile.From + i / _group) * stride + (head * _group + i % _group) * d;

        foreach (Part part in parts)
        {
            (int oldest, int newest) = Reach(tile, part, positions, window);
            for (int page = 0; page < part.Pages; page++)
            {
                int first = part.Sequence.Start + page * KvPages.Tokens;
                if (first + KvPages.Tokens <= oldest || first > newest) continue;
                float* keys = part.Sequence.Pool.Keys(part.Sequence.Pages[page], layer, head);
                float* target = scores + part.Column + page * KvPages.Tokens;
                int i = part.From;
                for (; i + 4 <= part.To; i += 4) Scores4(at + i, keys, target + (long)i * width, width);
                for (; i < part.To; i++) Scores1(at[i], keys, target + (long)i * width);
            }
        }
        float* factors = stackalloc float[queries];
        for (int i = 0; i < queries; i++) factors[i] = Softmax(parts, i, positions[tile.From + i / _group], window, scores + (long)i * width);

        float* sums = scores + (long)queries * width;
        for (int i = 0; i < queries; i += 4)
        {
            int count = Math.Min(4, queries - i);
            new Span<float>(sums, 4 * _valueStride).Clear();
            foreach (Part part in parts)
            {
                int from = Math.Max(i, part.From), to = Math.Min(i + count, part.To);
                if (from < to) Mix(part, from, to, tile, layer, head, positions, window, scores, width, sums + (from - i) * _valueStride);
            }
            for (int j = 0; j < count; j++)
            {
                Vectors.Scale(sums + j * _valueStride, factors[i + j], d);
                new ReadOnlySpan<float>(sums + j * _valueStride, d).CopyTo(new Span<float>(y + (long)(tile.From + (i + j) / _group) * heads * d + (head * _group + (i + j) % _group) * d, d));
            }
        }
    }

    private List<Part> Parts(Tile tile, KvSequence[] sequences, int[] positions, out int width)
    {
        var parts = new List<Part>(4);
        width = 0;
        for (KvSequence? s = sequences[tile.From].Parent; s is not null; s = s.Parent) Add(s, 0, tile.Count, s.Length, ref width);
        int shared = width, widest = width;
        for (int from = 0; from < tile.Count;)   // the tokens of one sequence after the other: their scores may stand in the same columns
        {
            KvSequence own = sequences[tile.From + from];
            int to = from + 1;
            while (to < tile.Count && ReferenceEquals(sequences[tile.From + to], own)) to++;
            int column = shared;
            Add(own, from, to, positions[tile.From + to - 1] + 1 - own.Start, ref column);
            widest = Math.Max(widest, column);
            from = to;
        }
        width = widest;
        return parts;

        void Add(KvSequence s, int from, int to, int tokens, ref int column)
        {
            int pages = (tokens + KvPages.Tokens - 1) / KvPages.Tokens;
            if (pages == 0) return;
            parts.Add(new Part(s, from * _group, to * _group, pages, column));
            column += pages * KvPages.Tokens;
        }
    }

    // The oldest and newest position that any query of a part sees.
    private (int Oldest, int Newest) Reach(Tile tile, Part part, int[] positions, int? window)
    {
        int from = positions[tile.From + part.From / _group], to = from;
        for (int i = part.From / _group; i < part.To / _group; i++) (from, to) = (Math.Min(from, positions[tile.From + i]), Math.Max(to, positions[tile.From + i]));
        return (window is int w ? from - w + 1 : 0, to);
    }

    // What one query at a position sees of a part, as tokens of its sequence.
    private static (int From, int To) Seen(Part part, int position, int? window)
    {
        int start = part.Sequence.Start;
        return (window is int w ? Math.Max(0, position - w + 1 - start) : 0, Math.Min(part.Sequence.Length, position + 1 - start));
    }

    // Scores become weights up to a factor, which is returned.
    private float Softmax(List<Part> parts, int query, int position, int? window, float* scores)
    {
        Vector512<float> most = Vector512.Create(float.NegativeInfinity);
        foreach (Part part in parts)
        {
            if (query < part.From || query >= part.To) continue;
            (int from, int to) = Seen(part, position, window);
            if (from >= to) continue;
            float* s = scores + part.Column;
            // Whole vectors from here on: what is not seen becomes as small as can be, and zero afterwards.
            int first = from & ~15, last = to + 15 & ~15;
            for (int j = first; j < from; j++) s[j] = -1e30f;
            for (int j = to; j < last; j++) s[j] = -1e30f;
            if (softCap is double cap) Vectors.SoftCap(s + from, (float)cap, to - from);
            for (int j = first; j < last; j += 16) most = Vector512.Max(most, Vector512.Load(s + j));
        }
        float max = Max(most);
        Vector512<float> total = Vector512<float>.Zero, shift = Vector512.Create(max);
        foreach (Part part in parts)
        {
            if (query < part.From || query >= part.To) continue;
            (int from, int to) = Seen(part, position, window);
            if (from >= to) continue;
            float* s = scores + part.Column;
            int first = from & ~15, last = to + 15 & ~15;
            for (int j = first; j < last; j += 16)
            {
                Vector512<float> v = Vector512.Load(s + j), e = Vectors.Exp(v - shift);
                e = Vector512.ConditionalSelect(Vector512.GreaterThan(v, Vector512.Create(-1e29f)), e, Vector512<float>.Zero);
                e.Store(s + j);
                total += e;
            }
        }
        return 1 / Vector512.Sum(total);
    }

    private static float Max(Vector512<float> v)
    {
        float most = v[0];
        for (int i = 1; i < 16; i++) most = MathF.Max(most, v[i]);
        return most;
    }

    // Adds the weighted values of a part to the sums of the queries [from, to), at most four, which stand _valueStride apart.
    private void Mix(Part part, int from, int to, Tile tile, int layer, int head, int[] positions, int? window, float* scores, int width, float* sums)
    {
        int first = int.MaxValue, last = 0;
        for (int i = from; i < to; i++)
        {
            (int a, int b) = Seen(part, positions[tile.From + i / _group], window);
            if (a < b) (first, last) = (Math.Min(first, a), Math.Max(last, b));
        }
        // Queries of the part see different ranges; where one does not see what another does, its weights must be zero.
        for (int i = from; i < to; i++)
        {
            (int a, int b) = Seen(part, positions[tile.From + i / _group], window);
            float* p = scores + (long)i * width + part.Column;
            if (a >= b) (a, b) = (last, last);
            for (int j = first; j < a; j++) p[j] = 0;
            for (int j = b; j < last; j++) p[j] = 0;
        }
        for (int page = first / KvPages.Tokens; page * KvPages.Tokens < last; page++)
        {
            float* values = part.Sequence.Pool.Values(part.Sequence.Pages[page], layer, head);
            int low = Math.Max(first, page * KvPages.Tokens), high = Math.Min(last, (page + 1) * KvPages.Tokens);
            float* p = scores + (long)from * width + part.Column + low;
            float* v = values + (low - page * KvPages.Tokens) * _valueStride;
            if (to - from == 4) Mix4(p, width, v, high - low, sums);
            else for (int i = 0; i < to - from; i++) Mix1(p + (long)i * width, v, high - low, sums + i * _valueStride);
        }
    }

    private void Scores4(float** q, float* keys, float* y, int width)
    {
        float* q0 = q[0], q1 = q[1], q2 = q[2], q3 = q[3];
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, e = a;
        for (int i = 0; i < d; i++, keys += 16)
        {
            Vector512<float> k = Vector512.Load(keys);
            a = Vectors.Fma(Vector512.Create(q0[i]), k, a);
            b = Vectors.Fma(Vector512.Create(q1[i]), k, b);
            c = Vectors.Fma(Vector512.Create(q2[i]), k, c);
            e = Vectors.Fma(Vector512.Create(q3[i]), k, e);
        }
        a.Store(y);
        b.Store(y + width);
        c.Store(y + 2L * width);
        e.Store(y + 3L * width);
    }

    private void Scores1(float* q, float* keys, float* y)
    {
        Vector512<float> a = Vector512<float>.Zero;
        for (int i = 0; i < d; i++, keys += 16) a = Vectors.Fma(Vector512.Create(q[i]), Vector512.Load(keys), a);
        a.Store(y);
    }

    private void Mix4(float* p, int width, float* values, int tokens, float* y)
    {
        float* p1 = p + width, p2 = p1 + width, p3 = p2 + width;
        float* y1 = y + _valueStride, y2 = y1 + _valueStride, y3 = y2 + _valueStride;
        for (int i = 0; i < _valueStride; i += 16)
        {
            Vector512<float> a = Vector512.Load(y + i), b = Vector512.Load(y1 + i), c = Vector512.Load(y2 + i), e = Vector512.Load(y3 + i);
            float* v = values + i;
            for (int j = 0; j < tokens; j++, v += _valueStride)
            {
                Vector512<float> x = Vector512.Load(v);
                a = Vectors.Fma(Vector512.Create(p[j]), x, a);
                b = Vectors.Fma(Vector512.Create(p1[j]), x, b);
                c = Vectors.Fma(Vector512.Create(p2[j]), x, c);
                e = Vectors.Fma(Vector512.Create(p3[j]), x, e);
            }
            a.Store(y + i);
            b.Store(y1 + i);
            c.Store(y2 + i);
            e.Store(y3 + i);
        }
    }

    private void Mix1(float* p, float* values, int tokens, float* y)
    {
        for (int i = 0; i < _valueStride; i += 16)
        {
            Vector512<float> a = Vector512.Load(y + i);
            float* v = values + i;
            for (int j = 0; j < tokens; j++, v += _valueStride) a = Vectors.Fma(Vector512.Create(p[j]), Vector512.Load(v), a);
            a.Store(y + i);
        }
    }
}
