using Microsoft.ML;
using RRec.CatalogueBackbone;
using RRec.Persistence;
using RRec.RecPO;
using RRec.Text;
using RRec.WarmUp;

namespace RRec.MLNet;

public sealed partial class R2ecTrainer
{
    internal const string DefaultItemIdColumnName = "ItemId";
    internal const string DefaultTitleColumnName = "Title";
    internal const string DefaultCategory = "product";
    internal const int DefaultK = 20;

    /// <summary>Everything that can be set about R2ec, by stage. Only <see cref="Items"/> has no default.</summary>
    public sealed class Options
    {
        // ---- The catalogue -------------------------------------------------------------------------------------------------------------

        /// <summary>The items that can be recommended, one row each. Needed.</summary>
        public IDataView? Items { get; set; }

        /// <summary>The column of <see cref="Items"/> with the item's id: text, key or number; unique. Default <c>ItemId</c>.</summary>
        public string ItemIdColumnName { get; set; } = DefaultItemIdColumnName;

        /// <summary>The column of <see cref="Items"/> with what a person would call the item. Default <c>Title</c>.</summary>
        public string TitleColumnName { get; set; } = DefaultTitleColumnName;

        /// <summary>
        /// What else the model is told about an item: columns of <see cref="Items"/> of any scalar or vector type, and their labels in the prompt. Null
        /// (default): all columns of text, keys or numbers but id and title, labelled by their names; of vectors of numbers only those of at most 8. Empty: the title alone.
        /// </summary>
        public IReadOnlyList<(string Column, string Label)>? ItemAttributes { get; set; }

        /// <summary>Splits a text attribute into several values, e.g. <c>Comedy|Drama</c>. Default <c>|</c>; null: never split.</summary>
        public char? AttributeSeparator { get; set; } = '|';

        /// <summary>Attribute values with more words than this are cut (long descriptions). 1 or more; default 100 (paper's prompt); 0: never.</summary>
        public int MaxAttributeWords { get; set; } = 100;

        /// <summary>What one item is called in the prompts. Default <c>product</c>.</summary>
        public string Category { get; set; } = DefaultCategory;

        /// <summary>What several are called. Null (default): <see cref="Category"/> with an s.</summary>
        public string? CategoryPlural { get; set; }

        // ---- Columns of the rows to fit and to score (HistoryColumns: what CreatePurchaseHistories makes) ------------------------------------

        /// <summary>Vector of ids, text, key or number: all earlier purchases, oldest first. Needed in the data.</summary>
        public string HistoryItemsColumnName { get; set; } = HistoryColumns.Items;

        /// <summary>Vector of numbers, one rating per history item. Data without it (or null) gives prompts without ratings.</summary>
        public string? HistoryRatingsColumnName { get; set; } = HistoryColumns.Ratings;

        /// <summary>Vector of times, one per history item. Data without it (or null) gives prompts without times.</summary>
        public string? HistoryTimestampsColumnName { get; set; } = HistoryColumns.Timestamps;

        /// <summary>The moment of the question: a time. Data without it (or null) gives prompts without times.</summary>
        public string? TimestampColumnName { get; set; } = HistoryColumns.Timestamp;

        /// <summary>The id of the item bought next: text, key or number. Needed to fit; where scored data has it, its rank is reported.</summary>
        public string LabelColumnName { get; set; } = HistoryColumns.Label;

        /// <summary>Who bought: text, key or number. Used in training only (folds of the catalogue backbone); data without it (or null) is fine.</summary>
        public string? UserColumnName { get; set; } = HistoryColumns.User;

        /// <summary>Scoring only: vector of ids; a row's answer holds none but these. Null (default): no such column.</summary>
        public string? AllowedItemsColumnName { get; set; }

        /// <summary>Scoring only: vector of ids; a row's answer holds none of these. Null (default): no such column.</summary>
        public string? ExcludedItemsColumnName { get; set; }

        /// <summary>The unit of numeric time columns. Default milliseconds, as <c>CreatePurchaseHistories</c> writes them; ignored for dates.</summary>
        public TimestampUnit TimestampUnit { get; set; } = TimestampUnit.Milliseconds;

        /// <summary>The best rating of the scale; ratings are shown out of 5 and scaled to it (recpo-reference, section 2). Above 0; default 5.</summary>
        public float RatingScale { get; set; } = 5;

