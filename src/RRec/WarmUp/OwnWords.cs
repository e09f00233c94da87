using RRec.Data;
using RRec.Generation;
using static TorchSharp.torch;

namespace RRec.WarmUp;

/// <summary>
/// Reasonings that the model writes before it is trained: what keeps its language where no statements are known. Only what it wrote itself is kept; a reasoning that it
/// left open counts as well as one that ended.
/// </summary>
internal sealed class OwnWords
{
    private const int Every = 4;

    private readonly int[] _rows;
    private readonly Dictionary<int, int[]> _written;

    private OwnWords(int[] rows, Dictionary<int, int[]> written) => (_rows, _written) = (rows, written);

    /// <summary>Writes for some training rows, greedily; the weights are those of now.</summary>
    public static OwnWords Write(R2ecModel model, IReadOnlyList<PurchaseRow> train, WarmUpOptions options, CancellationToken cancel)
    {
        int[] rows = [.. Enumerable.Range(0, train.Count)];
        new Random(unchecked(options.Seed * 7919 + 13)).Shuffle(rows);
        rows = rows[..Math.Min(rows.Length, options.OwnReasonings)];
        GenerationOptions generation = new()
        {
            MaxNewTokens = model.Settings.MaxNewTokens, Tokens = model.Settings.ReasoningTokens, MemoryBudget = GenerationOptions.BudgetOn(model.Backbone.Device),
        };
        using var noGradient = no_grad();
        Generation.Generator generator = new(model.Backbone, model.Tokenizer, model.Writer);
        return new OwnWords(rows, generator.Generate([.. rows.Select(r => model.PromptOf(train[r].History))], generation, cancellation: cancel).ToDictionary(t => rows[t.Prompt], t => t.Ids));
    }

    /// <summary>Puts rows with a reasoning in the place of every fourth one.</summary>
    public void Mix(int[] indexes, Random random)
    {
        for (int i = 0; i < indexes.Length; i += Every) indexes[i] = _rows[random.Next(_rows.Length)];
    }

    /// <summary>Per row its reasoning, or null.</summary>
    public int[]?[] Of(int[] indexes) => [.. indexes.Select(i => _written.GetValueOrDefault(i))];
}
