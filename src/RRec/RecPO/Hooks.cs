using RRec.Backbones;
using RRec.Data;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// A loss that RecPO adds to its own at every update: typically the ranking loss of the warm-up, so that the start is not forgotten. A checkpoint remembers its
/// <see cref="object.ToString"/>: a continuation whose loss says something else is refused.
/// </summary>
public interface IAuxiliaryLoss
{
    /// <summary>
    /// The weighted loss of this update, a scalar with gradient to the backbone's trainable parameters. Called once per optimiser step inside the trainer's
    /// dispose scope. Anything random must come from <paramref name="step"/> alone, so that a resumed training repeats it.
    /// </summary>
    /// <param name="backbone">The backbone as it is now.</param>
    /// <param name="rows">The step's training rows.</param>
    /// <param name="rowIndexes">Their positions in the training set.</param>
    /// <param name="step">The 1-based number of the optimiser step.</param>
    Tensor Evaluate(Backbone backbone, IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, int step);
}

/// <summary>
/// A change of the prompts' input embeddings that depends on the training row. A backbone wired from everybody's purchases already knows the training targets,
/// which inflates the reward; with this hook the title tokens take vectors that were made without the row's user. A checkpoint remembers its
/// <see cref="object.ToString"/>: a continuation whose change says something else is refused. It is asked by one thread at a time: an update's users are not
/// shared out among threads then.
/// </summary>
public interface IEmbeddingDelta
{
    /// <summary>What is added to the input embeddings of some token rows of user prompts and their reasonings; null for no change.</summary>
    /// <param name="ids">Token ids <c>[rows, tokens]</c>, int64; padding included, whose value has no influence.</param>
    /// <param name="rowIndexes">For every row the position of its training row in the training set.</param>
    /// <returns><c>[rows, tokens, hidden]</c>; may carry a gradient.</returns>
    Tensor? ForTokens(Tensor ids, IReadOnlyList<int> rowIndexes);
}

/// <summary>A change that carries no gradient and may be asked for by several threads at once.</summary>
internal interface IFrozenDelta : IEmbeddingDelta;

/// <summary>Binds the hook to the rows of one batch.</summary>
internal static class EmbeddingDeltas
{
    /// <summary>The backbone's form of the hook; null where there is no hook.</summary>
    public static EmbeddingDelta? For(IEmbeddingDelta? hook, int[] rowIndexes) =>
        hook is null ? null : (ids, promptOfRow) => hook.ForTokens(ids, [.. promptOfRow.Select(p => rowIndexes[p])]);
}
