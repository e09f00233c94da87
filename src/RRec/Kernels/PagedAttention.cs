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
        int each = team.Threads == 1 || tiles.Length >= 4 * team.Threads ? keyValueHeads : 1, pieces = keyValueHeads / each;
        team.For(tiles.Length * pieces, piece => Heads(tiles[piece / pieces], piece % pieces * each, each, layer, q, stride, positions, window, y));
    }

    // The tokens [From, To) of a part's sequence that are seen.
    private readonly record struct Sight(int From, int To)
    {
        public bool Any => From < To;
    }

    [ThreadStatic] private static NativeBuffer? _scratch;

    // Some heads of a tile. Who sees what is the same for all of them: [tokens, parts], and of each part what anyone sees.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Heads(Tile tile, int firstHead, int count, int layer, float* q, int stride, int[] positions, int? window, float* y)
    {
        Part[] parts = tile.Parts;
        Sight* sights = stackalloc Sight[(tile.Count + 1) * parts.Length], whole = sights + tile.Count * parts.Length;
        int* alike = stackalloc int[tile.Count];
        for (int p = 0; p < parts.Length; p++)
        {
            KvSequence s = parts[p].Sequence;
            int first = parts[p].From / _group, end = parts[p].To / _group, least = int.MaxValue, most = 0;
            for (int t = 0; t < tile.Count; t++)
            {
                int position = positions[tile.From + t];
                Sight sight = t < first || t >= end ? default : new(window is int w ? Math.Max(0, position - w + 1 - s.Start) : 0, Math.Min(s.Length, position + 1 - s.Start));
                if (sight.Any) (least, most) = (Math.Min(least, sight.From), Math.Max(most, sight.To));
                sights[t * parts.Length + p] = sight;
            }
            whole[p] = new(least, most);
        }
        for (int t = tile.Count - 1; t >= 0; t--) alike[t] = t + 1 < tile.Count && Alike(sights + t * parts.Length, parts.Length) ? alike[t + 1] + 1 : 1;
        for (int head = firstHead; head < firstHead + count; head++) One(tile, sights, alike, head, layer, q, stride, y);
    }

    // Whether a token and the next see the same vectors of scores, if not the same numbers in them.
    private static bool Alike(Sight* sights, int parts)
    {
        for (int p = 0; p < parts; p++)
        {
            Sight a = sights[p], b = sights[parts + p];
            if (a.Any != b.Any || (a.Any && (a.From >> 4 != b.From >> 4 || a.To + 15 >> 4 != b.To + 15 >> 4))) return false;
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void One(Tile tile, Sight* sights, int* alike, int head, int layer, float* q, int stride, float* y)
    {
        int queries = tile.Count * _group, width = tile.Width;
        Part[] parts = tile.Parts;
        Sight* whole = sights + tile.Count * parts.Length;
        float* scores = (_scratch ??= new NativeBuffer()).Of((long)queries * width + 4L * _valueStride);
        float** at = stackalloc float*[queries];
        for (int i = 0; i < queries; i++) at[i] = q + (long)(tile.From + i / _group) * stride + (head * _group + i % _group) * d;

        Pairs pending = default;
        for (int p = 0; p < parts.Length; p++)
        {
            if (!whole[p].Any) continue;
            ref Part part = ref parts[p];
            if (part.To - part.From > 1) Score(part, whole[p], layer, head, at, scores, width);
            else ScoreOne(part, whole[p], layer, head, at[part.From], scores + (long)part.From * width + part.Column, ref pending);
        }
        Flush(ref pending);
        float* factors = stackalloc float[queries];
        for (int i = 0; i < queries;)
        {
            int token = i / _group, count = Math.Min(4, (token + alike[token]) * _group - i);
            if (count == 1) Softmax(parts, sights + token * parts.Length, scores + (long)i * width, factors + i);
            else Softmax4(parts, sights, i, count, scores, width, factors);
            i += count;
        }

        float* sums = scores + (long)queries * width;
        for (int i = 0; i < queries; i += 4)
        {
            int count = Math.Min(4, queries - i);
            for (int j = 0; j < 4 * _valueStride; j += 16) Vector512<float>.Zero.Store(sums + j);
            for (int p = 0; p < parts.Length; p++)
            {
                int from = Math.Max(i, parts[p].From), to = Math.Min(i + count, parts[p].To);
                if (from < to) Mix(parts, p, from, to, sights, layer, head, scores, width, sums + (from - i) * _valueStride);
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
    private void Score(in Part part, Sight whole, int layer, int head, float** q, float* scores, int width)
    {
        KvSequence s = part.Sequence;
        int first = whole.From / KvPages.Tokens, end = (whole.To + KvPages.Tokens - 1) / KvPages.Tokens;
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
    private void ScoreOne(in Part part, Sight sight, int layer, int head, float* q, float* scores, ref Pairs pending)
    {
        KvSequence s = part.Sequence;
        for (int page = sight.From / KvPages.Tokens; page * KvPages.Tokens < sight.To; page++)
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

    // Adds the weighted values of a part to the sums of the queries [from, to), at most four, which stand _valueStride apart.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix(Part[] parts, int p, int from, int to, Sight* sights, int layer, int head, float* scores, int width, float* sums)
    {
        ref Part part = ref parts[p];
        int first = int.MaxValue, last = 0;
        for (int i = from; i < to; i++)
        {
            Sight sight = sights[i / _group * parts.Length + p];
            if (sight.Any) (first, last) = (Math.Min(first, sight.From), Math.Max(last, sight.To));
        }
        // Queries of the part see different ranges; where one does not see what another does, its weights must be zero. In vectors that it sees any of they are.
        for (int i = from; i < to; i++)
        {
            float* weights = scores + (long)i * width + part.Column;
            Sight sight = sights[i / _group * parts.Length + p];
            (int low, int high) = sight.Any ? (sight.From & ~15, sight.To + 15 & ~15) : (last, last);
            for (int j = first; j < low; j++) weights[j] = 0;
            for (int j = high; j < last; j++) weights[j] = 0;
        }
        for (int page = first / KvPages.Tokens; page * KvPages.Tokens < last; page++)
        {
            float* values = part.Sequence.Pool.Values(part.Sequence.Pages[page], layer, head);
            int low = Math.Max(first, page * KvPages.Tokens), high = Math.Min(last, (page + 1) * KvPages.Tokens);
            float* weights = scores + part.Column + low, v = values + (low - page * KvPages.Tokens) * _valueStride;
            if (to - from == 1)
            {
                Mix1(weights + (long)from * width, v, high - low, sums);
                continue;
            }
            int last1 = Math.Min(1, to - from - 1), last2 = Math.Min(2, to - from - 1), last3 = Math.Min(3, to - from - 1);
            weights += (long)from * width;
            Mix4(weights, weights + (long)last1 * width, weights + (long)last2 * width, weights + (long)last3 * width, v, high - low,
                sums, sums + last1 * _valueStride, sums + last2 * _valueStride, sums + last3 * _valueStride);
        }
    }
}
