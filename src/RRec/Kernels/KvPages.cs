using System.Runtime.InteropServices;

namespace RRec.Kernels;

/// <summary>
/// Memory for keys and values in pages of sixteen tokens, so that a sequence takes what it needs and gives all of it back when it leaves. In a page, per layer and
/// key/value head: keys as [d, 16] (a vector holds one component of sixteen tokens' keys, so scores need no sum across a vector), then values as [16, d] with d
/// rounded up to a multiple of 16.
/// </summary>
internal sealed unsafe class KvPages : IDisposable
{
    /// <summary>Tokens of a page.</summary>
    public const int Tokens = 16;

    private readonly Stack<nint> _free = new();
    private readonly List<nint> _all = [];
    private readonly int _layerStride, _headStride, _keys;
    private readonly long _length;

    /// <param name="layers">Layers that are kept; with 1 every layer overwrites the one before it, which is enough where no later pass asks for them.</param>
    /// <param name="heads">Key/value heads.</param>
    /// <param name="d">Their size.</param>
    public KvPages(int layers, int heads, int d)
    {
        _keys = d * Tokens;
        _headStride = _keys + ValueStride(d) * Tokens;
        _layerStride = layers == 1 ? 0 : heads * _headStride;
        _length = (long)layers * heads * _headStride;
    }

    /// <summary>Bytes of a page.</summary>
    public long PageBytes => _length * sizeof(float);

    /// <summary>Pages in use.</summary>
    public int Used => _all.Count - _free.Count;

    /// <summary>From one token's values to the next.</summary>
    public static int ValueStride(int d) => d + 15 & ~15;

    public nint Take()
    {
        if (_free.TryPop(out nint page)) return page;
        float* memory = (float*)NativeMemory.AlignedAlloc((nuint)PageBytes, 64);
        GC.AddMemoryPressure(PageBytes);
        _all.Add((nint)memory);
        return (nint)memory;
    }

    public void Give(nint page) => _free.Push(page);

    public float* Keys(nint page, int layer, int head) => (float*)page + (long)layer * _layerStride + (long)head * _headStride;

    public float* Values(nint page, int layer, int head) => Keys(page, layer, head) + _keys;

    public void Dispose()
    {
        foreach (nint page in _all)
        {
            NativeMemory.AlignedFree((void*)page);
            GC.RemoveMemoryPressure(PageBytes);
        }
        _all.Clear();
        _free.Clear();
        GC.SuppressFinalize(this);
    }

    ~KvPages() => Dispose();
}

/// <summary>
/// The keys and values of a run of tokens, which may continue another run: G samples continue one prompt, and prompts one instruction, each held once. A run that
/// others continue must not grow any more; several threads may begin and end runs that continue it.
/// </summary>
internal sealed class KvSequence(KvPages pool, KvSequence? parent = null) : IDisposable
{
    private nint[] _pages = [];
    private int _count, _users = 1;

    /// <summary>What it continues, or null.</summary>
    public KvSequence? Parent { get; } = parent?.Hold();

    /// <summary>The position of its first token.</summary>
    public int Start { get; } = parent?.End ?? 0;

    /// <summary>Its own tokens.</summary>
    public int Length { get; private set; }

    /// <summary>The position behind its last token.</summary>
    public int End => Start + Length;

    public KvPages Pool => pool;

    public ReadOnlySpan<nint> Pages => _pages.AsSpan(0, _count);

    /// <summary>Makes room for more tokens behind those it has.</summary>
    public void Extend(int tokens)
    {
        Length += tokens;
        int needed = (Length + KvPages.Tokens - 1) / KvPages.Tokens;
        if (needed > _pages.Length) Array.Resize(ref _pages, Math.Max(needed, _count == 0 ? needed : 2 * _count));
        while (_count < needed) _pages[_count++] = pool.Take();
    }

    /// <summary>Forgets its own tokens from one on.</summary>
    public void Truncate(int length) => Length = Math.Min(Length, length);

    private KvSequence Hold()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>Gives its pages back once nothing continues it.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        foreach (nint page in Pages) pool.Give(page);
        _count = 0;
        Parent?.Dispose();
    }
}
