using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

public class ScoringViewTests
{
    private readonly MLContext _ml = new(seed: 1);

    [Fact]
    public void Rows_come_out_in_order_with_their_own_answers_and_values_whatever_the_batch_size()
    {
        foreach (int batch in new[] { 1, 3, 16, 1000 })
        {
            FakeRecommender fake = FakeRecommender.Of(11);
            IDataView scored = Rows.Transformer(_ml, fake, batch: batch).Transform(Rows.View(_ml, 100, 11));
            AnswerWithRank[] answers = [.. _ml.Data.CreateEnumerable<AnswerWithRank>(scored, reuseRowObject: false)];
            Assert.Equal(100, answers.Length);
            for (int n = 0; n < 100; n++)
            {
                HistoryRow row = Rows.Make(n, 11);
                Assert.Equal(n, answers[n].Number);
                Assert.Equal(row.HistoryItems, answers[n].HistoryItems);
                Assert.StartsWith($"after {row.HistoryItems.Length} items, {row.HistoryItems.Length} ratings, {row.HistoryItems.Length} times, now {5000 + n}", answers[n].Reasoning);
                Assert.DoesNotContain(answers[n].PredictedItems, row.HistoryItems.Contains);
                Assert.Equal(5, answers[n].PredictedItems.Length);
                Assert.True(answers[n].LabelRank >= 1);
                Assert.Equal(answers[n].Score.OrderDescending(), answers[n].Score);
            }

            Assert.All(fake.Calls, c => Assert.InRange(c, 1, batch == 1000 ? 1000 : Math.Max(batch, 8)));
        }
    }

    [Fact]
    public void Transform_is_lazy_and_columns_that_pass_through_run_no_model()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView scored = Rows.Transformer(_ml, fake).Transform(Rows.View(_ml, 100, 11));
        Assert.Empty(fake.Calls);
        Assert.Equal(Enumerable.Range(0, 100), Rows.Column<int>(scored, "Number"));
        Assert.Empty(fake.Calls);
        Assert.Equal(100, scored.GetRowCount());

