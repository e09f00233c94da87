using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Ranking;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.WarmUp;

/// <summary>
/// The loss of the warm-up. At every reading point the user's cosines with freshly encoded candidates, divided by the temperature, should
/// follow the linear teacher (divergence; with a guide) and the purchase (cross entropy); the language head should write the target
/// reasonings. What a reasoning names counts for the teacher at the answer. Items that are in the history at that point are no candidates there.
/// </summary>
/// <param name="model">The model that learns.</param>
/// <param name="guide">The linear teacher, with reasonings where the backbone is wired from it; null without.</param>
/// <param name="options">Weights and candidates.</param>
/// <param name="drawn">How candidates come to be drawn: where only purchases teach, their logits are corrected for it. Null: not corrected.</param>
internal sealed class WarmUpObjective(R2ecModel model, TeacherGuide? guide, WarmUpOptions options, CandidateOdds? drawn = null)
{
    private const float Closed = -1e4f;
    private const int LeastGroup = 16, MostGroups = 4;

    private readonly CatalogueBackboneGuide? _wired = guide as CatalogueBackboneGuide;

    /// <summary>The parts of one evaluation, for reports.</summary>
    public readonly record struct Parts(double Divergence, double CrossEntropy, double Reasoning, double AnswerDivergence, double AnswerCrossEntropy);

    /// <summary>What one pass over a step's rows and candidates brought; any number of losses can be taken of it.</summary>
    /// <param name="Batch">The sequences.</param>
    /// <param name="Rows">Their rows.</param>
    /// <param name="RowIndexes">The rows' positions in the training set.</param>
    /// <param name="Hidden">States, [rows x width, hidden].</param>
    /// <param name="Width">Tokens of the longest sequence.</param>
    /// <param name="Candidates">Items.</param>
    /// <param name="Vectors">Theirs, [candidates, hidden], of length 1.</param>
    /// <param name="Correction">What is taken off the candidates' logits; null: nothing.</param>
    public sealed record Reading(WarmUpBatch Batch, IReadOnlyList<PurchaseRow> Rows, IReadOnlyList<int> RowIndexes, Tensor Hidden, int Width, int[] Candidates, Tensor Vectors, Tensor? Correction);

    /// <summary>Reads rows and candidates, and judges them once.</summary>
    /// <inheritdoc cref="Read" path="/param"/>
    /// <inheritdoc cref="Loss" path="/param"/>
    public Tensor Evaluate(IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, Random random, Tensor logTemperature, double reasoningWeight, out Parts parts, IReadOnlyList<int[]?>? own = null) =>
        Loss(Read(rows, rowIndexes, random, own), logTemperature, reasoningWeight, out parts);

    /// <param name="rows">The step's rows.</param>
    /// <param name="rowIndexes">Their positions in the training set (fold tables go by them).</param>
    /// <param name="random">All chance of the step.</param>
    /// <param name="own">Per row a reasoning of the untrained model, or null.</param>
    public Reading Read(IReadOnlyList<PurchaseRow> rows, IReadOnlyList<int> rowIndexes, Random random, IReadOnlyList<int[]?>? own = null)
    {
        Backbone backbone = model.Backbone;
        WarmUpBatch batch = WarmUpBatch.Make(model, guide, rows, own, options, random);
        using PaddedBatch sequences = PaddedBatch.FromRows(batch.Sequences, device: backbone.Device);
        Tensor hidden = backbone.Hidden(sequences, options.UseFoldTables ? _wired?.Folds?.ForTokens(sequences.Ids, rowIndexes) : null);          // [rows, tokens, hidden]
        int[] candidates = Candidates(batch, rowIndexes, random);
        Tensor? correction = drawn is null ? null : tensor(drawn.Log(candidates, batch.Lines.Length + batch.Answers.Length, options), device: backbone.Device);
        return new Reading(batch, rows, rowIndexes, hidden.reshape(-1, backbone.Config.HiddenSize), sequences.Tokens, candidates, Vectors(candidates), correction);
    }

