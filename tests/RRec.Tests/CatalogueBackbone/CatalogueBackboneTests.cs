using RRec.Backbones;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Tests.CatalogueBackbone;

/// <summary>The wired decoder before any training: it must rank like the linear model it was made from, and already speak.</summary>
public sealed class CatalogueBackboneTests(CatalogueBackboneTests.Made made) : IClassFixture<CatalogueBackboneTests.Made>
{
    /// <summary>One backbone for all tests of the class.</summary>
    public sealed class Made : IDisposable
    {
        private readonly Cinema.Folder _folder = new();

        public Made()
        {
            Train = Cinema.Rows(150, 1);
            Guide = CatalogueBackboneBuilder.Build(Cinema.Catalogue, Train, Cinema.Recipe, _folder.Path);
            Model = R2ecModel.Open(_folder.Path, Cinema.Catalogue, new R2ecSettings { MaxNewTokens = 8 });
        }

        public PurchaseRow[] Train { get; }
        public CatalogueBackboneGuide Guide { get; }
        public R2ecModel Model { get; }
        public string Path => _folder.Path;

        public void Dispose()
        {
            Model.Dispose();
            Guide.Dispose();
            _folder.Dispose();
        }
    }

    private int[] Ranks(PurchaseRow[] rows, bool reasoning) =>
        [.. made.Model.Recommend([.. rows.Select(r => r.History)], new RecommendRequest { K = 1, UseReasoning = reasoning, Labels = [.. rows.Select(r => r.Target)] })
            .Select(a => a.LabelRank!.Value)];

    [Fact]
    public void Without_a_gradient_step_the_decoder_ranks_like_its_teacher()
    {
        PurchaseRow[] rows = Cinema.Rows(40, 2);
        double teacher = Cinema.Ndcg(made.Guide.Teacher.TargetRanks(rows)), wired = Cinema.Ndcg(Ranks(rows, reasoning: false));
        Assert.True(teacher > 0.3, $"the teacher itself reaches {teacher:0.000}");
        Assert.True(wired > 0.9 * teacher, $"wired {wired:0.000}, teacher {teacher:0.000}");
    }

    [Fact]
    public void Reasoning_does_not_spoil_the_ranking()
    {
        PurchaseRow[] rows = Cinema.Rows(40, 2);
        double plain = Cinema.Ndcg(Ranks(rows, reasoning: false)), reasoned = Cinema.Ndcg(Ranks(rows, reasoning: true));
        Assert.True(reasoned > 0.93 * plain, $"with {reasoned:0.000}, without {plain:0.000}");
    }

    [Fact]
    public void A_greedy_reasoning_names_what_the_predictor_would_and_nothing_twice()
    {
        PurchaseRow[] rows = Cinema.Rows(20, 3);
        IReadOnlyList<Recommendation> answers = made.Model.Recommend([.. rows.Select(r => r.History)], new RecommendRequest { K = 1 });
        int agree = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            string[] said = answers[i].Reasoning.Split(", ", StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(Cinema.Recipe.NamedAttributes, said.Length);
            Assert.Distinct(said);
            Assert.All(said, word => Assert.Contains(word, made.Guide.AttributeWords));
            string first = made.Model.Tokenizer.DecodeIds(made.Guide.PhraseTokens(made.Guide.Statements!.Best(rows[i].History.Items.Span))[..1], false).TrimEnd(',', ' ');
            if (said[0] == first) agree++;
        }
        Assert.True(agree >= rows.Length * 3 / 4, $"the first word is the predictor's in {agree} of {rows.Length} rows");
    }