        // ---- Output columns ---------------------------------------------------------------------------------------------------------------

        /// <summary>How many items a row gets. 1 to 10,000; default 20. Slots beyond the catalogue's size hold empty text and NaN.</summary>
        public int K { get; set; } = DefaultK;

        /// <summary>Text: why. Default <c>Reasoning</c>.</summary>
        public string ReasoningColumnName { get; set; } = "Reasoning";

        /// <summary>Vector of K texts: item ids, best first. Default <c>PredictedItems</c>.</summary>
        public string PredictedItemsColumnName { get; set; } = "PredictedItems";

        /// <summary>Vector of K Single: cosine / temperature, annotated as scores. Default <c>Score</c>.</summary>
        public string ScoreColumnName { get; set; } = "Score";

        /// <summary>Vector of K texts: titles of the items. Null (default): no such column.</summary>
        public string? PredictedTitlesColumnName { get; set; }

        /// <summary>Single: the label's exact rank among all items, 1 the best, NaN where the label is not in the catalogue; only where the data has a label. Null: never. Default <c>LabelRank</c>.</summary>
        public string? LabelRankColumnName { get; set; } = "LabelRank";

        /// <summary>The most rows a cursor looks ahead and scores together. 1 to 65,536; default 256. More is faster and takes more memory.</summary>
        public int ScoringBatchSize { get; set; } = 256;

        /// <summary>
        /// How many reasonings the transformer samples per row; the unit user vectors behind them are averaged, and the text shown is the first one's. 1 to 256; 1
        /// (default) writes one, greedily. Costs that many generations; what it gains: docs/quality.md. <see cref="R2ecTransformer.WithReasoningSamples"/> changes it later.
        /// </summary>
        public int ReasoningSamples { get; set; } = 1;

        /// <summary>The temperature at which they are sampled. Above 0 and finite; default 1. Ignored where <see cref="ReasoningSamples"/> is 1.</summary>
        public double ReasoningTemperature { get; set; } = 1;

        // ---- The model ----------------------------------------------------------------------------------------------------------------------

        /// <summary>A Hugging Face folder of a supported family, or a .gguf file of the Llama architecture; null (default): a small backbone is made from the catalogue and the training rows.</summary>
        public string? Backbone { get; set; }

        /// <summary>
        /// How that small backbone is made; null (default): as measured on MovieLens. With <see cref="Backbone"/> only what it says of the linear teacher counts, which the warm-up
        /// follows; ignored with <see cref="InitialModel"/>.
        /// </summary>
        public CatalogueBackboneOptions? CatalogueBackbone { get; set; }

        /// <summary>Where that small backbone is kept, as a Hugging Face folder; null (default): nowhere, it is in the model. Ignored with <see cref="Backbone"/> or <see cref="InitialModel"/>.</summary>
        public string? BackboneOutput { get; set; }

        /// <summary>
        /// Continue from a model fitted before: RecPO goes on from it, and it stays as it is. Excludes <see cref="Backbone"/>. A catalogue backbone's linear teacher, which holds the
        /// ranking meanwhile (<see cref="AnchorWeight"/>), is there only in the process that made it and for the same rows; without it a warning says so. Null (default): start anew. With
        /// <see cref="RunRecPO"/> false in the first fit, two fits measure what RecPO adds.
        /// </summary>
        public R2ecTransformer? InitialModel { get; set; }

        /// <summary>A folder with a PEFT adapter that training starts from. Null (default): none. Needs <see cref="Backbone"/>.</summary>
        public string? Adapter { get; set; }

        /// <summary>How the backbone's chat turns are marked: one of <see cref="ChatFormat"/>'s presets, or a few strings of your own. Null (default): what its folder says. Needs <see cref="Backbone"/>.</summary>
        public ChatFormat? Chat { get; set; }

        /// <summary>The wording of user and item prompts. Null (default): what the backbone's folder says, or the paper's. Needs <see cref="Backbone"/>.</summary>
        public PromptFormat? Prompts { get; set; }

        /// <summary>How many of the last purchases a prompt shows; the mask always uses all. 1 or more; null (default): the backbone's own, or 20.</summary>
        public int? Window { get; set; }

