using System.Collections.Concurrent;
using RRec.Kernels;
using TorchSharp;

namespace RRec.Backbones;

/// <summary>
/// The decoder of <see cref="Decoder"/> once more, for inference on a CPU: the same arithmetic in single precision, written for packed tokens of any number of sequences
/// (one token each of many rows, or whole prompts), on vectors of this processor instead of a library's operators. A library packs weights for every product and
/// starts some fifteen operators a layer; here weights are read where they lie, once. A token's result does not depend on the tokens beside it, to the bit.
/// </summary>
/// <remarks>
/// How threads share a pass: layers that stay in a cache are gone through by every thread for sequences of its own, so that threads meet once a pass and what stands
/// between the layers stays in a core's cache; larger ones by all threads together, product by product, so that weights come from memory once. Not safe for concurrent use.
/// </remarks>
internal sealed unsafe class PackedDecoder(BackboneConfig config, (Rotary Full, Rotary Sliding) ropes) : IDisposable
{
    // Bytes of all layers that a cache is taken to hold; most and fewest tokens that a thread takes through the layers by itself.
    private const long CachedBytes = 16 << 20;
    private const int MostTokens = 96, FewestTokens = 4;

    // Rows whose last states are wanted go in groups of about so many tokens: their keys and values stay in a core's cache, and the last layer still has some thirty rows.
    private const int GroupTokens = 384;

    // Fewer tokens begin no table of known ones.
    private const int LeastLearned = 128;

    private readonly ConcurrentBag<PackedPass> _passes = [];
    private readonly ConcurrentBag<NativeBuffer> _few = [];   // what the last layer is to make final states of
    private readonly KnownTokens _known = new(config.VocabularySize, (config.Heads + 2 * config.KeyValueHeads) * config.HeadSize);

    /// <summary>Where a benchmark wants to know what the parts of a pass take; null: nobody asks.</summary>
    public PartTimes? Times { get; set; }

    /// <summary>Whether the weights are of a kind that this decoder reads, and the processor is one that it suits.</summary>
    public static bool Suits(torch.Device device, torch.ScalarType type) =>
        device.type == DeviceType.CPU && type is torch.ScalarType.Float32 or torch.ScalarType.BFloat16 && Vectors.Supported;

    /// <summary>Runs tokens through all layers; their keys and values are kept in their sequences.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="tokens">The tokens; the last layer is computed for the wanted ones only.</param>
    /// <param name="delta">Added to the input embeddings, [n, h]; 0: nothing.</param>
    /// <param name="hidden">Receives the final states of the wanted tokens, [wanted, h].</param>
    public void Run(PackedWeights weights, PackedTokens tokens, nint delta, float* hidden)
    {
        var team = WorkerTeam.Of(torch.get_num_threads());
        Run(team, weights, tokens, delta, hidden, Learn(team, weights, tokens.Ids, tokens.Count, delta));
    }

    // Where few layers make the first of them weigh, what it projects of an id is computed once. One user's answer is not enough for that to pay.
    private KnownTokens? Learn(WorkerTeam team, PackedWeights weights, IEnumerable<int> ids, long count, nint delta)
    {
        if (delta != 0 || config.Layers == 1 || !Splits(weights) || (count < LeastLearned && !_known.Of(weights))) return null;
        if (!_passes.TryTake(out PackedPass? pass)) pass = new PackedPass(config);
        bool learned = _known.Learn(weights, ids, (some, to) => pass.First(team, weights, some, (float*)to));
        _passes.Add(pass);
        Times?.Add("product qkv");
        return learned ? _known : null;
    }

    /// <summary>The final states of the rows' last tokens.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="start">What all rows begin with, or null.</param>
    /// <param name="delta">Added to the input embeddings of the rows behind their common start, one row after the other; 0: nothing.</param>
    /// <param name="hidden">Receives the states, [rows, h].</param>
    public void Last(PackedWeights weights, IReadOnlyList<int[]> rows, KvSequence? start, nint delta, float* hidden)
    {
        var team = WorkerTeam.Of(torch.get_num_threads());
        int common = start?.Length ?? 0, h = config.HiddenSize, last = rows.Max(r => r.Length) - 1;
        long all = rows.Sum(r => (long)r.Length - common), count = (all + TokensPerPass(weights) - 1) / TokensPerPass(weights);
        if (Splits(weights) && all > GroupTokens) count = (all + GroupTokens * team.Threads - 1) / (GroupTokens * team.Threads) * team.Threads;   // as many for each thread
        List<(int From, int To, long Token, long Tokens)> groups = Groups(rows, common, all, count);
        // Each thread takes groups of its own, unless that would leave threads idle.
        bool apart = Splits(weights) && groups.Count >= team.Threads && groups.Max(g => g.Tokens) * team.Threads <= 1.5 * all;
        PartTimes? times = Times;
        _ = (ropes.Full.Host(last), ropes.Sliding.Host(last));   // made before several threads ask for them
        KnownTokens? known = Learn(team, weights, rows.SelectMany(r => r.Skip(common)), all, delta);
        if (apart && team.Threads > 1) Times = null;
        // Keys and values of one layer at a time are enough: nothing continues these rows.
        ConcurrentBag<KvPages> pools = [];
        (apart ? team : WorkerTeam.Alone).For(groups.Count, i =>
        {
            if (!pools.TryTake(out KvPages? pages)) pages = new KvPages(1, config.KeyValueHeads, config.HeadSize);
            (int from, int to, long token, _) = groups[i];
            var tokens = new PackedTokens();
            KvSequence[] sequences = new KvSequence[to - from];
            for (int r = from; r < to; r++) tokens.Add(sequences[r - from] = new KvSequence(pages, start), rows[r].AsSpan(common), wantLast: true);
            Run(apart ? WorkerTeam.Alone : team, weights, tokens, delta == 0 ? 0 : delta + (nint)(token * h * sizeof(float)), hidden + (long)from * h, known);
            foreach (KvSequence s in sequences) s.Dispose();
            pools.Add(pages);
        });
        foreach (KvPages pages in pools) pages.Dispose();
        Times = times;
        if (apart && team.Threads > 1) Times?.Add("layers");
    }

