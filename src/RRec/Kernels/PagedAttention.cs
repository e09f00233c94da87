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

        foreach (Part part in parts) Score(part, tile, layer, head, at, positions, window, scores, width);
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

    // Products of a part's queries with its keys. Four queries at a time, or one query with four pages: four sums that do not wait for one another. Fewer than four are
    // filled up by repeating the last, which computes and stores the same once more. Every product adds up in the same order either way.
    private void Score(Part part, Tile tile, int layer, int head, float** q, int[] positions, int? window, float* scores, int width)
    {
        (int oldest, int newest) = Reach(tile, part, positions, window);
        KvSequence s = part.Sequence;
        int first = Math.Max(0, oldest - s.Start) / KvPages.Tokens, end = Math.Min(part.Pages, (newest - s.Start) / KvPages.Tokens + 1);
        float* target = scores + part.Column;
        int last = part.To - 1;
        if (last == part.From)
        {
            target += (long)last * width;
            for (int page = first; page < end; page += 4)
            {
                (int p1, int p2, int p3) = (Math.Min(page + 1, end - 1), Math.Min(page + 2, end - 1), Math.Min(page + 3, end - 1));
                Pages4(q[last], s.Pool.Keys(s.Pages[page], layer, head), s.Pool.Keys(s.Pages[p1], layer, head), s.Pool.Keys(s.Pages[p2], layer, head), s.Pool.Keys(s.Pages[p3], layer, head), 16 * d,
                    target + page * KvPages.Tokens, target + p1 * KvPages.Tokens, target + p2 * KvPages.Tokens, target + p3 * KvPages.Tokens);
            }
            return;
        }
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
