using RRec.Backbones;
using RRec.Data;
using RRec.Generation;
using RRec.Ranking;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec;

public sealed partial class R2ecModel
{
    /// <summary>
    /// Writes a reasoning for each row and ranks all items, exactly. Rows do not influence each other; other batch sizes agree to rounding.
    /// </summary>
    /// <param name="rows">The histories; empty ones are fine. Item indexes must be the catalogue's.</param>
    /// <param name="request">What is wanted; null: ten items each.</param>
    /// <param name="cancel">Stops between batches and inside generation.</param>
    /// <returns>One answer per row, in order.</returns>
    /// <exception cref="ArgumentException">The request does not fit rows or catalogue, or a history holds an unknown item; all reasons are named.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public IReadOnlyList<Recommendation> Recommend(IReadOnlyList<UserHistory> rows, RecommendRequest? request = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ObjectDisposedException.ThrowIf(_disposed, this);
        request ??= new RecommendRequest();
        request.Validate(rows.Count, Catalogue);
        CheckHistories(rows);
        Recommendation[] answers = new Recommendation[rows.Count];
        if (rows.Count == 0) return answers;
        bool[]? closed = Closed(request);
        ItemTable items = _items ?? EncodeItems(request.Progress, cancel);

        // Rows of like length together, so that little of a batch is padding; answers go back to their places.
        int[][] prompts = new int[rows.Count][];
        for (int i = 0; i < prompts.Length; i++) prompts[i] = PromptOf(rows[i]);
        int[] order = [.. Enumerable.Range(0, rows.Count).OrderBy(i => prompts[i].Length)];
        // With reasoning, several batches at once: rows that are done make room for the next.
        int together = request.BatchSize * (request.UseReasoning ?? Settings.UseReasoning ? 4 : 1);
        for (int start = 0; start < order.Length; start += together)
        {
            cancel.ThrowIfCancellationRequested();
            int[] batch = order[start..Math.Min(start + together, order.Length)];
            using var scope = NewDisposeScope();
            using var inference = no_grad();
            (Tensor users, string[] reasonings) = Read(batch, prompts, request, cancel); // [b, hidden]
            Rank(items, batch, users, reasonings, rows, request, closed, answers);
            request.Progress?.Report(new R2ecProgress(TrainingPhase.Evaluation, start + batch.Length, order.Length));
        }

