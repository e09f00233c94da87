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
internal sealed unsafe partial class PagedAttention(int heads, int keyValueHeads, int d, double? softCap)
{
    private const int MostQueries = 24;

    private readonly int _group = heads / keyValueHeads, _valueStride = KvPages.ValueStride(d);

    /// <summary>Tokens that continue the same parent, in packed order: what one thread works on at a time, per key/value head.</summary>
    /// <param name="From">The first token.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Parts">All that they see.</param>
    /// <param name="Width">Columns that a query's scores take.</param>
    internal sealed record Tile(int From, int Count, Part[] Parts, int Width);

    /// <summary>A part of what the queries [From, To) of a tile see: a sequence's pages, whose scores begin at Column.</summary>
    internal readonly record struct Part(KvSequence Sequence, int From, int To, int Pages, int Column);

    /// <summary>Puts tokens that may be worked on together into tiles.</summary>
    /// <param name="sequences">Per token the sequence it belongs to, which has its place for the token already.</param>
    /// <param name="positions">Per token its position.</param>
    public Tile[] Tiles(KvSequence[] sequences, int[] positions)
    {
        int most = Math.Max(1, MostQueries / _group);
        var tiles = new List<Tile>();
        for (int at = 0; at < sequences.Length;)
        {
            int end = at + 1;
            while (end < sequences.Length && end - at < most && (ReferenceEquals(sequences[end], sequences[at]) || (sequences[at].Parent is { } p && ReferenceEquals(sequences[end].Parent, p)))) end++;
            tiles.Add(MakeTile(at, end - at, sequences, positions));
            at = end;
        }
        return [.. tiles];
    }

    private Tile MakeTile(int first, int count, KvSequence[] sequences, int[] positions)
    {
        var parts = new List<Part>(4);
        int shared = 0;
        for (KvSequence? s = sequences[first].Parent; s is not null; s = s.Parent) shared += Add(s, 0, count, s.Length, shared);
        int widest = shared;
        for (int from = 0; from < count;)   // the tokens of one sequence after the other: their scores may stand in the same columns
        {
            KvSequence own = sequences[first + from];
            int to = from + 1;
            while (to < count && ReferenceEquals(sequences[first + to], own)) to++;
            widest = Math.Max(widest, shared + Add(own, from, to, positions[first + to - 1] + 1 - own.Start, shared));
            from = to;
        }
        return new Tile(first, count, [.. parts], widest);

        // How many columns it takes.
        int Add(KvSequence s, int from, int to, int tokens, int column)
        {
            int pages = (tokens + KvPages.Tokens - 1) / KvPages.Tokens;
            if (pages > 0) parts.Add(new Part(s, from * _group, to * _group, pages, column));
            return pages * KvPages.Tokens;
        }
    }

    /// <summary>One layer.</summary>
    /// <param name="team">Who works.</param>
    /// <param name="layer">Which layer's keys and values.</param>
    /// <param name="q">Rotated and scaled queries, [tokens, heads d], rows <paramref name="stride"/> apart.</param>
    /// <param name="stride">From one token's queries to the next's.</param>
    /// <param name="positions">Per token its position; its keys are in its sequence already.</param>
    /// <param name="tiles">Of <see cref="Tiles"/>.</param>
    /// <param name="window">How many positions back can be seen, the token itself counted; null: all.</param>
    /// <param name="y">[tokens, heads d].</param>
    public void Run(WorkerTeam team, int layer, float* q, int stride, int[] positions, Tile[] tiles, int? window, float* y)
    {
        team.For(tiles.Length * keyValueHeads, piece => One(tiles[piece / keyValueHeads], piece % keyValueHeads, layer, q, stride, positions, window, y));
    }

