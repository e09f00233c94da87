using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Token rows of different lengths as one rectangle, padded on the right. Padding needs no mask in a causal decoder: no real token looks
/// to its right.
/// </summary>
public sealed class PaddedBatch : IDisposable
{
    private readonly IReadOnlyList<int[]> _rows;

    private PaddedBatch(Tensor ids, int[] lengths, IReadOnlyList<int[]> rows)
    {
        _rows = rows;
        Ids = ids;
        Lengths = lengths;
    }

    /// <summary>Token ids [rows, tokens], int64.</summary>
    public Tensor Ids { get; }

    /// <summary>How many tokens of each row are real; at least 1, except where a row was given empty.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Number of rows.</summary>
    public int Rows => Lengths.Count;

    /// <summary>The rectangle's width: the longest row.</summary>
    public int Tokens => (int)Ids.shape[1];

    /// <summary>Makes a batch. It owns its tensor, whatever dispose scope is open.</summary>
    /// <param name="rows">At least one row; rows may be empty only where a method says so.</param>
    /// <param name="padId">Any valid id; what stands there has no influence.</param>
    /// <param name="device">Where the ids go; null: CPU.</param>
    public static PaddedBatch FromRows(IReadOnlyList<int[]> rows, int padId = 0, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("A batch needs at least one row.", nameof(rows));
        int width = Math.Max(1, rows.Max(r => r.Length));
        var flat = new long[(long)rows.Count * width];
        var lengths = new int[rows.Count];
        for (int i = 0; i < rows.Count; i++)
        {
            int[] row = rows[i];
            lengths[i] = row.Length;
            int at = i * width;
            for (int j = 0; j < width; j++) flat[at + j] = j < row.Length ? row[j] : padId;
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = HostTensors.Long(flat, device, rows.Count, width);
        return new PaddedBatch(ids.DetachFromDisposeScope(), lengths, rows);
    }

    /// <summary>The rows it was made of.</summary>
    internal IReadOnlyList<int[]> TokenRows => _rows;

    /// <summary>How many first tokens all rows have in common.</summary>
    internal int CommonStart()
    {
        ReadOnlySpan<int> common = _rows[0];
        for (int i = 1; i < _rows.Count && common.Length > 0; i++) common = common[..common.CommonPrefixLength(_rows[i])];
        return common.Length;
    }

    /// <summary>Positions of the rows' last real tokens in the flattened [rows * tokens].</summary>
    internal long[] LastTokens()
    {
        var at = new long[Rows];
        for (int i = 0; i < at.Length; i++)
        {
            if (Lengths[i] == 0) throw new ArgumentException($"Row {i} is empty; it has no last token.");
            at[i] = (long)i * Tokens + Lengths[i] - 1;
        }
        return at;
    }

    /// <inheritdoc/>
    public void Dispose() => Ids.Dispose();
}
