using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>
/// Something to add to the input embeddings, row by row: the catalogue backbone's fold tables give the title tokens of a row other
/// vectors than the shared table has.
/// </summary>
/// <param name="ids">Token ids [rows, tokens], int64; padding included.</param>
/// <param name="promptOfRow">For each of the rows, the index of the prompt it belongs to.</param>
/// <returns>[rows, tokens, hidden], or null for nothing.</returns>
public delegate Tensor? EmbeddingDelta(Tensor ids, IReadOnlyList<int> promptOfRow);

// Prompts that several rows continue run once. Everything that follows a prompt's last token needs only its keys and values, so the last
// layer's output is computed for the continuing tokens alone; the prompt's last token is therefore run as the first of each continuation.
public sealed partial class Backbone
{
    /// <summary>
    /// Hidden states of completions that continue prompts, each prompt computed once, however many completions it has. Differentiable:
    /// gradients of all completions flow through their prompt, and equal those of running every prompt + completion as a row of its own.
    /// </summary>
    /// <param name="prompts">P prompts, none empty.</param>
    /// <param name="completions">m completions, c = their width. A completion may be empty.</param>
    /// <param name="promptOfCompletion">For each completion the index of its prompt. Fastest where completions are sorted by prompt, equally many each.</param>
    /// <param name="delta">Added to the input embeddings; null: nothing.</param>
    /// <returns>
    /// [m, 1 + c, hidden], single precision. Entry [i, 0] is at the last token of the prompt, [i, j] at completion token j-1: so [i, j]
    /// predicts completion token j, and [i, length of i] is at the completion's last token. Beyond that it is meaningless.
    /// </returns>
    public Tensor HiddenShared(PaddedBatch prompts, PaddedBatch completions, IReadOnlyList<int> promptOfCompletion, EmbeddingDelta? delta = null)
    {
        return InScope(() =>
        {
            SharedRows rows = Arrange(prompts, completions, promptOfCompletion);
            int[] lengths = PrefixLengths(prompts);
            // Prompts that have tokens, but no start in common that is worth a pass of its own, share one with their completions.
            bool joint = lengths.Max() > 0 && CommonStart(prompts, lengths, delta) == 0;
            using KvPrefix prefix = joint ? new KvPrefix(Config.Layers, lengths, lengths.Max()) : PromptKeys(prompts, delta);
            Tensor hidden = joint ? Jointly(prompts, rows, prefix, delta) : _decoder.Run(Input(rows.Ids, delta?.Invoke(rows.Ids, rows.PromptOfRow)), rows.Attention(this, prefix));
            return rows.Place is null ? hidden : hidden.index_select(0, rows.Place);
        });
    }

    private Tensor Jointly(PaddedBatch prompts, SharedRows rows, KvPrefix prefix, EmbeddingDelta? delta)
    {
        int p = prompts.Rows, l = prefix.Width, r = (int)rows.Ids.shape[0], t = (int)rows.Ids.shape[1];
        Tensor ids = prompts.Ids.narrow(1, 0, l);
        Tensor x = cat([Input(ids, delta?.Invoke(ids, [.. Enumerable.Range(0, p)])).reshape(1, (long)p * l, -1), Input(rows.Ids, delta?.Invoke(rows.Ids, rows.PromptOfRow)).reshape(1, (long)r * t, -1)], 1);
        Tensor positions = cat([arange(l, ScalarType.Int64, Device).unsqueeze(0).expand(p, l).reshape(1, -1), rows.Positions.reshape(1, -1)], 1);
        var attention = new JointAttention(Config, _ropes, Causal(l, prefix), rows.Attention(this, prefix), (p, l, r, t), positions, Math.Max(l, rows.MaxPosition));
        return _decoder.Run(x, attention, skip: p * l).view(r, t, -1);
    }

    /// <summary>Completions as a rectangle of rows [prompts, G], each begun by its prompt's last token.</summary>
    /// <param name="Ids">[P G, 1 + c]</param>
    /// <param name="Positions">[P G, 1 + c]</param>
    /// <param name="PromptOfRow">For each row its prompt.</param>
    /// <param name="MaxPosition">The largest position.</param>
    /// <param name="Place">For each completion its row; null: they stand as they were given.</param>
    private sealed record SharedRows(Tensor Ids, Tensor Positions, int[] PromptOfRow, int MaxPosition, Tensor? Place)
    {
        public PrefixAttention Attention(Backbone backbone, KvPrefix prefix) =>
            new(backbone.Config, backbone._ropes, prefix, Positions, MaxPosition, backbone.Type, backbone.FusedAttention, null);
    }

