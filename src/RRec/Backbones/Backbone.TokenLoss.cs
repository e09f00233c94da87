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
    /// A loss over token log-probabilities, with the logits of only one chunk alive at a time. Each chunk runs forward and backward at
    /// once, down to the hidden states; the result has the loss as its value and passes the collected gradient on when it is itself
    /// differentiated, alone or as a term of a larger loss (scaled as that loss scales it).
    /// </summary>
    /// <param name="hidden">Hidden states [n, hidden]; may require gradients.</param>
    /// <param name="targets">The token that follows each, [n], int64.</param>
    /// <param name="loss">
    /// From the log-probabilities of tokens [start, start + count) (a tensor [count]) to their scalar contribution; contributions are added up.
    /// </param>
    /// <param name="chunk">Tokens at a time; null: as <see cref="TokensPerLogits"/> says.</param>
    /// <remarks>
    /// Where the head itself is trained (full fine-tuning), its gradient is added to <c>.grad</c> during this call, unscaled: use the result
    /// with factor 1 there.
    /// </remarks>
    public Tensor TokenLoss(Tensor hidden, Tensor targets, Func<Tensor, int, Tensor> loss, int? chunk = null)
    {
        int size = chunk ?? TokensPerLogits;
        if (!is_grad_enabled() || hidden.shape[0] <= size)
            return InScope(() => hidden.shape[0] == 0 ? zeros([], dtype: ScalarType.Float32, device: Device) : loss(TokenLogProbabilities(hidden, targets), 0));
        return InScope(() =>
        {
            Tensor gradient = zeros_like(hidden.detach());
            Tensor total = zeros([], dtype: ScalarType.Float32, device: Device);
            for (long at = 0; at < hidden.shape[0]; at += size)
            {
                using DisposeScope scope = NewDisposeScope();
                long n = Math.Min(size, hidden.shape[0] - at);
                Tensor part = hidden.detach().narrow(0, at, n).clone().requires_grad_();
                Tensor value = loss(TokenLogProbabilities(part, targets.narrow(0, at, n)), (int)at);
                if (!value.requires_grad) { total.add_(value); continue; }
                value.backward();
                total.add_(value.detach());
                if (part.grad is Tensor g) gradient.narrow(0, at, n).copy_(g);
            }
            // Its derivative by the hidden states is the collected gradient; the second half takes its own value off again.
            Tensor carrier = (hidden * gradient).sum();
            return carrier + (total - carrier.detach());
        });
    }

    /// <summary>
    /// How many tokens' logits exist at once: 28 MiB on a CPU, where larger blocks are fetched from the system and zeroed page by page each time (glibc's allocator
    /// keeps blocks up to 32 MiB), 256 MiB elsewhere, so that the head is not read more often than its products take.
    /// </summary>
    internal int TokensPerLogits => (int)Math.Max(16, (Device.type == DeviceType.CPU ? 28L << 20 : 256L << 20) / sizeof(float) / Config.VocabularySize);
}