    // Cuts rows into about so many groups of like size.
    private static List<(int From, int To, long Token, long Tokens)> Groups(IReadOnlyList<int[]> rows, int common, long all, long count)
    {
        var groups = new List<(int, int, long, long)>();
        long done = 0;
        for (int from = 0; from < rows.Count;)
        {
            (int to, long token, long goal) = (from, done, done + (all - done) / Math.Max(1, count - groups.Count));
            do done += rows[to++].Length - common;
            while (to < rows.Count && done + (rows[to].Length - common) / 2 <= goal);
            groups.Add((from, to, token, done - token));
            from = to;
        }
        return groups;
    }

    private void Run(WorkerTeam team, PackedWeights weights, PackedTokens tokens, nint delta, float* hidden, KnownTokens? known)
    {
        int last = tokens.LastPosition;
        PackedPass.Angles angles = new(ropes.Full.Host(last), ropes.Sliding.Host(last));
        Times?.Add("between passes");
        int h = config.HiddenSize, n = tokens.Wanted;
        bool all = n == tokens.Count;
        if (!_few.TryTake(out NativeBuffer? few)) few = new NativeBuffer();
        float* states = all ? null : few.Of(2L * n * h), normed = states + (long)n * h;
        Share(Splits(weights) ? tokens.Slices(Pieces(tokens.Count, team)) : [tokens.All()], tokens.Count, (pass, workers, slice, times) =>
        {
            long at = (long)slice.WantedFrom * h;
            pass.Run(workers, weights, slice, angles, delta == 0 ? null : (float*)delta + (long)slice.From * h, all ? hidden + at : null, ((nint)(states + at), (nint)(normed + at)), known, times);
        });
        if (!all && n > 0) Share(tokens.WantedSlices(Splits(weights) ? Pieces(n, team) : 1), n, (pass, workers, slice, times) =>
        {
            long at = (long)slice.WantedFrom * h;
            pass.Finish(workers, weights, slice, angles, ((nint)(states + at), (nint)(normed + at)), hidden + at, times);
        });
        _few.Add(few);

        // Where slices would leave threads idle (a long prompt among short ones), all threads work on all tokens.
        void Share(PackedTokens.Slice[] slices, int count, Action<PackedPass, WorkerTeam, PackedTokens.Slice, PartTimes?> work)
        {
            if (slices.Length > 1 && slices.Max(s => s.Positions.Length) * Math.Min(slices.Length, team.Threads) > 1.5 * count) slices = count == tokens.Count ? [tokens.All()] : tokens.WantedSlices(1);
            if (slices.Length == 1)
            {
                One(team, slices[0], Times);
                return;
            }
            team.For(slices.Length, i => One(WorkerTeam.Alone, slices[i], team.Threads == 1 ? Times : null));
            if (team.Threads > 1) Times?.Add("layers");

            void One(WorkerTeam workers, PackedTokens.Slice slice, PartTimes? times)
            {
                if (!_passes.TryTake(out PackedPass? pass)) pass = new PackedPass(config);
                work(pass, workers, slice, times);
                _passes.Add(pass);
            }
        }
    }

    // How many slices: the same number for every thread.
    private static int Pieces(int tokens, WorkerTeam team)
    {
        int least = (tokens + MostTokens - 1) / MostTokens, most = Math.Max(1, tokens / FewestTokens);
        return Math.Min(most, (least + team.Threads - 1) / team.Threads * team.Threads);
    }

    /// <summary>How many tokens one pass should have: enough that products are busy and threads seldom meet, few enough that what stands between the layers stays in a cache.</summary>
    public static int TokensPerPass(PackedWeights weights) => Splits(weights) ? 2048 : 512;

    // The library's products of bfloat16 bring threads of their own.
    private static bool Splits(PackedWeights weights) => weights.LayerBytes <= CachedBytes && !(weights.Head.Half && HalfProducts.Pay);

    /// <summary>Hidden states [n, h] to logits [n, vocabulary].</summary>
    public void Logits(PackedWeights weights, float* hidden, int n, float* logits)
    {
        var team = WorkerTeam.Of(torch.get_num_threads());
        Times?.Add("between passes");
        int vocabulary = weights.Head.Rows;
        Products.Multiply(team, hidden, n, weights.Head, logits, vocabulary);
        if (config.FinalSoftCap is double cap) team.For(n, r => Vectors.SoftCap(logits + (long)r * vocabulary, (float)cap, vocabulary));
        Times?.Add("product head");
    }

    public void Dispose()
    {
        while (_passes.TryTake(out PackedPass? pass)) pass.Dispose();
        while (_few.TryTake(out NativeBuffer? few)) few.Dispose();
        _known.Dispose();
    }
}
