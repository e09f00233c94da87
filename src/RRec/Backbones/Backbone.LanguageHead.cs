using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

// The language head is the widest matrix by far: logits are made only where a token is judged, and never for many tokens at once.
public sealed partial class Backbone
{
    /// <summary>Log-probabilities of given next tokens at temperature 1. Differentiable; logits of all n tokens exist until backward.</summary>
    /// <param name="hidden">Hidden states [n, hidden].</param>
    /// <param name="targets">The token that follows each, [n], int64.</param>
    /// <returns>[n], single precision.</returns>
    public Tensor TokenLogProbabilities(Tensor hidden, Tensor targets) => InScope(() =>
    {
        Tensor logits = _decoder.Logits(hidden);   // [n, vocabulary]
        return logits.gather(1, targets.unsqueeze(1)).squeeze(1) - logits.logsumexp(-1);
    });

    /// <summary>
    /// How many tokens' logits exist at once: 28 MiB on a CPU, where larger blocks are fetched from the system and zeroed page by page each time (glibc's allocator
    /// keeps blocks up to 32 MiB), 256 MiB elsewhere, so that the head is not read more often than its products take.
    /// </summary>
    internal int TokensPerLogits => (int)Math.Max(16, (Device.type == DeviceType.CPU ? 28L << 20 : 256L << 20) / sizeof(float) / Config.VocabularySize);
}
