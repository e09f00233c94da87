using RRec.Backbones;
using static TorchSharp.torch;

namespace RRec.WarmUp;

/// <summary>The language loss of tokens that are to be written, without the logits of all of them existing at once.</summary>
internal static class WrittenLoss
{
    /// <summary>
    /// Mean negative log-probability times a weight. Where tokens are many they go through the language head in pieces, each differentiated at once down to the states: gradients of a
    /// head that is trained arrive there now, those of the states when what is returned is differentiated. It must be, once and with factor 1.
    /// </summary>
    /// <param name="backbone">Whose language head.</param>
    /// <param name="before">States before the tokens, [n, hidden].</param>
    /// <param name="tokens">The tokens, [n], int64.</param>
    /// <param name="weight">The loss's weight.</param>
    /// <param name="most">Tokens of a piece.</param>
    /// <returns>The loss, a scalar, and the mean in nats.</returns>
    public static (Tensor Loss, double Mean) Of(Backbone backbone, Tensor before, Tensor tokens, double weight, int most)
    {
        long n = before.shape[0];
        if (n <= most)
        {
            Tensor mean = -backbone.TokenLogProbabilities(before, tokens).mean();
            return (mean * weight, mean.item<float>());
        }

        bool learns = is_grad_enabled();
        Tensor leaf = before.detach();
        if (learns) leaf.requires_grad_();
        double sum = 0;
        for (long at = 0; at < n; at += most)
        {
            using var piece = NewDisposeScope();
            long count = Math.Min(most, n - at);
            Tensor part = -backbone.TokenLogProbabilities(leaf.narrow(0, at, count), tokens.narrow(0, at, count)).sum() / n;
            sum += part.item<float>();
            if (learns) (part * weight).backward();
        }

        // Its value is the loss, its derivative what arrived at the leaf.
        Tensor way = learns ? (before * leaf.grad!).sum() : zeros([], device: before.device);
        return (way - way.detach() + (float)(sum * weight), sum);
    }
}
