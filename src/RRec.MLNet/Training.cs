using Microsoft.ML.Runtime;
using RRec.Data;

namespace RRec.MLNet;

internal static class Training
{
    public static IRecommender Run(IHostEnvironment environment, IHost host, IChannel channel, Catalogue catalogue,
        IReadOnlyList<PurchaseRow> train, IReadOnlyList<PurchaseRow>? valid, R2ecTrainer.Options options) => throw new NotSupportedException();
}