        // An active column whose getter nobody calls costs nothing either.
        using (DataViewRowCursor cursor = scored.GetRowCursor([scored.Schema["Score"]]))
            while (cursor.MoveNext()) { }
        Assert.Empty(fake.Calls);
    }

    [Fact]
    public void Score_alone_works_and_asks_for_no_rank()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView scored = Rows.Transformer(_ml, fake).Transform(Rows.View(_ml, 20, 11));
        List<VBuffer<float>> scores = Rows.Column<VBuffer<float>>(scored, "Score");
        Assert.Equal(20, scores.Count);
        Assert.All(scores, s => Assert.Equal(5, s.Length));
        Assert.All(fake.Requests, r => Assert.Null(r.Labels));
    }

    [Fact]
    public void A_few_rows_cost_a_few_rows()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView scored = Rows.Transformer(_ml, fake, batch: 256).Transform(Rows.View(_ml, 1000, 11));
        Assert.Equal(3, Rows.Texts(_ml.Data.TakeRows(scored, 3), "Reasoning").Count);
        Assert.True(fake.Calls.Sum() <= 16, $"{fake.Calls.Sum()} rows were scored for 3");
    }

    [Fact]
    public void Cursors_do_not_disturb_each_other()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView scored = Rows.Transformer(_ml, fake).Transform(Rows.View(_ml, 60, 11));
        List<string> expected = Rows.Texts(scored, "Reasoning");
        using DataViewRowCursor a = scored.GetRowCursor(scored.Schema), b = scored.GetRowCursor(scored.Schema);
        ValueGetter<ReadOnlyMemory<char>> ga = a.GetGetter<ReadOnlyMemory<char>>(scored.Schema["Reasoning"]), gb = b.GetGetter<ReadOnlyMemory<char>>(scored.Schema["Reasoning"]);
        ReadOnlyMemory<char> text = default;
        for (int i = 0; i < 60; i++)
        {
            Assert.True(a.MoveNext());
            ga(ref text);
            Assert.Equal(expected[i], text.ToString());
            if (i % 2 == 1) continue;
            Assert.True(b.MoveNext());
            gb(ref text);
            Assert.Equal(expected[i / 2], text.ToString());
        }

        Assert.False(a.MoveNext());
    }

    [Fact]
    public void Parallel_cursors_together_see_each_row_once()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView histories = Log(200);
        IDataView scored = Rows.Transformer(_ml, fake).Transform(histories);
        DataViewRowCursor[] cursors = scored.GetRowCursorSet(scored.Schema, 3);
        Assert.True(cursors.Length > 1);
        Dictionary<(ulong, ulong), string>[] found = new Dictionary<(ulong, ulong), string>[cursors.Length];
        Parallel.For(0, cursors.Length, c =>
        {
            found[c] = [];
            using DataViewRowCursor cursor = cursors[c];
            ValueGetter<ReadOnlyMemory<char>> getter = cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["Reasoning"]);
            ValueGetter<DataViewRowId> idGetter = cursor.GetIdGetter();
            while (cursor.MoveNext())
            {
                ReadOnlyMemory<char> text = default;
                DataViewRowId id = default;
                getter(ref text);
                idGetter(ref id);
                found[c].Add((id.Low, id.High), text.ToString());
            }
        });

        Dictionary<(ulong, ulong), string> one = [];
        using DataViewRowCursor single = scored.GetRowCursor(scored.Schema);
        ValueGetter<ReadOnlyMemory<char>> singleGetter = single.GetGetter<ReadOnlyMemory<char>>(scored.Schema["Reasoning"]);
        ValueGetter<DataViewRowId> singleIds = single.GetIdGetter();
        while (single.MoveNext())
        {
            ReadOnlyMemory<char> text = default;
            DataViewRowId id = default;
            singleGetter(ref text);
            singleIds(ref id);
            one.Add((id.Low, id.High), text.ToString());
        }

        Assert.Equal(one.OrderBy(p => p.Key), found.SelectMany(f => f).OrderBy(p => p.Key));
    }

    [Fact]
    public void Unknown_ids_are_skipped_with_their_ratings_and_reported_once()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        List<string> warnings = [];
        _ml.Log += (_, e) => { if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) warnings.Add(e.RawMessage); };
        HistoryRow[] rows = [.. Enumerable.Range(0, 40).Select(_ => new HistoryRow
        {
            HistoryItems = ["i1", "gone", "i2", "also gone"], HistoryRatings = [1, 2, 3, 4], HistoryTimestamps = [1, 2, 3, 4], Label = "gone", Timestamp = 9,
        })];
        IDataView scored = Rows.Transformer(_ml, fake).Transform(_ml.Data.LoadFromEnumerable(rows));
        Assert.All(Rows.Texts(scored, "Reasoning"), r => Assert.Equal("after 2 items, 2 ratings, 2 times, now 9", r));
        Assert.Contains("80 of 160 history entries", Assert.Single(warnings));
        Assert.All(Rows.Column<float>(scored, "LabelRank"), r => Assert.True(float.IsNaN(r)));
    }

    [Fact]
    public void Only_history_items_are_needed_and_empty_histories_get_an_answer()
    {
        FakeRecommender fake = FakeRecommender.Of(11);
        IDataView scored = Rows.Transformer(_ml, fake).Transform(_ml.Data.LoadFromEnumerable(new[] { new BareRow(), new BareRow { HistoryItems = ["i3"] } }));
        Assert.Equal(["after 0 items, 0 ratings, 0 times, now unknown", "after 1 items, 0 ratings, 0 times, now unknown"], Rows.Texts(scored, "Reasoning"));
        Assert.Null(scored.Schema.GetColumnOrNull("LabelRank"));
    }

    [Fact]
    public void Slots_beyond_what_can_be_recommended_are_empty_and_NaN()
    {
        FakeRecommender fake = FakeRecommender.Of(4);
        IDataView scored = Rows.Transformer(_ml, fake, k: 6).Transform(_ml.Data.LoadFromEnumerable(new[] { new BareRow { HistoryItems = ["i0", "i1"] } }));
        Assert.Equal(["i2", "i3", "", "", "", ""], Rows.Strings(Rows.Column<VBuffer<ReadOnlyMemory<char>>>(scored, "PredictedItems")[0]));
        float[] score = [.. Rows.Column<VBuffer<float>>(scored, "Score")[0].DenseValues()];
        Assert.Equal([false, false, true, true, true, true], score.Select(float.IsNaN));
    }

    [Fact]
    public void The_schema_names_types_and_annotations()
    {
        IDataView scored = Rows.Transformer(_ml, FakeRecommender.Of(11), change: o => o with { PredictedTitles = "Titles" }).Transform(Rows.View(_ml, 2, 11));
        Assert.Equal(TextDataViewType.Instance, scored.Schema["Reasoning"].Type);
        Assert.Equal(new VectorDataViewType(TextDataViewType.Instance, 5), scored.Schema["PredictedItems"].Type);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 5), scored.Schema["Score"].Type);
        Assert.Equal(NumberDataViewType.Single, scored.Schema["LabelRank"].Type);
        ReadOnlyMemory<char> kind = default;
        scored.Schema["Score"].Annotations.GetValue("ScoreValueKind", ref kind);
        Assert.Equal("Score", kind.ToString());
        Assert.StartsWith("Title ", Rows.Strings(Rows.Column<VBuffer<ReadOnlyMemory<char>>>(scored, "Titles")[0])[0]);
    }

    [Fact]
    public void Allowed_and_excluded_items_hold_for_their_row_only()
    {
        FakeRecommender fake = FakeRecommender.Of(9);
        var rows = new[]
        {
            new ListsRow { HistoryItems = ["i0"], Allowed = ["i4", "i5", "nope"], Excluded = [] },
            new ListsRow { HistoryItems = ["i0"], Allowed = ["i1", "i2", "i3", "i4"], Excluded = ["i1", "i3"] },
        };
        IDataView scored = Rows.Transformer(_ml, fake, k: 3, change: o => o with { AllowedItems = "Allowed", ExcludedItems = "Excluded" }).Transform(_ml.Data.LoadFromEnumerable(rows));
        List<VBuffer<ReadOnlyMemory<char>>> items = Rows.Column<VBuffer<ReadOnlyMemory<char>>>(scored, "PredictedItems");
        Assert.Equal(["i4", "i5", ""], Rows.Strings(items[0]));
        Assert.Equal(["i2", "i4", ""], Rows.Strings(items[1]));
    }

    private sealed class ListsRow
    {
        public string[] HistoryItems { get; set; } = [];
        public string[] Allowed { get; set; } = [];
        public string[] Excluded { get; set; } = [];
    }

    private sealed class Purchase
    {
        public string User { get; set; } = "";
        public string Item { get; set; } = "";
        public DateTime When { get; set; }
    }

    private IDataView Log(int purchases) => _ml.Recommendation().CreatePurchaseHistories(
        _ml.Data.LoadFromEnumerable(Enumerable.Range(0, purchases).Select(n => new Purchase { User = $"u{n % 3}", Item = $"i{n % 11}", When = new DateTime(2020, 1, 1).AddHours(n) }).ToArray()),
        "User", "Item", "When");
}