        /// <summary>Whether the model reasons before it ranks. Null (default): yes.</summary>
        public bool? UseReasoning { get; set; }

        /// <summary>Whether items of the history are left out of the answer; false where people buy again. Null (default): yes.</summary>
        public bool? MaskHistory { get; set; }

        /// <summary>The rest of how the model reads and answers; null (default): the backbone's own. The three settings above win over it.</summary>
        public R2ecSettings? Settings { get; set; }

        /// <summary>The type of frozen weights: <c>float32</c> (default), <c>bfloat16</c>, <c>float16</c> (needs a GPU or libtorch 2.1), or <c>auto</c>: for a given backbone what the device multiplies fastest.</summary>
        public string WeightType { get; set; } = "float32";

        /// <summary>
        /// The warm-up before RecPO: supervision of ranking and reasoning. Null (default): for a backbone made here its own, for a given folder none.
        /// With <c>new() { Steps = 300, LearningRate = 1e-3 }</c> a given LLM learns first to rank like a linear recommender of the same purchases, and to say what that one suggests (words:
        /// <see cref="PromptFormat.Reasoning"/>), which takes a fraction of the purchases that RecPO alone would.
        /// Ignored with <see cref="InitialModel"/>.
        /// </summary>
        public WarmUpOptions? WarmUp { get; set; }

        /// <summary>
        /// Weight of the warm-up's losses beside RecPO's own, so that following rewards does not forget the ranking (and, with a given backbone, what a reasoning says). 0 (none) or
        /// more; default 1. Only where there was a warm-up with a teacher.
        /// </summary>
        public double AnchorWeight { get; set; } = 1;

        /// <summary>RecPO's settings; null (default): <see cref="RecPOOptions.Cpu"/> where the backbone is (or was) made from a catalogue, <see cref="RecPOOptions.Paper"/> for a given folder.</summary>
        public RecPOOptions? RecPO { get; set; }

        /// <summary>Whether RecPO runs; false stops after the warm-up. Default true.</summary>
        public bool RunRecPO { get; set; } = true;

        /// <summary>
        /// Seeds everything random; stages whose options are given (<see cref="CatalogueBackbone"/>, <see cref="WarmUp"/>, <see cref="RecPO"/>) bring their own seed. Null (default):
        /// drawn from the MLContext, so that <c>new MLContext(seed)</c> repeats itself.
        /// </summary>
        public int? Seed { get; set; }

        /// <summary>Whether a saved model carries the backbone's weights or names their folder. Default: named where they are unchanged and above 500 MB.</summary>
        public BackboneStorage BackboneStorage { get; set; }

        // ---- The run --------------------------------------------------------------------------------------------------------------------------

        /// <summary>Told what fitting does; null (default): only ML.NET's log hears of it.</summary>
        public IProgress<R2ecProgress>? Progress { get; set; }

        /// <summary>Stops fitting with an <see cref="OperationCanceledException"/>. The MLContext's own cancellation is heeded too.</summary>
        public CancellationToken CancellationToken { get; set; }

