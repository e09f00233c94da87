using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using RRec.TestSupport;

namespace RRec.MLNet.Tests;

public class DirectTests
{
    private readonly MLContext _ml = new(seed: 1);

    [GoldenFact(TinyModel.Needs)]
    public async Task A_streamed_answer_adds_up_to_the_answer_of_the_view()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        HistoryRow row = Rows.Make(4, 30);
        AnswerWithRank expected = _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(_ml.Data.LoadFromEnumerable(new[] { row })), false).Single();
        StringBuilder text = new();
        int pieces = 0;
        IReadOnlyList<RecommendedItem>? items = null;
        PurchaseHistory history = new(row.HistoryItems)
        {
            Ratings = row.HistoryRatings,
            Times = [.. row.HistoryTimestamps.Select(DateTimeOffset.FromUnixTimeMilliseconds)],
            Now = DateTimeOffset.FromUnixTimeMilliseconds(row.Timestamp),
        };
        await foreach (ReasoningChunk chunk in model.RecommendAsync(history))
        {
            Assert.Null(items);   // the items come last
            text.Append(chunk.Text);
            pieces++;
            items = chunk.Items;
        }

        Assert.True(pieces > 1);
        Assert.Equal(expected.Reasoning, text.ToString().TrimEnd(' ', ',', '\r', '\n', '\t'));   // the column is shown as it stands, so nothing hangs at its end
        Assert.Equal(expected.PredictedItems, items!.Select(i => i.Id));
        Assert.Equal(expected.Score, items!.Select(i => i.Score));
        Assert.StartsWith("Red thing", items!.First(i => i.Id is "i0" or "i2" or "i6" || int.Parse(i.Id[1..], System.Globalization.CultureInfo.InvariantCulture) % 2 == 0).Title);
    }

    [GoldenFact(TinyModel.Needs)]
    public async Task A_history_without_a_list_is_refused_by_name_and_ids_that_are_null_are_skipped()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => Items(null!));
        Assert.Contains("Items is null", e.Message);
        Assert.Equal(await Items(["i1"]), await Items([null!, "i1"]));

        async Task<List<string>> Items(IReadOnlyList<string> history)
        {
            List<string> ids = [];
            await foreach (ReasoningChunk chunk in model.RecommendAsync(new PurchaseHistory(history))) ids.AddRange((chunk.Items ?? []).Select(i => i.Id));
            return ids;
        }
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_model_that_was_disposed_says_so()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        model.Model.Dispose();
        model.Model.Dispose();   // once more does nothing
        Assert.ThrowsAny<ObjectDisposedException>(() => Rows.Texts(model.Transform(Rows.View(_ml, 1, 30)), "Reasoning"));
    }

    [GoldenFact(TinyModel.Needs)]
    public async Task Leaving_the_loop_or_cancelling_frees_the_model()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml);
        await foreach (ReasoningChunk _ in model.RecommendAsync(new PurchaseHistory(["i1"]))) break;
        using CancellationTokenSource stop = new();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ReasoningChunk _ in model.RecommendAsync(new PurchaseHistory(["i1"]), cancellationToken: stop.Token)) { }
        });

        // In the middle: after the first piece no other comes.
        using CancellationTokenSource midway = new();
        int pieces = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ReasoningChunk _ in model.RecommendAsync(new PurchaseHistory(["i1"]), cancellationToken: midway.Token))
            {
                pieces++;
                await midway.CancelAsync();
            }
        });
        Assert.Equal(1, pieces);
        Assert.Single(Rows.Texts(model.Transform(_ml.Data.LoadFromEnumerable(new[] { new BareRow() })), "Reasoning"));
    }

    [GoldenFact(TinyModel.Needs)]
    public void Several_reasonings_change_the_answers_repeat_by_seed_and_are_saved_with_the_model()
    {
        R2ecTransformer one = TinyModel.Transformer(_ml), several = one.WithReasoningSamples(4, seed: 7);
        IDataView rows = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 6).Select(i => Rows.Make(i + 1, 30)));
        float[] Scores(R2ecTransformer model, IDataView view) => [.. _ml.Data.CreateEnumerable<AnswerWithRank>(model.Transform(view), false).SelectMany(a => a.Score)];
        float[] expected = Scores(several, rows);
        Assert.Equal(expected, Scores(one.WithReasoningSamples(4, seed: 7), rows));
        Assert.NotEqual(expected, Scores(one.WithReasoningSamples(4, seed: 8), rows));
        Assert.NotEqual(expected, Scores(one, rows));
        Assert.Equal(Scores(one, rows), Scores(several.WithReasoningSamples(1), rows));

        using MemoryStream file = new();
        _ml.Model.Save(several, rows.Schema, file);
        file.Position = 0;
        Assert.Equal(expected, Scores((R2ecTransformer)_ml.Model.Load(file, out _), rows));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.WithReasoningSamples(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.WithReasoningSamples(2, 0));
    }

    [Fact]
    public void Options_that_were_saved_before_there_were_samples_mean_one()
    {
        using MemoryStream file = new();
        ScoringOptionsJson.Write(file, new ScoringOptions());
        JsonObject older = JsonNode.Parse(file.ToArray())!.AsObject();
        foreach (string name in new[] { "reasoningSamples", "reasoningTemperature", "reasoningSeed" }) Assert.True(older.Remove(name));
        ScoringOptions read = ScoringOptionsJson.Read(new MemoryStream(Encoding.UTF8.GetBytes(older.ToJsonString())), "here");
        Assert.Equal((1, 1.0, 0), (read.ReasoningSamples, read.ReasoningTemperature, read.ReasoningSeed));
    }

    [GoldenFact(TinyModel.Needs)]
    public void A_changed_catalogue_keeps_what_did_not_change_and_knows_what_is_new()
    {
        R2ecTransformer model = TinyModel.Transformer(_ml, k: 40);
        List<Thing> things = [.. TinyModel.Catalogue.Items.Select(i => new Thing { ItemId = i.Id, Title = i.Title, Kind = i.Attributes[0].Values[0] })];
        things.RemoveAt(5);                                     // i5 goes
        things[0].Title = "Red thing of another name";          // i0 changes
        things.Insert(3, new Thing { ItemId = "new", Title = "Blue thing never seen", Kind = "flat" });
        List<string> encoded = [];
        R2ecTransformer changed = model.WithItems(_ml.Data.LoadFromEnumerable(things), new Recorder(p => encoded.Add($"{p.Step}/{p.TotalSteps}")));
        Assert.Equal("2/2", encoded[^1]);

        IDataView rows = _ml.Data.LoadFromEnumerable(new[] { new BareRow { HistoryItems = ["i5", "i7"] } });
        string[] ids = Rows.Strings(Rows.Column<VBuffer<ReadOnlyMemory<char>>>(changed.Transform(rows), "PredictedItems")[0]);
        Assert.Contains("new", ids);
        Assert.DoesNotContain("i5", ids);
        Assert.DoesNotContain("i7", ids);
        Assert.Equal(29, ids.Count(i => i.Length > 0));          // 30 items, one of them bought

        // Items that did not change score as before, to the bit: their vectors were taken over.
        Dictionary<string, float> before = Scores(model), after = Scores(changed);
        foreach (string id in before.Keys.Intersect(after.Keys).Where(i => i != "i0")) Assert.Equal(before[id], after[id]);
        Assert.NotEqual(before["i0"], after["i0"]);

        Dictionary<string, float> Scores(R2ecTransformer transformer)
        {
            IDataView scored = transformer.Transform(_ml.Data.LoadFromEnumerable(new[] { new BareRow { HistoryItems = ["i7", "i8"] } }));
            string[] names = Rows.Strings(Rows.Column<VBuffer<ReadOnlyMemory<char>>>(scored, "PredictedItems")[0]);
            float[] scores = [.. Rows.Column<VBuffer<float>>(scored, "Score")[0].DenseValues()];
            return names.Zip(scores).Where(p => p.First.Length > 0).ToDictionary(p => p.First, p => p.Second);
        }
    }

    [GoldenFact(TinyModel.Needs)]
    public void The_engine_heeds_each_rows_own_lists()
    {
        R2ecModel model = TinyModel.Transformer(_ml).Model;
        Data.UserHistory row = new(new[] { 1, 2 });
        IReadOnlyList<Recommendation> answers = model.Recommend([row, row, row], new RecommendRequest { K = 30, AllowedByRow = [null, [3, 4], null], ExcludedByRow = [null, null, [6, 7, 8]] });
        Assert.Equal(28, answers[0].Items.Length);
        Assert.Equal([3, 4], answers[1].Items.Order());
        Assert.Equal(25, answers[2].Items.Length);
        Assert.DoesNotContain(7, answers[2].Items);
    }

    private sealed class Thing
    {
        public string ItemId { get; set; } = "";
        public string Title { get; set; } = "";
        public string Kind { get; set; } = "";
    }

    private sealed class Recorder(Action<R2ecProgress> tell) : IProgress<R2ecProgress>
    {
        public void Report(R2ecProgress value) => tell(value);
    }
}