    /// <param name="reading">What was read.</param>
    /// <param name="logTemperature">Scalar tensor; may require a gradient.</param>
    /// <param name="reasoningWeight">Weight of the language loss in this call.</param>
    /// <param name="parts">What it is made of.</param>
    public Tensor Loss(Reading reading, Tensor logTemperature, double reasoningWeight, out Parts parts)
    {
        WarmUpBatch batch = reading.Batch;
        (Tensor lines, double divergence, double entropy) = Ranking(reading, batch.Lines, logTemperature, false);
        (Tensor answers, double answerDivergence, double answerEntropy) = Ranking(reading, batch.Answers, logTemperature, true);
        Tensor loss = lines + answers * options.AnswerWeight;
        double reasoning = double.NaN;
        if (reasoningWeight > 0 && batch.Written.Length > 0)
        {
            Tensor before = reading.Hidden.index_select(0, Long(batch.Written.Select(w => (long)w.Row * reading.Width + w.Token - 1)));
            Tensor tokens = Long(batch.Written.Select(w => (long)batch.Sequences[w.Row][w.Token]));
            (Tensor written, reasoning) = WrittenLoss.Of(model.Backbone, before, tokens, reasoningWeight, model.Backbone.TokensPerLogits);
            loss = loss + written;
        }
        parts = new Parts(divergence, entropy, reasoning, answerDivergence, answerEntropy);
        return loss;
    }

    // Items of like length together: in one rectangle a long title would make every other as long, at half of a real LLM's time.
    private Tensor Vectors(int[] candidates)
    {
        int[][] prompts = [.. candidates.Select(c => model.ItemPrompts[c])];
        int[] byLength = [.. Enumerable.Range(0, prompts.Length).OrderBy(i => prompts[i].Length)];
        int groups = prompts[byLength[^1]].Length == prompts[byLength[0]].Length ? 1 : Math.Clamp(prompts.Length / LeastGroup, 1, MostGroups);
        List<Tensor> parts = [];
        foreach (int[] group in byLength.Chunk((prompts.Length + groups - 1) / groups))
        {
            using PaddedBatch items = PaddedBatch.FromRows([.. group.Select(i => prompts[i])], device: model.Backbone.Device);
            parts.Add(model.Backbone.LastHidden(items));
        }
        long[] place = new long[prompts.Length];
        for (int at = 0; at < place.Length; at++) place[byLength[at]] = at;
        return ItemTable.Normalize(cat(parts, 0).index_select(0, Long(place)));
    }

    // Mean over the points of the weighted divergence and cross entropy.
    private (Tensor Loss, double Divergence, double CrossEntropy) Ranking(Reading reading, ReadingPoint[] points, Tensor logTemperature, bool answers)
    {
        (WarmUpBatch batch, IReadOnlyList<PurchaseRow> rows, int[] candidates) = (reading.Batch, reading.Rows, reading.Candidates);
        Device device = model.Backbone.Device;
        if (points.Length == 0) return (zeros(1, device: device).sum(), 0, 0);
        Tensor users = ItemTable.Normalize(reading.Hidden.index_select(0, Long(points.Select(p => (long)p.Row * reading.Width + p.Token))));   // [points, hidden]
        float[] closed = new float[points.Length * candidates.Length];
        Dictionary<int, int> place = candidates.Select((c, at) => (c, at)).ToDictionary(x => x.c, x => x.at);
        long[] label = new long[points.Length];
        for (int p = 0; p < points.Length; p++)
        {
            ReadOnlySpan<int> known = answers ? rows[points[p].Row].History.Items.Span : batch.Shown[points[p].Row].AsSpan(0, points[p].Bought);
            foreach (int item in known)
                if (item != points[p].Label && place.TryGetValue(item, out int at)) closed[p * candidates.Length + at] = Closed;
            label[p] = place.TryGetValue(points[p].Label, out int own) ? own : -1;
        }
        Tensor mask = tensor(closed, [points.Length, candidates.Length], device: device);
        if (reading.Correction is { } correction) mask = mask - correction;
        Tensor logProbabilities = (users.matmul(reading.Vectors.t()) * (-logTemperature).exp() + mask).log_softmax(-1);               // [points, candidates]

        Tensor loss = zeros(1, device: device).sum();
        double divergence = 0, entropy = 0;
        long[] judged = [.. Enumerable.Range(0, points.Length).Where(p => label[p] >= 0)];
        if (judged.Length > 0)
        {
            Tensor picked = logProbabilities.index_select(0, Long(judged)).gather(1, Long(judged.Select(p => label[p])).unsqueeze(1));
            Tensor cross = -picked.mean();
            entropy = cross.item<float>();
            loss = loss + cross * (guide is null ? 1 : options.LabelWeight);
        }
        if (guide is not null && options.TeacherWeight > 0)
        {
            Tensor scores = tensor(TeacherScores(batch, points, candidates, reading.RowIndexes, answers), [points.Length, candidates.Length], device: device);
            Tensor wanted = (scores / guide.TeacherTemperature + mask).softmax(-1);
            Tensor apart = (wanted * ((wanted + 1e-9f).log() - logProbabilities)).sum() / points.Length;
            divergence = apart.item<float>();
            loss = loss + apart * options.TeacherWeight;
        }
        return (loss, divergence, entropy);
    }