        /// <summary>Checks all values at one gate: what belongs to ML.NET here, the rest where the engine does.</summary>
        /// <exception cref="ArgumentException">Names every value that breaks its rule.</exception>
        internal void Validate()
        {
            List<string> broken = [];
            void Check(bool ok, string name, object? value, string rule)
            {
                if (!ok) broken.Add(FormattableString.Invariant($"{name} is {(value is string text ? $"'{text}'" : value ?? "null")}: it must be {rule}."));
            }

            void Needed(string? value, string name) => Check(!string.IsNullOrWhiteSpace(value), name, value, "the name of a column");
            Check(Items is not null, nameof(Items), Items, "a view of the items that can be recommended");
            Needed(ItemIdColumnName, nameof(ItemIdColumnName));
            Needed(TitleColumnName, nameof(TitleColumnName));
            Needed(HistoryItemsColumnName, nameof(HistoryItemsColumnName));
            Needed(LabelColumnName, nameof(LabelColumnName));
            Needed(ReasoningColumnName, nameof(ReasoningColumnName));
            Needed(PredictedItemsColumnName, nameof(PredictedItemsColumnName));
            Needed(ScoreColumnName, nameof(ScoreColumnName));
            foreach ((string column, string label) in ItemAttributes ?? [])
            {
                Needed(column, $"A column of {nameof(ItemAttributes)}");
                Check(!string.IsNullOrWhiteSpace(label), $"The label of {nameof(ItemAttributes)}' column '{column}'", label, "what the prompt calls it");
            }

            Check(!string.IsNullOrWhiteSpace(Category), nameof(Category), Category, "a word for one item");
            Check(MaxAttributeWords >= 0, nameof(MaxAttributeWords), MaxAttributeWords, "0 (never cut) or more");
            Check(RatingScale > 0 && float.IsFinite(RatingScale), nameof(RatingScale), RatingScale, "above 0 and finite");
            Check(K is >= 1 and <= 10_000, nameof(K), K, "1 to 10,000");
            Check(ScoringBatchSize is >= 1 and <= 65_536, nameof(ScoringBatchSize), ScoringBatchSize, "1 to 65,536");
            Check(ReasoningSamples is >= 1 and <= 256, nameof(ReasoningSamples), ReasoningSamples, "1 to 256");
            Check(ReasoningTemperature > 0 && double.IsFinite(ReasoningTemperature), nameof(ReasoningTemperature), ReasoningTemperature, "above 0 and finite");
            Check(Window is null or >= 1, nameof(Window), Window, "1 or more");
            Check(Enum.IsDefined(TimestampUnit), nameof(TimestampUnit), TimestampUnit, "Seconds or Milliseconds");
            Check(Enum.IsDefined(BackboneStorage), nameof(BackboneStorage), BackboneStorage, "Auto, Embed or Reference");
            string?[] outputs = [ReasoningColumnName, PredictedItemsColumnName, ScoreColumnName, PredictedTitlesColumnName, LabelRankColumnName];
            foreach (IGrouping<string?, string?> same in outputs.Where(n => n is not null).GroupBy(n => n).Where(g => g.Count() > 1))
                broken.Add($"Two output columns are called '{same.Key}': their names must differ.");
            broken.AddRange(ToTrainingOptions().Violations());
            if (broken.Count > 0) throw new ArgumentException("R2ec options:" + Environment.NewLine + string.Join(Environment.NewLine, broken));
        }

        // What the engine's training is told; device, seed, folder for temporary files and the three single settings follow when it runs.
        internal R2ecTrainingOptions ToTrainingOptions() => new()
        {
            Backbone = Backbone,
            BackboneOutput = BackboneOutput,
            CatalogueBackbone = CatalogueBackbone,
            InitialModel = InitialModel?.Model,
            WeightType = WeightType,
            Adapter = Adapter,
            Chat = Chat,
            Prompts = Prompts,
            Settings = Settings,
            WarmUp = WarmUp,
            AnchorWeight = AnchorWeight,
            RecPO = RecPO,
            RunRecPO = RunRecPO,
        };

        internal ScoringOptions ToScoringOptions() => new()
        {
            HistoryItems = HistoryItemsColumnName,
            HistoryRatings = HistoryRatingsColumnName,
            HistoryTimestamps = HistoryTimestampsColumnName,
            Timestamp = TimestampColumnName,
            Label = LabelColumnName,
            AllowedItems = AllowedItemsColumnName,
            ExcludedItems = ExcludedItemsColumnName,
            TimestampUnit = TimestampUnit,
            RatingFactor = 5 / RatingScale,
            Reasoning = ReasoningColumnName,
            PredictedItems = PredictedItemsColumnName,
            Score = ScoreColumnName,
            PredictedTitles = PredictedTitlesColumnName,
            LabelRank = LabelRankColumnName,
            K = K,
            ItemColumns = ToItemColumns(),
            BatchSize = ScoringBatchSize,
            ReasoningSamples = ReasoningSamples,
            ReasoningTemperature = ReasoningTemperature,
            ReasoningSeed = Seed ?? 0,
        };

        internal ItemColumns ToItemColumns() => new()
        {
            Id = ItemIdColumnName,
            Title = TitleColumnName,
            Attributes = ItemAttributes is null ? null : [.. ItemAttributes.Select(a => new AttributeColumn(a.Column, a.Label))],
            Separator = AttributeSeparator?.ToString(),
            MaxWords = MaxAttributeWords,
        };

        internal Options Copy() => (Options)MemberwiseClone();
    }
}
