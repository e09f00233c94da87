using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.TestSupport;

namespace RRec.MLNet.Tests;

public class EvaluateTopKTests
{
    private readonly MLContext _ml = new(seed: 1);

    private class Scored
    {
        public string UserId { get; set; } = "";
        public string Label { get; set; } = "";
        public string[] PredictedItems { get; set; } = [];
        public float[] Score { get; set; } = [];
    }

    private sealed class Ranked : Scored
    {
        public float LabelRank { get; set; }
    }

    private sealed class MultiLabel
    {
        public string[] Label { get; set; } = [];
        public string[] PredictedItems { get; set; } = [];
    }

    private static Scored Row(string user, string label, params string[] list) => new() { UserId = user, Label = label, PredictedItems = list, Score = [.. list.Select((_, i) => 1f - i)] };

    [Fact]
    public void Hand_made_rows_give_the_metrics_worked_out_by_hand()
    {
        IDataView scored = _ml.Data.LoadFromEnumerable(new[] { Row("u", "a", "a", "b", "c", "d", "e"), Row("u", "c", "a", "b", "c", "d", "e"), Row("v", "z", "a", "b", "c", "d", "f") });
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(scored, userColumn: "UserId", ks: [1, 3, 5], catalogueSize: 12);
        Assert.Equal(3, m.Rows);
        Assert.Equal(2, m.UserCount);
        Assert.Equal(1 / 3.0, m.HitRate[1].Value, 12);
        Assert.Equal(2 / 3.0, m.HitRate[3].Value, 12);
        Assert.Equal((1 + 0.5) / 3, m.Ndcg[5].Value, 12);
        Assert.Equal((1 + 1 / 3.0) / 3, m.Map[5].Value, 12);
        Assert.Equal(6 / 12.0, m.Coverage[5], 12);
        Assert.Equal(1 / 12.0, m.Coverage[1], 12);
        Assert.Null(m.Mrr);          // the list does not say where z stands
        Assert.Empty(m.Novelty);
        Assert.Empty(m.Slices);
        Assert.Equal((0.0, 1.0), (m.HitRate[3].Low, m.HitRate[3].High));   // two users, one always hit, one never
    }

    [Fact]
    public void A_cutoff_beyond_the_list_is_absent_unless_the_rank_is_known()
    {
        TopKMetrics lists = _ml.Recommendation().EvaluateTopK(_ml.Data.LoadFromEnumerable(new[] { Row("u", "a", "b", "a") }));
        Assert.Empty(lists.HitRate);
        Assert.NotNull(lists.Mrr);   // the label is in the list, so its rank is known
        Assert.Null(lists.UserCount);

        IDataView ranked = _ml.Data.LoadFromEnumerable(new[]
        {
            new Ranked { Label = "z", PredictedItems = ["a", "b"], Score = [2, 1], LabelRank = 15 },
            new Ranked { Label = "gone", PredictedItems = ["a", "b"], Score = [2, 1], LabelRank = float.NaN },
        });
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(ranked);
        Assert.Equal([5, 10, 20], m.HitRate.Keys);
        Assert.Equal((0.0, 0.5), (m.HitRate[10].Value, m.HitRate[20].Value));
        Assert.Equal(1 / 15.0 / 2, m.Mrr!.Value.Value, 12);
        Assert.Null(m.HitRate[20].Low);
    }