    [ThreadStatic] private static NativeBuffer? _scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void One(Tile tile, int head, int layer, float* q, int stride, int[] positions, int? window, float* y)
    {
        int queries = tile.Count * _group, width = tile.Width;
        Part[] parts = tile.Parts;
        float* scores = (_scratch ??= new NativeBuffer()).Of((long)queries * width + 4L * _valueStride);
        float** at = stackalloc float*[queries];
        for (int i = 0; i < queries; i++) at[i] = q + (long)(tile.From + i / _group) * stride + (head * _group + i % _group) * d;

        Pairs pending = default;
        foreach (Part part in parts)
        {
            if (part.To - part.From > 1) Score(part, tile, layer, head, at, positions, window, scores, width);
            else ScoreOne(part, layer, head, at[part.From], positions[tile.From + part.From / _group], window, scores + (long)part.From * width + part.Column, ref pending);
        }
        Flush(ref pending);
        float* factors = stackalloc float[queries];
        for (int i = 0; i < queries; i++) factors[i] = Softmax(parts, i, positions[tile.From + i / _group], window, scores + (long)i * width);

        float* sums = scores + (long)queries * width;
        for (int i = 0; i < queries; i += 4)
        {
            int count = Math.Min(4, queries - i);
            for (int j = 0; j < 4 * _valueStride; j += 16) Vector512<float>.Zero.Store(sums + j);
            foreach (Part part in parts)
            {
                int from = Math.Max(i, part.From), to = Math.Min(i + count, part.To);
                if (from < to) Mix(part, from, to, tile, layer, head, positions, window, scores, width, sums + (from - i) * _valueStride);
            }
            for (int j = 0; j < count; j++)
            {
                float* from = sums + j * _valueStride, to = y + (long)(tile.From + (i + j) / _group) * heads * d + (head * _group + (i + j) % _group) * d;
                int c = 0;
                for (; c + 16 <= d; c += 16) (Vector512.Load(from + c) * factors[i + j]).Store(to + c);
                for (; c < d; c++) to[c] = from[c] * factors[i + j];
            }
        }
    }

    // Products of a part's queries with its keys: four queries at a time, whose sums do not wait for one another; fewer than four are filled up by repeating the last,
    // which computes and stores the same once more. Every product adds up in the same order either way.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Score(Part part, Tile tile, int layer, int head, float** q, int[] positions, int? window, float* scores, int width)
    {
        (int oldest, int newest) = Reach(tile, part, positions, window);
        KvSequence s = part.Sequence;
        int first = Math.Max(0, oldest - s.Start) / KvPages.Tokens, end = Math.Min(part.Pages, (newest - s.Start) / KvPages.Tokens + 1);
        float* target = scores + part.Column;
        int last = part.To - 1;
        for (int page = first; page < end; page++)
        {
            // Behind the last page, the next head's first: that is where this thread is likely to go on.
            float* keys = s.Pool.Keys(s.Pages[page], layer, head), y = target + page * KvPages.Tokens;
            float* ahead = page + 1 < end ? s.Pool.Keys(s.Pages[page + 1], layer, head) : s.Pool.Keys(s.Pages[first], layer, Math.Min(head + 1, keyValueHeads - 1));
            for (int i = part.From; i <= last; i += 4)
            {
                (int i1, int i2, int i3) = (Math.Min(i + 1, last), Math.Min(i + 2, last), Math.Min(i + 3, last));
                Queries4(q[i], q[i1], q[i2], q[i3], keys, ahead, y + (long)i * width, y + (long)i1 * width, y + (long)i2 * width, y + (long)i3 * width);
            }
        }
    }

    // The same of one query: its pages wait until there are four.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ScoreOne(Part part, int layer, int head, float* q, int position, int? window, float* scores, ref Pairs pending)
    {
        if (!Sees(part, part.From, position, window, out int from, out int to)) return;
        KvSequence s = part.Sequence;
        for (int page = from / KvPages.Tokens; page * KvPages.Tokens < to; page++)
        {
            pending.Add(q, s.Pool.Keys(s.Pages[page], layer, head), scores + page * KvPages.Tokens);
            if (pending.Count == 4) Flush(ref pending);
        }
    }

    // Up to four pages of keys, each with the query that sees it and the place of its scores.
    private struct Pairs
    {
        public fixed long Query[4], Keys[4], Scores[4];
        public int Count;

