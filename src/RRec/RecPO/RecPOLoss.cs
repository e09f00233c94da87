using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// The two losses of RecPO (paper 3.3; recpo-reference 7) on tensors, each in the per-trajectory form and in the authors' broadcast form (O1).
/// clip(x) = clamp(x, 1-low, 1+high); f(A, x) = -min(A x, A clip(x)). Tokens of all trajectories lie behind each other in one dimension, without padding.
/// </summary>
internal static class RecPOLoss
{
    /// <summary>
    /// The policy loss of some tokens: the sum of f(A of the token's trajectory, exp(lp - old)) over them, divided by <paramref name="tokens"/>.
    /// </summary>
    /// <param name="logProbs">lp with gradient; <c>[n]</c>.</param>
    /// <param name="oldLogProbs">Log-probs of the policy that sampled them, detached; <c>[n]</c>. The same values give ratio 1.</param>
    /// <param name="advantages">The advantage of each token's trajectory; <c>[n]</c>.</param>
    /// <param name="tokens">The number of policy tokens of the whole mini-batch, so that parts of it add up.</param>
    /// <param name="options">The clip range is read.</param>
    public static Tensor Policy(Tensor logProbs, Tensor oldLogProbs, Tensor advantages, double tokens, RecPOOptions options) =>
        Clipped(advantages, (logProbs - oldLogProbs).exp(), options).sum() / tokens;

    /// <summary>
    /// The item loss of some trajectories: the sum of f(A m, exp(lp - old)) over them, divided by <paramref name="trajectories"/>.
    /// </summary>
    /// <param name="logProbs">log p of the target among the candidates, with gradient; <c>[n]</c>.</param>
    /// <param name="oldLogProbs">The same of the policy that sampled, detached; <c>[n]</c>.</param>
    /// <param name="weights">A m: the advantage where the trajectory was chosen, else 0; <c>[n]</c>.</param>
    /// <param name="trajectories">The number of trajectories of the whole mini-batch, chosen or not.</param>
    /// <param name="options">The clip range is read.</param>
    public static Tensor Item(Tensor logProbs, Tensor oldLogProbs, Tensor weights, double trajectories, RecPOOptions options) =>
        Clipped(weights, (logProbs - oldLogProbs).exp(), options).sum() / trajectories;

    /// <summary>
    /// The authors' policy loss (O1): every token <c>[tokens]</c> meets every advantage <c>[n]</c> of the mini-batch, so each trajectory is trained with the mean advantage.
    /// </summary>
    public static Tensor OfficialPolicy(Tensor logProbs, Tensor oldLogProbs, Tensor advantages, double tokens, RecPOOptions options) =>
        Clipped(advantages.view(-1, 1), (logProbs - oldLogProbs).exp(), options).sum() / tokens / (double)advantages.shape[0]; // [n, tokens] inside

    /// <summary>The authors' item loss of a whole mini-batch (O1): every ratio meets every weight; all tensors <c>[n]</c>.</summary>
    public static Tensor OfficialItem(Tensor logProbs, Tensor oldLogProbs, Tensor weights, RecPOOptions options)
    {
        double n = weights.shape[0];
        return Clipped(weights.view(-1, 1), (logProbs - oldLogProbs).exp(), options).sum() / (n * n); // [n, n] inside
    }

    /// <summary>log softmax of cosine / tau of each row's own target among the candidates.</summary>
    /// <param name="users">Unit user vectors, f32; <c>[n, hidden]</c>.</param>
    /// <param name="candidates">Unit item vectors, f32; <c>[c, hidden]</c>.</param>
    /// <param name="label">For each row the column of its target.</param>
    /// <param name="temperature">tau.</param>
    /// <returns><c>[n]</c></returns>
    public static Tensor TargetLogProbs(Tensor users, Tensor candidates, int[] label, double temperature)
    {
        Tensor scores = users.matmul(candidates.t()) / temperature; // [n, c]
        Tensor own = HostTensors.Long(label, scores.device).view(-1, 1);
        return scores.log_softmax(-1).gather(1, own).squeeze(1);
    }

    // f(A, x), elementwise with broadcasting.
    private static Tensor Clipped(Tensor advantages, Tensor ratio, RecPOOptions options) =>
        -minimum(advantages * ratio, advantages * ratio.clamp(1 - options.EpsilonLow, 1 + options.EpsilonHigh));
}
