using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// How many users of a mini-batch go through the decoder at once: as many as the activations that wait for the backward pass leave room for. Counted from shapes;
/// the count was compared with measured peaks (docs/performance.md).
/// </summary>
internal static class UpdateMemory
{
    // Nothing in the library's interface tells what a GPU has free. A pass of this size keeps any of them busy, and running out would end the training.
    private const long OnGpu = 8L << 30;

    /// <summary>Bytes that an update may take where options do not say: on a CPU half of what is free.</summary>
    public static long Free(Device device)
    {
        if (device.type != DeviceType.CPU) return OnGpu;
        long free = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;   // of the container, where there is one
        const string info = "/proc/meminfo";
        if (File.Exists(info) && File.ReadLines(info).FirstOrDefault(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal)) is { } line
            && long.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], out long kib)) free = Math.Min(free, kib * 1024);
        return Math.Max(64L << 20, free / 2);
    }

    /// <summary>Bytes that wait for the backward pass of users with prompts and completions of these widths.</summary>
    /// <param name="c">The decoder.</param>
    /// <param name="type">Of the activations.</param>
    /// <param name="fused">Whether attention's scores are not kept.</param>
    /// <param name="checkpointed">Whether only the layers' inputs are.</param>
    /// <param name="users">Users.</param>
    /// <param name="group">Completions of each.</param>
    /// <param name="prompt">Tokens of the longest prompt.</param>
    /// <param name="completion">Tokens of the longest completion.</param>
    public static long Bytes(BackboneConfig c, ScalarType type, bool fused, bool checkpointed, int users, int group, int prompt, int completion)
    {
        long size = type is ScalarType.Float32 ? 4 : type is ScalarType.Float64 ? 8 : 2;
        long q = (long)c.Heads * c.HeadSize, kv = (long)c.KeyValueHeads * c.HeadSize;
        long own = (long)users * group * (1 + completion), tokens = (long)users * prompt + own;

        // Inputs and results of norms in single precision; queries and keys before and after their rotation; the MLP's two halves, their activation and product.
        long perToken = 4 * c.HiddenSize * sizeof(float) + size * (2 * c.HiddenSize + 5 * q + 6 * kv + 4L * c.IntermediateSize);
        // Weights of attention, as softmax made them and as the product wants them; scores that are gone again are not counted.
        // The fused kernel wants keys and values by row and query head instead.
        long seen = fused
            ? 2 * q * size * ((long)users * prompt + (long)users * group * (prompt + completion + 1))
            : c.Heads * ((long)users * prompt * prompt / 2 + own * (prompt + completion + 1)) * (size + sizeof(float));
        long layer = tokens * perToken + seen;
        return checkpointed
            ? 2 * layer + c.Layers * tokens * size * (c.HiddenSize + 4 * kv)   // one layer forwards and backwards; inputs, prompts' keys and values and their gradients
            : c.Layers * layer;
    }

    /// <summary>The ranges of trajectories that run together.</summary>
    /// <param name="batch">The rollout.</param>
    /// <param name="first">First trajectory, the first of its user.</param>
    /// <param name="last">After the last trajectory.</param>
    /// <param name="perUser">Trajectories of a user.</param>
    /// <param name="backbone">The decoder.</param>
    /// <param name="options">Fixed pieces, checkpointing.</param>
    /// <param name="budget">Bytes.</param>
    public static IEnumerable<(int Start, int End)> Pieces(UpdateBatch batch, int first, int last, int perUser, Backbone backbone, RecPOOptions options, long budget)
    {
        bool fused = backbone.FusedAttention && backbone.Config.AttentionSoftCap is null;
        for (int start = first; start < last;)
        {
            int end = start, prompt = 0, completion = 0;
            do
            {
                prompt = Math.Max(prompt, batch.Prompts[batch.UserOf[end]].Length);
                for (int i = end; i < end + perUser; i++) completion = Math.Max(completion, batch.Completions[i].Length);
                int users = (end - start) / perUser + 1;
                bool fits = options.UsersPerForward > 0 ? users <= options.UsersPerForward
                    : Bytes(backbone.Config, backbone.Type, fused, options.GradientCheckpointing, users, perUser, prompt, completion) <= budget;
                if (!fits && end > start) break;   // one user always runs
                end += perUser;
            }
            while (end < last);
            yield return (start, end);
            start = end;
        }
    }
}
