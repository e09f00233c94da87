using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// The keys and values of tokens that rows have produced since their prompt, in one block per layer that is
/// allocated ahead and doubles when full. All rows write the same
/// column in a step; a row's position may lag behind the column, because a column can be discarded afterwards (when a row turns out to
/// have begun its answer, what it wrote of it is replaced by the canonical one).
/// </summary>
internal sealed class KvCache : IDisposable
{
    // What stands at a discarded column: later than any query, so never seen.
    private const long Discarded = long.MaxValue / 4;

    private readonly (Tensor K, Tensor V)[] _layers;
    private int _capacity = 64;
    private long[] _positions;   // [R, capacity], the host's copy
    private int _planned;        // columns whose positions are known
    private Tensor? _onDevice;   // the positions of the planned columns, made when a mask is needed
    private bool _anyDiscarded;

    /// <param name="config">The decoder's shape.</param>
    /// <param name="rows">R.</param>
    /// <param name="dtype">The type of the activations.</param>
    /// <param name="device">Where they are.</param>
    public KvCache(BackboneConfig config, int rows, ScalarType dtype, Device device)
    {
        Rows = rows;
        _positions = new long[(long)rows * _capacity];
        _layers = new (Tensor, Tensor)[config.Layers];
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _layers.Length; i++)
        {
            Tensor Block() => empty([rows, config.KeyValueHeads, _capacity, config.HeadSize], dtype: dtype, device: device).DetachFromDisposeScope();
            _layers[i] = (Block(), Block());
        }
    }

    public int Rows { get; private set; }

    /// <summary>Columns written.</summary>
    public int Columns { get; private set; }

    /// <summary>Says at which positions the tokens of the next steps will stand, [steps, R]: whatever a mask needs of them can then go to the device at once.</summary>
    public void Plan(ReadOnlySpan<int> positions)
    {
        int steps = positions.Length / Rows;
        while (Columns + steps > _capacity) Grow();
        for (int step = 0; step < steps; step++)
            for (int r = 0; r < Rows; r++) _positions[(long)r * _capacity + Columns + step] = positions[step * Rows + r];
        _planned = Columns + steps;
        Forget();
    }

    /// <summary>Opens the next planned column. Call once per step, before the pass.</summary>
    public void Begin()
    {
        if (Columns == _planned) throw new InvalidOperationException("No column is planned.");
        Columns++;
    }

    private void Forget()
    {
        _onDevice?.Dispose();
        _onDevice = null;
    }

    private void Grow()
    {
        using DisposeScope scope = NewDisposeScope();
        var positions = new long[(long)Rows * _capacity * 2];
        for (int r = 0; r < Rows; r++) Array.Copy(_positions, (long)r * _capacity, positions, (long)r * _capacity * 2, Columns);
        (_positions, _capacity) = (positions, _capacity * 2);
        for (int i = 0; i < _layers.Length; i++)
        {
            (Tensor k, Tensor v) = _layers[i];
            _layers[i] = (Wider(k), Wider(v));
        }
    }

    private Tensor Wider(Tensor old)
    {
        long[] s = old.shape;
        Tensor wide = empty([s[0], s[1], _capacity, s[3]], dtype: old.dtype, device: old.device).DetachFromDisposeScope();
        wide.narrow(2, 0, Columns).copy_(old.narrow(2, 0, Columns));
        old.Dispose();
        return wide;
    }

    /// <summary>Makes a column that a row wrote invisible to its later tokens.</summary>
    public void Discard(int row, int column)
    {
        _positions[(long)row * _capacity + column] = Discarded;
        _anyDiscarded = true;
        Forget();
    }

    /// <summary>Writes this step's column and returns all columns so far, [R, K, S, d] each, as views.</summary>
    public (Tensor K, Tensor V) Append(int layer, Tensor k, Tensor v)
    {
        (Tensor keys, Tensor values) = _layers[layer];
        keys.narrow(2, Columns - 1, 1).copy_(k);
        values.narrow(2, Columns - 1, 1).copy_(v);
        return (keys.narrow(2, 0, Columns), values.narrow(2, 0, Columns));
    }

    /// <summary>Positions of the columns [R, S], or null where every row sees all of its columns.</summary>
    public Tensor? KeyPositions(Tensor like, bool windowed)
    {
        if (!_anyDiscarded && !windowed) return null;
        if (_onDevice is null)
        {
            using DisposeScope scope = NewDisposeScope();
            var planned = new long[(long)Rows * _planned];
            for (int r = 0; r < Rows; r++) Array.Copy(_positions, (long)r * _capacity, planned, (long)r * _planned, _planned);
            _onDevice = HostTensors.Long(planned, like.device, Rows, _planned).DetachFromDisposeScope();
        }
        return _onDevice.narrow(1, 0, Columns);
    }

    /// <summary>Adds rows that have nothing in the columns so far.</summary>
    public void Append(int rows)
    {
        var positions = new long[(long)(Rows + rows) * _capacity];
        Array.Copy(_positions, positions, _positions.Length);
        for (int r = Rows; r < Rows + rows; r++) Array.Fill(positions, Discarded, r * _capacity, Columns);
        _positions = positions;
        _anyDiscarded |= Columns > 0;
        _planned = Columns;
        Forget();
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _layers.Length; i++) _layers[i] = (Taller(_layers[i].K, rows), Taller(_layers[i].V, rows));
        Rows += rows;
    }

    // Zeros, not memory as it comes: a weight of zero times what is not a number is not a number.
    private static Tensor Taller(Tensor old, int rows)
    {
        long[] s = old.shape;
        Tensor tall = cat([old, zeros([rows, s[1], s[2], s[3]], dtype: old.dtype, device: old.device)], 0).DetachFromDisposeScope();
        old.Dispose();
        return tall;
    }

    /// <summary>Keeps only some rows, in the order given; a row may be given twice. First columns that no row sees any more go; returns how many.</summary>
    public int Select(int[] rows)
    {
        int dropped = Columns;
        foreach (int row in rows)
        {
            int first = 0;
            while (first < dropped && _positions[(long)row * _capacity + first] == Discarded) first++;
            dropped = first;
        }
        var positions = new long[(long)rows.Length * _capacity];
        _anyDiscarded = false;
        for (int i = 0; i < rows.Length; i++)
        {
            Array.Copy(_positions, (long)rows[i] * _capacity + dropped, positions, (long)i * _capacity, Columns - dropped);
            for (int j = 0; j < Columns - dropped; j++) _anyDiscarded |= positions[(long)i * _capacity + j] == Discarded;
        }
        _positions = positions;
        Rows = rows.Length;
        Forget();
        using DisposeScope scope = NewDisposeScope();
        Tensor index = HostTensors.Long(rows, _layers[0].K.device);
        for (int i = 0; i < _layers.Length; i++)
        {
            (Tensor k, Tensor v) = _layers[i];
            _layers[i] = (Kept(k), Kept(v));
            k.Dispose();
            v.Dispose();
        }
        _planned = Columns -= dropped;
        return dropped;

        Tensor Kept(Tensor t) => (dropped == 0 ? t : t.roll(-dropped, 2)).index_select(0, index).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach ((Tensor k, Tensor v) in _layers)
        {
            k.Dispose();
            v.Dispose();
        }
        Forget();
    }
}
