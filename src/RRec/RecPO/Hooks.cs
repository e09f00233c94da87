namespace RRec.RecPO;

/// <summary>A loss that RecPO adds to its own at every update: typically the ranking loss of the warm-up, so that the start is not forgotten.</summary>
public partial interface IAuxiliaryLoss;

/// <summary>
/// A change of the prompts' input embeddings that depends on the training row. A backbone wired from everybody's purchases already knows the training targets,
/// which inflates the reward; with this hook the title tokens take vectors that were made without the row's user.
/// </summary>
public partial interface IEmbeddingDelta;