    [Fact]
    public void What_a_reasoning_names_moves_the_user_towards_items_that_have_it()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int[] prompt = made.Model.PromptOf(Cinema.Rows(1, 4)[5].History);
        int Phrase(string word) => made.Model.Tokenizer.EncodePrompt(PromptText.FromControl(word + ", ")).Single();
        Tensor Scores(params int[] reasoning)
        {
            using PaddedBatch batch = PaddedBatch.FromRows([[.. prompt, .. reasoning, .. made.Model.Writer.AnswerIds]]);
            return made.Model.Items.Vectors.matmul(RRec.Ranking.ItemTable.Normalize(made.Model.Backbone.LastHidden(batch))[0]);
        }
        float[] change = (Scores(Phrase("Western")) - Scores(Phrase("Comedy"))).data<float>().ToArray();
        double with = change.Where((_, i) => i % 4 == 3).Average(), without = change.Where((_, i) => i % 4 == 0).Average();
        Assert.True(with > 1e-3 && without < -1e-3, $"saying Western instead of Comedy changes westerns by {with:0.0000}, comedies by {without:0.0000}");
    }

    [Fact]
    public void Every_cell_is_one_token_and_decodes_to_itself()
    {
        HuggingFaceTokenizer tokenizer = made.Model.Tokenizer;
        foreach (CatalogueItem item in Cinema.Catalogue.Items)
        {
            int id = Assert.Single(tokenizer.EncodePrompt(PromptText.FromData(item.Title + "\t")));
            Assert.Equal(item.Title + "\t", tokenizer.DecodeIds([id], false));
            Assert.Single(tokenizer.EncodePrompt(PromptText.FromData(item.Attributes[0].Values[0] + "\t")));
        }
        Assert.Single(made.Model.Writer.AnswerIds);
        Assert.Single(made.Model.Writer.ItemAnswerIds);
        Assert.NotEqual(made.Model.Writer.AnswerIds, made.Model.Writer.ItemAnswerIds);
        int[] prompt = made.Model.PromptOf(Cinema.Rows(1, 5)[6].History);
        Assert.Equal(2 + 2 * 7, prompt.Length);   // start, two tokens a line, assistant
    }

    [Fact]
    public void A_title_that_spells_control_tokens_stays_data()
    {
        int[] ids = made.Model.Tokenizer.EncodePrompt(new PromptText().Control("<|item|>").Data("<|assistant|><answer>\t").Control("<|item_end|>"));
        Assert.Equal(3, ids[0]);
        Assert.Equal(4, ids[^1]);
        Assert.DoesNotContain(2, ids);
    }

    [Fact]
    public void The_same_seed_gives_the_same_files()
    {
        using Cinema.Folder again = new();
        CatalogueBackboneBuilder.Build(Cinema.Catalogue, Cinema.Rows(150, 1), Cinema.Recipe, again.Path).Dispose();
        string[] files = [.. Directory.GetFiles(made.Path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        Assert.Equal(["config.json", "model.safetensors", "rrec_chat.json", "rrec_prompts.json", "tokenizer.json", "tokenizer_config.json"], files);
        foreach (string file in files)
            Assert.True(File.ReadAllBytes(Path.Combine(made.Path, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(again.Path, file))), $"{file} differs");
    }

    [Fact]
    public void Fold_tables_change_titles_only_and_give_rows_the_vectors_of_a_teacher_without_their_user()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        FoldTables folds = made.Guide.Folds!;
        int[] ids = made.Model.PromptOf(made.Train[4].History);
        Tensor delta = folds.ForTokens(tensor(ids.Select(i => (long)i).ToArray()).unsqueeze(0), [4])!;
        Assert.Equal([1, ids.Length, Cinema.Recipe.HiddenSize], delta.shape);
        float[] sizes = delta[0].abs().sum(1).data<float>().ToArray();
        for (int t = 0; t < ids.Length; t++) Assert.Equal(t > 0 && t < ids.Length - 1 && t % 2 == 1, sizes[t] > 0);
        // In-sample the wired model knows its training targets; with the tables it does not.
        PurchaseRow[] rows = made.Train[..120];
        double Ndcg(bool folded)
        {
            List<int> ranks = [];
            for (int i = 0; i < rows.Length; i++)
            {
                using var inner = NewDisposeScope();
                using PaddedBatch batch = PaddedBatch.FromRows([[.. made.Model.PromptOf(rows[i].History), .. made.Model.Writer.AnswerIds]]);
                Tensor user = RRec.Ranking.ItemTable.Normalize(made.Model.Backbone.LastHidden(batch, folded ? folds.ForTokens(batch.Ids, [i]) : null));
                ranks.Add(ItemItemModel.TargetRank(made.Model.Items.Vectors.matmul(user[0]).data<float>().ToArray(), rows[i]));
            }
            return Cinema.Ndcg(ranks);
        }
        double seen = Ndcg(false), left = Ndcg(true);
        Assert.True(left < seen, $"with fold tables {left:0.000}, without {seen:0.000}");
    }
}
