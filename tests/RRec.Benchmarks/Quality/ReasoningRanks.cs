using RRec.Backbones;
using RRec.Data;
using RRec.Generation;
using RRec.Ranking;
using static TorchSharp.torch;

namespace RRec.Benchmarks.Quality;

/// <summary>
/// The targets' ranks of one model with its own greedy reasonings, without any, and with somebody else's. The first two go the way that
/// users go (<see cref="R2ecModel.Recommend"/>); the last feeds the foreign tokens between prompt and answer.
/// </summary>
internal sealed class ReasoningRanks(R2ecModel model, IReadOnlyList<PurchaseRow> rows)
{
    private const int Batch = 256;

    public int[] Own() => Recommended(new RecommendRequest());

    public int[] Without() => Recommended(new RecommendRequest { UseReasoning = false });

    /// <summary>The user vectors of several sampled reasonings, averaged.</summary>
    public int[] Sampled(int samples, int seed) => Recommended(new RecommendRequest { Samples = samples, Seed = seed });

    /// <summary>Each row reads the reasoning of a random row of another user; everything else stays.</summary>
    public int[] Exchanged(int seed)
    {
        int[][] prompts = [.. rows.Select(r => model.PromptOf(r.History))];
        IReadOnlyList<Trajectory> written = new Generation.Generator(model.Backbone, model.Tokenizer, model.Writer)
            .Generate(prompts, new GenerationOptions { MaxNewTokens = model.Settings.MaxNewTokens, Tokens = model.Settings.ReasoningTokens });
        Random random = new(seed);
        int[] from = [.. Enumerable.Range(0, rows.Count).Select(i =>
        {
            for (int attempt = 0; attempt < 1000; attempt++)
                if (random.Next(rows.Count) is var j && rows[j].User != rows[i].User) return j;
            throw new InvalidOperationException("Nearly all rows are of one user: there is nobody to exchange with.");
        })];
        return Ranks([.. Enumerable.Range(0, rows.Count).Select(i => (int[])[.. prompts[i], .. written[from[i]].CompletionIds])]);
    }

    private int[] Recommended(RecommendRequest request) =>
        [.. model.Recommend([.. rows.Select(r => r.History)], request with { K = 1, Labels = [.. rows.Select(r => r.Target)] }).Select(a => a.LabelRank!.Value)];

    // Ranks from whole sequences (prompt, reasoning, answer), as R2ecModel ranks.
    internal int[] Ranks(int[][] sequences)
    {
        using var noGradient = no_grad();
        int[] ranks = new int[sequences.Length];
        int[] order = [.. Enumerable.Range(0, ranks.Length).OrderBy(i => sequences[i].Length)];
        foreach (int[] batch in order.Chunk(Batch))
        {
            using var scope = NewDisposeScope();
            using PaddedBatch padded = PaddedBatch.FromRows([.. batch.Select(i => sequences[i])], device: model.Backbone.Device);
            float[] all = model.Items.Scores(ItemTable.Normalize(model.Backbone.LastHidden(padded)), model.Settings.Temperature).cpu().data<float>().ToArray(); // [batch, items]
            for (int b = 0; b < batch.Length; b++)
            {
                PurchaseRow row = rows[batch[b]];
                Span<float> scores = all.AsSpan(b * model.Items.Count, model.Items.Count);
                float own = scores[row.Target];
                foreach (int item in row.History.Items.Span) scores[item] = float.NegativeInfinity;
                scores[row.Target] = own;
                ranks[batch[b]] = TopK.RankOf(scores, row.Target);
            }
        }
        return ranks;
    }
}