    private SharedRows Arrange(PaddedBatch prompts, PaddedBatch completions, IReadOnlyList<int> promptOfCompletion)
    {
        if (promptOfCompletion.Count != completions.Rows) throw new ArgumentException($"{promptOfCompletion.Count} prompt indexes were given for {completions.Rows} completions.", nameof(promptOfCompletion));
        (int[] rows, int[] place) = PromptGroups.Arrange(promptOfCompletion, prompts.Rows);
        int each = rows.Length / prompts.Rows;
        int[] promptOfRow = [.. Enumerable.Range(0, rows.Length).Select(i => i / each)];
        bool asGiven = rows.Length == completions.Rows && rows.Select((r, i) => r == i).All(same => same);
        Tensor last = prompts.Ids.reshape(-1).index_select(0, HostTensors.Long(prompts.LastTokens(), Device, prompts.Rows)).view(-1, 1);
        Tensor ids = asGiven ? completions.Ids : completions.Ids.index_select(0, HostTensors.Long(rows, Device));
        ids = cat([last.index_select(0, HostTensors.Long(promptOfRow, Device)), ids], 1);   // [P G, 1 + c]
        int tokens = (int)ids.shape[1];
        Tensor start = HostTensors.Long([.. promptOfRow.Select(p => prompts.Lengths[p] - 1)], Device).view(-1, 1);
        return new SharedRows(ids, start + arange(tokens, ScalarType.Int64, Device), promptOfRow, prompts.Lengths.Max() - 1 + tokens - 1, asGiven ? null : HostTensors.Long(place, Device));
    }

    /// <summary>Keys and values of all but the last token of each prompt.</summary>
    private KvPrefix PromptKeys(PaddedBatch prompts, EmbeddingDelta? delta)
    {
        int[] lengths = PrefixLengths(prompts);
        var prefix = new KvPrefix(Config.Layers, lengths);
        int width = lengths.Max();
        if (width == 0) return prefix;
        using DisposeScope scope = NewDisposeScope();
        int common = CommonStart(prompts, lengths, delta);
        if (common > 0)
        {
            using KvPrefix start = CommonKeys(prompts, common), rest = new(Config.Layers, [.. lengths.Select(n => n - common)]);
            (Tensor own, Tensor positions) = Rest(prompts, common, width - common);
            _decoder.KeysOnly(Input(own, null), new PrefixAttention(Config, _ropes, start, positions, width - 1, Type, FusedAttention, null, rest));
            prefix.Join(start, rest);
            return prefix;
        }
        Tensor ids = prompts.Ids.narrow(1, 0, width);
        int[] self = [.. Enumerable.Range(0, prompts.Rows)];
        _decoder.KeysOnly(Input(ids, delta?.Invoke(ids, self)), Causal(width, prefix));
        return prefix;
    }

    private int CommonStart(PaddedBatch prompts, int[] lengths, EmbeddingDelta? delta) => delta is null ? Common(prompts, Math.Min(lengths.Min(), lengths.Max() - 1)) : 0;

    private static int[] PrefixLengths(PaddedBatch prompts) =>
        [.. prompts.Lengths.Select((n, i) => n > 0 ? n - 1 : throw new ArgumentException($"Prompt {i} is empty."))];

    /// <summary>How many tokens must be saved, for a common start to have a pass of its own: every pass reads and arranges all weights. Tests set it to go both ways.</summary>
    internal int LeastSaved { get; set; } = 128;

    // The first tokens that all rows share (an instruction) run once, where there are enough of them to be worth a pass of their own. Not on
    // a GPU: there the fused kernel of the plain pass is worth more.
    private int Common(PaddedBatch batch, int most)
    {
        if (batch.Rows < 2 || Device.type != DeviceType.CPU) return 0;
        int common = Math.Min(batch.CommonStart(), most);
        return common * (batch.Rows - 1) >= LeastSaved ? common : 0;
    }

    private KvPrefix CommonKeys(PaddedBatch batch, int common)
    {
        var start = new KvPrefix(Config.Layers, [common]);
        using DisposeScope scope = NewDisposeScope();
        _decoder.KeysOnly(Input(batch.Ids.narrow(0, 0, 1).narrow(1, 0, common), null), Causal(common, start));
        return start;
    }

    // ids and positions [r, width] of what follows the common start
    private (Tensor Ids, Tensor Positions) Rest(PaddedBatch batch, int common, int width) =>
        (batch.Ids.narrow(1, common, width), arange(common, common + width, ScalarType.Int64, Device).unsqueeze(0).expand(batch.Rows, width));
}

/// <summary>Rows grouped by prompt into a rectangle: the shape in which they can share a prompt's keys without copying them.</summary>
internal static class PromptGroups
{
    /// <summary>
    /// The completion that stands at each place of a [prompts, G] rectangle (G = the most that any prompt has; free places repeat
    /// completion 0) and, for each completion, its place.
    /// </summary>
    public static (int[] Rows, int[] Place) Arrange(IReadOnlyList<int> promptOfCompletion, int prompts)
    {
        var count = new int[prompts];
        for (int i = 0; i < promptOfCompletion.Count; i++)
        {
            int p = promptOfCompletion[i];
            if ((uint)p >= (uint)prompts) throw new ArgumentOutOfRangeException(nameof(promptOfCompletion), $"Completion {i} names prompt {p}; there are {prompts}.");
            count[p]++;
        }
        int each = Math.Max(1, count.Max());
        var rows = new int[prompts * each];
        var place = new int[promptOfCompletion.Count];
        Array.Clear(count);
        for (int i = 0; i < place.Length; i++)
        {
            int p = promptOfCompletion[i];
            place[i] = p * each + count[p]++;
            rows[place[i]] = i;
        }
        return (rows, place);
    }
}