    // The teacher reads the lines that the model sees at each point; what the reasoning named counts at the answer.
    private float[] TeacherScores(WarmUpBatch batch, ReadingPoint[] points, int[] candidates, IReadOnlyList<int> rowIndexes, bool answers)
    {
        float[] scores = new float[points.Length * candidates.Length];
        int[][] ofRow = [.. points.Select((p, at) => (p.Row, at)).GroupBy(x => x.Row).Select(g => g.Select(x => x.at).ToArray())];
        Parallel.ForEach(ofRow, own =>
        {
            int row = points[own[0]].Row;
            ItemItemModel teacher = TeacherOf(rowIndexes[row]);
            foreach (int point in own)
            {
                Span<float> target = scores.AsSpan(point * candidates.Length, candidates.Length);
                teacher.AddScores(batch.Shown[row].AsSpan(0, points[point].Bought), candidates, target);
                if (answers) guide!.Statements?.AddScores(batch.Named[row], candidates, target);
            }
        });
        return scores;
    }

    private ItemItemModel TeacherOf(int rowIndex) => options.UseFoldTables ? guide!.TeacherOf(rowIndex) : guide!.Teacher;

    private int[] Candidates(WarmUpBatch batch, IReadOnlyList<int> rowIndexes, Random random)
    {
        int[] labels = [.. batch.Lines.Concat(batch.Answers).Select(p => p.Label).Distinct()];
        random.Shuffle(labels);
        HashSet<int> chosen = [.. labels.Take(options.LabelCandidates)];
        for (int i = 0; i < options.UniformCandidates; i++) chosen.Add(random.Next(model.Catalogue.Count));
        if (guide is not null)
            for (int i = 0; i < options.TeacherCandidates; i++)
            {
                ReadingPoint point = batch.Lines.Length > 0 ? batch.Lines[random.Next(batch.Lines.Length)] : batch.Answers[random.Next(batch.Answers.Length)];
                chosen.Add(DrawFromTeacher(batch.Shown[point.Row].AsSpan(0, point.Bought), TeacherOf(rowIndexes[point.Row]), random));
            }
        return [.. chosen.Order()];
    }

    // One item as likely as the teacher thinks that it comes next.
    private int DrawFromTeacher(ReadOnlySpan<int> history, ItemItemModel teacher, Random random)
    {
        float[] scores = teacher.Score(history);
        foreach (int item in history) scores[item] = float.NegativeInfinity;
        double highest = scores.Max(), sum = 0, at = 0;
        for (int i = 0; i < scores.Length; i++) sum += Math.Exp((scores[i] - highest) / guide!.TeacherTemperature);
        double wanted = random.NextDouble() * sum;
        for (int i = 0; i < scores.Length; i++)
            if ((at += Math.Exp((scores[i] - highest) / guide!.TeacherTemperature)) >= wanted) return i;
        return random.Next(scores.Length);   // everything was bought
    }

    private Tensor Long(IEnumerable<long> values) => tensor(values.ToArray(), device: model.Backbone.Device);
}