        return answers;
    }

    // User vectors of length 1 in f32, and what was written on the way.
    private (Tensor Users, string[] Reasonings) Read(int[] batch, int[][] prompts, RecommendRequest request, CancellationToken cancel)
    {
        if (!(request.UseReasoning ?? Settings.UseReasoning))
        {
            using PaddedBatch rows = PaddedBatch.FromRows([.. batch.Select(i => (int[])[.. prompts[i], .. Writer.AnswerIds])], device: Backbone.Device);
            return (ItemTable.Normalize(Backbone.LastHidden(rows)), [.. batch.Select(_ => "")]);
        }

        int samples = request.Samples;
        GenerationOptions options = new() { Temperature = samples > 1 ? request.SamplingTemperature : 0, MaxNewTokens = Settings.MaxNewTokens, SamplesPerPrompt = samples, Tokens = Settings.ReasoningTokens, MaxRows = Math.Max(request.BatchSize, samples), MemoryBudget = GenerationOptions.BudgetOn(Backbone.Device) };
        IReadOnlyList<Trajectory> written = new Generation.Generator(Backbone, Tokenizer, Writer) { Sampler = request.Sampler }
            .Generate([.. batch.Select(i => prompts[i])], options, (p, s) => NoiseKey.Of(request.Seed, 0, HashOf(prompts[batch[p]]), s), cancel);
        int hidden = Backbone.Config.HiddenSize;
        float[] vectors = new float[batch.Length * hidden];
        string[] reasonings = new string[batch.Length];
        foreach (Trajectory t in written)
        {
            reasonings[t.Prompt] ??= t.Reasoning;
            double norm = Math.Sqrt(t.Embedding.Sum(x => (double)x * x));
            for (int d = 0; d < hidden; d++) vectors[t.Prompt * hidden + d] += (float)(t.Embedding[d] / Math.Max(norm, 1e-12));
        }

        return (ItemTable.Normalize(tensor(vectors, [batch.Length, hidden], device: Backbone.Device)), reasonings);
    }

    // What is sampled depends on what is read, not on a row's place among others: FNV-1a over the prompt's ids.
    private static int HashOf(int[] prompt)
    {
        uint hash = 2166136261;
        foreach (int id in prompt) hash = (hash ^ (uint)id) * 16777619;
        return (int)hash;
    }

    private void Rank(ItemTable items, int[] batch, Tensor users, string[] reasonings, IReadOnlyList<UserHistory> rows, RecommendRequest request, bool[]? closed, Recommendation[] answers)
    {
        if (items.Searches)
        {
            OpenItems[] open = [.. batch.Select(row => Open(row, rows, request, closed))];
            int[]? labels = request.Labels is { } all ? [.. batch.Select(row => all[row])] : null;
            Found[] found = items.Best(users, Settings.Temperature, request.K, open, labels);
            for (int b = 0; b < batch.Length; b++) answers[batch[b]] = new Recommendation(reasonings[b], found[b].Items, found[b].Scores, found[b].LabelRank);
            return;
        }
        // At most 64 million scores on the host at a time, however large the catalogue.
        int block = Math.Max(1, (64 << 20) / items.Count);
        for (int from = 0; from < batch.Length; from += block)
        {
            int count = Math.Min(block, batch.Length - from);
            using var scope = NewDisposeScope();
            float[] everything = items.Scores(users.narrow(0, from, count), Settings.Temperature).cpu().data<float>().ToArray(); // [count, items]
            Parallel.For(0, count, b =>
            {
                int row = batch[from + b];
                Span<float> scores = everything.AsSpan(b * items.Count, items.Count);
                int? label = request.Labels is { } labels && labels[row] >= 0 ? labels[row] : null;
                float own = label is { } l ? scores[l] : 0;
                if (closed is not null)
                    for (int i = 0; i < closed.Length; i++)
                        if (closed[i]) scores[i] = float.NegativeInfinity;
                Close(scores, request.AllowedByRow?[row], request.ExcludedByRow?[row]);
                if (Settings.MaskHistory)
                    foreach (int item in rows[row].Items.Span) scores[item] = float.NegativeInfinity;
                int[] best = TopK.Select(scores, request.K);
                float[] values = new float[best.Length];
                for (int k = 0; k < best.Length; k++) values[k] = scores[best[k]];
                int? rank = null;
                if (label is { } target)
                {
                    scores[target] = own; // a repeated purchase is still a question with an answer (O7)
                    rank = TopK.RankOf(scores, target);
                }

                answers[row] = new Recommendation(reasonings[from + b], best, values, rank);
            });
        }
    }

    private OpenItems Open(int row, IReadOnlyList<UserHistory> rows, RecommendRequest request, bool[]? closed)
    {
        HashSet<int>? excluded = request.ExcludedByRow?[row] is { } list ? [.. list] : null;
        if (Settings.MaskHistory)
        {
            excluded ??= [];
            foreach (int item in rows[row].Items.Span) excluded.Add(item);
        }
        return new OpenItems(closed, request.AllowedByRow?[row] is { } allowed ? [.. allowed] : null, excluded);
    }

    // A row's own lists, on top of those for all rows.
    private static void Close(Span<float> scores, IReadOnlyCollection<int>? allowed, IReadOnlyCollection<int>? excluded)
    {
        if (allowed is not null)
        {
            HashSet<int> open = [.. allowed];
            for (int i = 0; i < scores.Length; i++)
                if (!open.Contains(i)) scores[i] = float.NegativeInfinity;
        }

        foreach (int item in excluded ?? []) scores[item] = float.NegativeInfinity;
    }

    private bool[]? Closed(RecommendRequest request)
    {
        if (request.Allowed is null && request.Excluded is null) return null;
        bool[] closed = new bool[Catalogue.Count];
        if (request.Allowed is not null)
        {
            Array.Fill(closed, true);
            foreach (int item in request.Allowed) closed[item] = false;
        }

        foreach (int item in request.Excluded ?? []) closed[item] = true;
        return closed;
    }

    private void CheckHistories(IReadOnlyList<UserHistory> rows)
    {
        for (int i = 0; i < rows.Count; i++)
            foreach (int item in rows[i].Items.Span)
                if ((uint)item >= (uint)Catalogue.Count)
                    throw new ArgumentException($"Row {i}: its history holds item {item}; the catalogue's indexes are 0 to {Catalogue.Count - 1}.", nameof(rows));
    }
}
