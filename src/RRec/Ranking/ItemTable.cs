using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Ranking;

/// <summary>
/// rec_head (paper 3.1): one unit vector per item, the normalised hidden state at the end of the item's prompt, in f32 whatever the backbone computes in (O11).
/// There is no separate projection. Row = catalogue index.
/// </summary>
public sealed class ItemTable : IDisposable
{
    // Enough tokens that a matrix product is busy, few enough that attention scores of long items stay small. The packed decoder has no such scores: there a batch is
    // what takes a second or so, because threads wait for one another at its end.
    private const int LeastTokens = 8192, MostTokens = 65536;
    private const double BatchOperations = 2e11;

    private readonly Backbone _backbone;
    private readonly ItemPrompts _prompts;

    internal ItemTable(Backbone backbone, ItemPrompts prompts, Tensor vectors)
    {
        (_backbone, _prompts) = (backbone, prompts);
        Vectors = vectors.DetachFromDisposeScope();
    }

    /// <summary>f32 <c>[items, hidden]</c>, each row of length 1; owned by the table and updated in place.</summary>
    public Tensor Vectors { get; }

    /// <summary>The number of items.</summary>
    public int Count => (int)Vectors.shape[0];

    /// <summary>Encodes all items.</summary>
    /// <param name="backbone">The backbone; weights are read, not changed. Must outlive the table.</param>
    /// <param name="prompts">The items' prompts.</param>
    /// <param name="progress">Told about done items; may be null.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    internal static ItemTable Encode(Backbone backbone, ItemPrompts prompts, IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ItemTable table = new(backbone, prompts, zeros(prompts.Count, backbone.Config.HiddenSize, dtype: ScalarType.Float32, device: backbone.Device));
        try
        {
            table.Refresh(null, progress, cancel);
            return table;
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    /// <summary>Encodes rows anew with the backbone's present weights; null: all rows.</summary>
    public void Refresh(IReadOnlyList<int>? indexes = null, IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        int[] order = [.. indexes ?? [.. Enumerable.Range(0, Count)]];
        Array.Sort(order, (a, b) => _prompts[a].Length.CompareTo(_prompts[b].Length) is var c and not 0 ? c : a.CompareTo(b)); // like lengths together: little padding
        using var inference = no_grad();
        double perToken = 24.0 * _backbone.Config.Layers * _backbone.Config.HiddenSize * _backbone.Config.HiddenSize;   // operations, about
        int most = _backbone.Packs ? (int)Math.Clamp(BatchOperations / perToken, LeastTokens, MostTokens) : LeastTokens;
        for (int start = 0; start < order.Length;)
        {
            cancel.ThrowIfCancellationRequested();
            int end = start + 1;
            while (end < order.Length && (end - start + 1) * _prompts[order[end]].Length <= most) end++;
            using var scope = NewDisposeScope();
            int[] batch = order[start..end];
            Write(batch, Embed(batch));
            start = end;
            progress?.Report(new R2ecProgress(TrainingPhase.ItemTable, end, order.Length));
        }
    }

    /// <summary>The unit vectors of some items from the present weights, with gradient where gradients are on: f32 <c>[n, hidden]</c>.</summary>
    public Tensor Embed(IReadOnlyList<int> indexes) => Embed(indexes, _backbone);

    /// <summary>The same through a twin of the backbone. Several threads may ask at once for items whose <see cref="Tokens"/> were asked for before.</summary>
    internal Tensor Embed(IReadOnlyList<int> indexes, Backbone backbone)
    {
        int[][] rows = [.. indexes.Select(i => _prompts[i])];
        using PaddedBatch batch = PaddedBatch.FromRows(rows, device: backbone.Device);
        return Normalize(backbone.LastHidden(batch));
    }

    /// <summary>How many tokens an item's prompt has.</summary>
    internal int Tokens(int item) => _prompts[item].Length;

    /// <summary>Replaces rows by vectors computed elsewhere (the targets of a training step).</summary>
    public void Write(IReadOnlyList<int> indexes, Tensor vectors)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Vectors.index_copy_(0, HostTensors.Long([.. indexes], Vectors.device), vectors.detach());
    }

    /// <summary>Cosine / temperature of users with all items: f32 <c>[n, items]</c>.</summary>
    /// <param name="users">Unit user vectors, f32 <c>[n, hidden]</c>.</param>
    /// <param name="temperature">tau, above 0.</param>
    public Tensor Scores(Tensor users, double temperature) => users.matmul(Vectors.t()) / temperature;

    /// <summary>Whether <see cref="Best"/> can be asked: the table is on a CPU.</summary>
    internal bool Searches => Vectors.device_type == DeviceType.CPU && Vectors.is_contiguous() && Vectors.numel() > 0;

    /// <summary>The best items of every user, without all scores ever being there; see <see cref="ItemSearch.Best"/>.</summary>
    internal unsafe Found[] Best(Tensor users, double temperature, int k, OpenItems[]? open, int[]? labels)
    {
        using var scope = NewDisposeScope();
        // Users carry the temperature: fewer numbers than scores.
        Tensor scaled = (users / temperature).contiguous(), first = Vectors.narrow(0, 0, 1);
        fixed (byte* u = scaled.bytes, v = first.bytes)
            return ItemSearch.Best(Kernels.WorkerTeam.Of(get_num_threads()), new Kernels.Matrix((nint)v, Count, (int)Vectors.shape[1], false), (float*)u, (int)users.shape[0], k, open, labels);
    }

    /// <summary>x / max(|x|, 1e-12) in f32 along the last dimension.</summary>
    public static Tensor Normalize(Tensor x)
    {
        Tensor f = x.to(ScalarType.Float32);
        return f / f.norm(-1, keepdim: true).clamp_min(1e-12);
    }

    /// <inheritdoc/>
    public void Dispose() => Vectors.Dispose();
}