    [Fact]
    public void A_NaN_score_ranks_last_and_is_counted_in_a_warning()
    {
        List<string> warnings = [];
        _ml.Log += (_, e) => { if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) warnings.Add(e.RawMessage); };
        Scored row = Row("u", "a", "a", "b", "c");
        row.Score = [float.NaN, 2, 1];
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(_ml.Data.LoadFromEnumerable(new[] { row, Row("u", "", "a", "b", "c") }), ks: [1, 2, 3]);
        Assert.Equal((0.0, 0.0, 1.0), (m.HitRate[1].Value, m.HitRate[2].Value, m.HitRate[3].Value));
        Assert.Equal(1, m.Rows);
        Assert.Contains(warnings, w => w.Contains("1 scores are NaN"));
        Assert.Contains(warnings, w => w.Contains("1 rows without a label"));
    }

    [Fact]
    public void Several_relevant_items_share_the_gain()
    {
        IDataView scored = _ml.Data.LoadFromEnumerable(new[] { new MultiLabel { Label = ["b", "d", "x"], PredictedItems = ["a", "b", "c", "d"] } });
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(scored, ks: [4]);
        double ideal = 1 + 1 / Math.Log2(3) + 0.5;
        Assert.Equal((1 / Math.Log2(3) + 1 / Math.Log2(5)) / ideal, m.Ndcg[4].Value, 12);
        Assert.Equal((1 / 2.0 + 2 / 4.0) / 3, m.Map[4].Value, 12);
    }

    [Fact]
    public void Training_counts_give_novelty_and_cold_and_warm_slices_and_groups_their_own_metrics()
    {
        IDataView train = _ml.Data.LoadFromEnumerable(new[] { Row("u", "a"), Row("u", "a"), Row("u", "b") });
        IReadOnlyDictionary<string, long> counts = _ml.Recommendation().CountPurchases(train);
        Assert.Equal((2L, 1L), (counts["a"], counts["b"]));
        IDataView scored = _ml.Data.LoadFromEnumerable(new[] { Row("u", "a", "a", "b"), Row("v", "new", "a", "b") });
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(scored, ks: [1, 2], groupColumn: "UserId", trainCounts: counts);
        Assert.Equal((1.0, 0.0), (m.Slices["warm"].HitRate[2].Value, m.Slices["cold"].HitRate[2].Value));
        Assert.Equal((1, 1), (m.Slices["u"].Rows, m.Slices["v"].Rows));
        Assert.Equal(-Math.Log2(3 / 5.0), m.Novelty[1], 12);
    }

    [Fact]
    public void A_group_that_is_called_as_a_slice_does_not_take_its_place()
    {
        IDataView scored = _ml.Data.LoadFromEnumerable(new[] { Row("cold", "a", "a", "b"), Row("v", "new", "a", "b"), Row("v", "other", "a", "b") });
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(scored, ks: [1], groupColumn: "UserId", trainCounts: new Dictionary<string, long> { ["a"] = 1 });
        Assert.Equal((2, 1, 1, 2), (m.Slices["cold"].Rows, m.Slices["group cold"].Rows, m.Slices["warm"].Rows, m.Slices["v"].Rows));
    }

    [Fact]
    public void Two_models_are_compared_by_pairs_of_rows()
    {
        Scored[] a = [.. Enumerable.Range(0, 40).Select(i => Row($"u{i % 10}", "a", i % 2 == 0 ? ["a", "b"] : ["b", "a"]))];
        Scored[] b = [.. Enumerable.Range(0, 40).Select(i => Row($"u{i % 10}", "a", "b", "a"))];
        TopKMetrics ma = _ml.Recommendation().EvaluateTopK(_ml.Data.LoadFromEnumerable(a), userColumn: "UserId", ks: [1]);
        TopKMetrics mb = _ml.Recommendation().EvaluateTopK(_ml.Data.LoadFromEnumerable(b), userColumn: "UserId", ks: [1]);
        TopKComparison c = _ml.Recommendation().CompareTopK(ma, mb);
        Assert.Equal(0.5, c.Differences["hit@1"].Value, 12);
        Assert.True(c.Differences["hit@1"].Low > 0);
        TopKMetrics other = _ml.Recommendation().EvaluateTopK(_ml.Data.LoadFromEnumerable(a.Reverse()), userColumn: "UserId", ks: [1]);
        Assert.Contains("Row 0", Assert.Throws<ArgumentException>(() => _ml.Recommendation().CompareTopK(ma, other)).Message);
    }

    [Fact]
    public void Missing_and_wrongly_typed_columns_are_named()
    {
        IDataView scored = _ml.Data.LoadFromEnumerable(new[] { Row("u", "a", "b") });
        string message = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Recommendation().EvaluateTopK(scored, labelColumn: "Bought", rankedItemsColumn: "UserId")).Message;
        Assert.Contains("'Bought' is missing", message);
        Assert.Contains("'UserId' is String: expected a vector", message);
    }

    [GoldenFact("goldens/recpo/golden.json")]
    public void Recorded_ranks_give_the_recorded_metrics()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Goldens.PathOf("goldens/recpo/golden.json")));
        JsonElement metrics = golden.RootElement.GetProperty("metrics");
        int[] ranks = [.. metrics.GetProperty("ranks").EnumerateArray().Select(r => r.GetInt32())];
        IDataView scored = _ml.Data.LoadFromEnumerable(ranks.Select(r => new Ranked { Label = "target", PredictedItems = ["x"], Score = [1], LabelRank = r }).ToArray());
        TopKMetrics m = _ml.Recommendation().EvaluateTopK(scored);
        foreach (JsonProperty expected in metrics.GetProperty("result").EnumerateObject())
        {
            int k = int.Parse(expected.Name.Split('@')[1], System.Globalization.CultureInfo.InvariantCulture);
            double value = (expected.Name.StartsWith("ndcg", StringComparison.Ordinal) ? m.Ndcg[k] : m.HitRate[k]).Value;
            Assert.Equal(expected.Value.GetDouble(), value, 6);
        }
    }
}