        public void Add(float* q, float* keys, float* scores)
        {
            (Query[Count], Keys[Count], Scores[Count]) = ((long)q, (long)keys, (long)scores);
            Count++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Flush(ref Pairs pending)
    {
        if (pending.Count == 0) return;
        while (pending.Count < 4) pending.Add((float*)pending.Query[pending.Count - 1], (float*)pending.Keys[pending.Count - 1], (float*)pending.Scores[pending.Count - 1]);
        Pairs4((float*)pending.Query[0], (float*)pending.Query[1], (float*)pending.Query[2], (float*)pending.Query[3],
            (float*)pending.Keys[0], (float*)pending.Keys[1], (float*)pending.Keys[2], (float*)pending.Keys[3],
            (float*)pending.Scores[0], (float*)pending.Scores[1], (float*)pending.Scores[2], (float*)pending.Scores[3]);
        pending.Count = 0;
    }

    // The oldest and newest position that any query of a part sees.
    private (int Oldest, int Newest) Reach(Tile tile, Part part, int[] positions, int? window)
    {
        int from = positions[tile.From + part.From / _group], to = from;
        for (int i = part.From / _group; i < part.To / _group; i++) (from, to) = (Math.Min(from, positions[tile.From + i]), Math.Max(to, positions[tile.From + i]));
        return (window is int w ? from - w + 1 : 0, to);
    }

    // Whether one query at a position sees anything of a part, and which tokens of its sequence.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Sees(in Part part, int query, int position, int? window, out int from, out int to)
    {
        int start = part.Sequence.Start;
        from = window is int w ? Math.Max(0, position - w + 1 - start) : 0;
        to = Math.Min(part.Sequence.Length, position + 1 - start);
        return query >= part.From && query < part.To && from < to;
    }

    // Scores become weights up to a factor, which is returned.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Softmax(Part[] parts, int query, int position, int? window, float* scores)
    {
        Vector512<float> most = Vector512.Create(float.NegativeInfinity);
        foreach (Part part in parts)
        {
            if (!Sees(part, query, position, window, out int from, out int to)) continue;
            float* s = scores + part.Column;
            if (softCap is double cap) Vectors.SoftCap(s + from, (float)cap, to - from);
            for (int j = from & ~15; j < to; j += 16) most = Vector512.Max(most, Seen(s, j, from, to));
        }
        Vector512<float> total = Vector512<float>.Zero, shift = Vector512.Create(Highest(most));
        foreach (Part part in parts)
        {
            if (!Sees(part, query, position, window, out int from, out int to)) continue;
            float* s = scores + part.Column;
            for (int j = from & ~15; j < to; j += 16)
            {
                Vector512<float> v = Seen(s, j, from, to), e = Vectors.Exp(v - shift);
                e = Vector512.ConditionalSelect(Vector512.GreaterThan(v, Vector512.Create(Unseen / 10)), e, Vector512<float>.Zero);
                e.Store(s + j);
                total += e;
            }
        }
        return 1 / Vector512.Sum(total);
    }

    // Sixteen scores; those outside [from, to) are as small as can be.
    private const float Unseen = -1e30f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Seen(float* scores, int at, int from, int to)
    {
        Vector512<float> v = Vector512.Load(scores + at);
        if (at >= from && at + 16 <= to) return v;
        Vector512<int> token = Vector512<int>.Indices + Vector512.Create(at);
        Vector512<int> inside = Vector512.GreaterThanOrEqual(token, Vector512.Create(from)) & Vector512.LessThan(token, Vector512.Create(to));
        return Vector512.ConditionalSelect(inside.AsSingle(), v, Vector512.Create(Unseen));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Highest(Vector512<float> v)
    {
        Vector256<float> half = Vector256.Max(v.GetLower(), v.GetUpper());
        Vector128<float> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }

    // Adds the weighted values of a part to the sums of the queries [from, to), at most four, which stand _valueStride apart.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix(Part part, int from, int to, Tile tile, int layer, int head, int[] positions, int? window, float* scores, int width, float* sums)
    {
        int first = int.MaxValue, last = 0;
        for (int i = from; i < to; i++)
        {
            if (Sees(part, i, positions[tile.From + i / _group], window, out int a, out int b)) (first, last) = (Math.Min(first, a), Math.Max(last, b));
        }
        // Queries of the part see different ranges; where one does not see what another does, its weights must be zero.
        for (int i = from; i < to; i++)
        {
            float* p = scores + (long)i * width + part.Column;
            if (!Sees(part, i, positions[tile.From + i / _group], window, out int a, out int b)) (a, b) = (last, last);
            for (int j = first; j < a; j++) p[j] = 0;
            for (int j = b; j < last; j++) p[j] = 0;
        }
        for (int page = first / KvPages.Tokens; page * KvPages.Tokens < last; page++)
        {
            float* values = part.Sequence.Pool.Values(part.Sequence.Pages[page], layer, head);
            int low = Math.Max(first, page * KvPages.Tokens), high = Math.Min(last, (page + 1) * KvPages.Tokens);
            float* p = scores + part.Column + low, v = values + (low - page * KvPages.Tokens) * _valueStride;
            if (to - from == 1)
            {
                Mix1(p + (long)from * width, v, high - low, sums);
                continue;
            }
            int last1 = Math.Min(1, to - from - 1), last2 = Math.Min(2, to - from - 1), last3 = Math.Min(3, to - from - 1);
            p += (long)from * width;
            Mix4(p, p + (long)last1 * width, p + (long)last2 * width, p + (long)last3 * width, v, high - low,
                sums, sums + last1 * _valueStride, sums + last2 * _valueStride, sums + last3 * _valueStride);
        }
    }
}
