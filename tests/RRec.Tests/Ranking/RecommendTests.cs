using RRec.Data;
using RRec.Tests.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.Ranking;

public sealed class RecommendTests
{
    [GoldenFact(TinyWorld.Needs)]
    public void Answers_are_exact_rankings_without_the_history_and_do_not_depend_on_the_batch()
    {
        using R2ecModel model = TinyWorld.Model();
        UserHistory[] rows = [.. TinyWorld.Rows(9).Select(r => r.History), default];
        int[] labels = [.. Enumerable.Range(0, 10).Select(i => i == 4 ? -1 : 3 * i)];
        IReadOnlyList<Recommendation> together = model.Recommend(rows, new() { K = 30, Labels = labels }), single = model.Recommend(rows, new() { K = 30, Labels = labels, BatchSize = 1 });
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.Equal(together[i].Reasoning, single[i].Reasoning);
            Assert.Equal(together[i].Items, single[i].Items);
            for (int k = 0; k < together[i].Scores.Length; k++) Assert.Equal(together[i].Scores[k], single[i].Scores[k], 1e-3f);
            Assert.Empty(together[i].Items.Intersect(rows[i].Items.ToArray()));
            Assert.Equal(30 - rows[i].Items.ToArray().Distinct().Count(), together[i].Items.Length);
            Assert.Equal(together[i].Scores.OrderDescending(), together[i].Scores);
            int place = Array.IndexOf(together[i].Items, labels[i]);
            Assert.Equal(i == 4 ? null : place >= 0 ? place + 1 : together[i].LabelRank, together[i].LabelRank);
            Assert.DoesNotContain("<answer>", together[i].Reasoning);
        }

        Assert.Null(together[4].LabelRank);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Without_reasoning_the_vector_is_read_at_the_answer_marker_after_the_prompt()
    {
        using R2ecModel model = TinyWorld.Model();
        UserHistory history = TinyWorld.Rows(1)[0].History;
        Recommendation answer = model.Recommend([history], new() { UseReasoning = false, K = 30 })[0];
        Assert.Equal("", answer.Reasoning);
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        using var batch = RRec.Backbones.PaddedBatch.FromRows([[.. model.PromptOf(history), .. model.Writer.AnswerIds]]);
        Tensor user = RRec.Ranking.ItemTable.Normalize(model.Backbone.LastHidden(batch));
        float[] scores = model.Items.Scores(user, model.Settings.Temperature).data<float>().ToArray();
        for (int k = 0; k < answer.Items.Length; k++) Assert.Equal(scores[answer.Items[k]], answer.Scores[k], 1e-4f);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Allowed_and_excluded_items_bound_the_answer_and_samples_repeat_by_seed()
    {
        using R2ecModel model = TinyWorld.Model();
        UserHistory[] rows = [.. TinyWorld.Rows(4).Select(r => r.History)];
        foreach (Recommendation answer in model.Recommend(rows, new() { K = 30, Allowed = [1, 2, 3, 4], Excluded = [2] })) Assert.Empty(answer.Items.Except([1, 3, 4]));
        float[] Scores(int seed) => [.. model.Recommend(rows, new() { Samples = 4, Seed = seed }).SelectMany(a => a.Scores)];
        Assert.Equal(Scores(1), Scores(1));
        Assert.NotEqual(Scores(1), Scores(2));
        Assert.Empty(model.Recommend([]));

        // What is sampled for a row does not depend on its place or its neighbours.
        string[] inOrder = [.. model.Recommend(rows, new() { Samples = 4 }).Select(a => a.Reasoning)], reversed = [.. model.Recommend([.. rows.Reverse()], new() { Samples = 4 }).Select(a => a.Reasoning)];
        Assert.Equal(inOrder, reversed.Reverse());
        Assert.Equal(inOrder[2], model.Recommend([rows[2]], new() { Samples = 4 })[0].Reasoning);
    }

    [GoldenFact(TinyWorld.Needs)]
    public void Requests_that_do_not_fit_name_every_reason()
    {
        using R2ecModel model = TinyWorld.Model();
        string message = Assert.Throws<ArgumentException>(() => model.Recommend([default], new() { K = 0, Labels = [1, 2], Allowed = [30] })).Message;
        foreach (string part in new[] { "K is 0", "Labels has 2 entries for 1 rows", "Allowed contains 30" }) Assert.Contains(part, message);
        Assert.Contains("Row 1: its history holds item 99", Assert.Throws<ArgumentException>(() => model.Recommend([default, new UserHistory(new[] { 99 })])).Message);
    }
}
