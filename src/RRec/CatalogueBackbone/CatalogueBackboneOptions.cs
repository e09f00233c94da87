using System.Globalization;

namespace RRec.CatalogueBackbone;

/// <summary>
/// How the small backbone is made from a catalogue and its training histories. The defaults are those measured on ml-latest-small
/// (docs/catalogue-backbone.md); all budgets are steps, never seconds, so that the same seed gives the same weights.
/// </summary>
public sealed record CatalogueBackboneOptions
{
    // ---- the linear teacher -------------------------------------------------------------------------------------------------------

    /// <summary>Ridge of the item-item regression (EASE), in squared purchase counts. Default 300, range &gt; 0; sparse logs want 10 to 100.</summary>
    public double EaseRidge { get; init; } = 300;

    /// <summary>Weight of the text similarity (TF-IDF cosine) beside EASE. Default 0.03, range &gt;= 0; 0 switches text off.</summary>
    public double TextWeight { get; init; } = 0.03;

    /// <summary>
    /// How much more text counts for an item that few have bought, because it has little else: its weight is <see cref="TextWeight"/> (1 + this / (1 + purchases)).
    /// Default 0.75, range &gt;= 0; 0 leaves items that nobody has bought behind those that somebody has.
    /// </summary>
    public double NewItemBoost { get; init; } = 0.75;

    /// <summary>Weight of the next-item regression, after scaling it to EASE's spread. Default 0.4, range &gt;= 0; 0 switches it off.</summary>
    public double NextItemWeight { get; init; } = 0.4;

    /// <summary>Ridge of the next-item regression. Default 60, range &gt; 0.</summary>
    public double NextItemRidge { get; init; } = 60;

    /// <summary>How much less each purchase further back counts. Default 0.8, range (0, 1).</summary>
    public double Decay { get; init; } = 0.8;

    /// <summary>History lines that the teacher reads and the prompt shows. Default 20, range 1 to 200.</summary>
    public int Window { get; init; } = 20;

    /// <summary>How many of the following purchases a history is regressed on, the j-th weighted <see cref="Decay"/>^j. Default 10, range &gt;= 1.</summary>
    public int NextItems { get; init; } = 10;

    /// <summary>
    /// The dense teacher holds several [items, items] matrices and costs items^3: above this many items a teacher of low rank takes its place, whose memory and time
    /// grow with items x <see cref="LargeTeacherRank"/>. Default 12,000 (about 0.6 GB a matrix), range &gt;= 2.
    /// </summary>
    public int MaxTeacherItems { get; init; } = 12_000;

    /// <summary>Rank of the low-rank teacher's co-purchase part; its next-item part has half of it. Default 128, range 2 to 2,048. Ignored up to <see cref="MaxTeacherItems"/> items.</summary>
    public int LargeTeacherRank { get; init; } = 128;

    // ---- factors and their distillation --------------------------------------------------------------------------------------------

    /// <summary>Hidden size of the decoder, a multiple of 64 (heads of 32). Default 256; the factors' rank follows from it. Range 128 to 1,024.</summary>
    public int HiddenSize { get; init; } = 256;

    /// <summary>Decoder layers. Default 2, range 2 to 8: layer 1 reads the reasoning, further ones start as noise.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Steps of the linear distillation of the factors. Default 600, range &gt;= 0; 0 keeps the eigenvectors.</summary>
    public int DistillationSteps { get; init; } = 600;

    /// <summary>Histories a step of the distillation. Default 192, range &gt;= 1.</summary>
    public int DistillationBatch { get; init; } = 192;

    /// <summary>
    /// Temperature of the teacher's softmax in the distillation losses, in units of the teacher's scores. Default 0 = derived from the
    /// scores' spread (gives .006 on ml-latest-small). Too warm a teacher is uniform and teaches nothing.
    /// </summary>
    public double TeacherTemperature { get; init; }

    // ---- reasoning -------------------------------------------------------------------------------------------------------------------

    /// <summary>How many attributes a reasoning names. Default 4, range 0 to 8; 0 makes a backbone without reasoning.</summary>
    public int NamedAttributes { get; init; } = 4;

    /// <summary>
    /// What one named attribute adds to the scores of the items that have it, in units of the teacher's scores. Default 0 = chosen on
    /// left-out training rows.
    /// </summary>
    public double AttributeStrength { get; init; }

    /// <summary>Teachers for the fold tables, each without its share of the users. Default 5, range 0 (none) or 2 to 20.</summary>
    public int Folds { get; init; } = 5;

    /// <summary>
    /// Teachers fitted on the first part of the time, from 60% on: what is worth saying is learned from the purchases after it. Default 4, range 0 to 8;
    /// 0, rows without <see cref="RRec.Data.UserHistory.Now"/> or fewer than 1,000: learned from the users that the <see cref="Folds"/> leave out.
    /// </summary>
    public int TimeTeachers { get; init; } = 4;

    // ---- tokenizer -------------------------------------------------------------------------------------------------------------------

    /// <summary>Merges inside words before whole titles are joined. Default 8,000, range &gt;= 0.</summary>
    public int WordMerges { get; init; } = 8000;

    /// <summary>Vocabulary size at which no further titles are made one token (the most bought come first). Default 60,000, range &gt;= 512.</summary>
    public int MaxVocabulary { get; init; } = 60_000;

    /// <summary>Seed of everything random in the build. Default 0.</summary>
    public int Seed { get; init; }

    /// <summary>Every setting that breaks its rule, one sentence each; empty where all are fine.</summary>
    public IReadOnlyList<string> Violations()
    {
        List<string> found = [];
        void Check(bool ok, string name, object value, string rule)
        {
            if (!ok) found.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}: it must be {rule}."));
        }

        static bool NotNegative(double x) => x >= 0 && double.IsFinite(x);
        static bool Positive(double x) => x > 0 && double.IsFinite(x);

        Check(Positive(EaseRidge), nameof(EaseRidge), EaseRidge, "above 0");
        Check(NotNegative(TextWeight), nameof(TextWeight), TextWeight, "0 or more");
        Check(NotNegative(NewItemBoost), nameof(NewItemBoost), NewItemBoost, "0 or more");
        Check(NotNegative(NextItemWeight), nameof(NextItemWeight), NextItemWeight, "0 or more");
        Check(Positive(NextItemRidge), nameof(NextItemRidge), NextItemRidge, "above 0");
        Check(Decay is > 0 and < 1, nameof(Decay), Decay, "between 0 and 1, both excluded");
        Check(Window is >= 1 and <= 200, nameof(Window), Window, "1 to 200");
        Check(NextItems >= 1, nameof(NextItems), NextItems, "1 or more");
        Check(MaxTeacherItems >= 2, nameof(MaxTeacherItems), MaxTeacherItems, "2 or more");
        Check(LargeTeacherRank is >= 2 and <= 2048, nameof(LargeTeacherRank), LargeTeacherRank, "2 to 2,048");
        Check(HiddenSize is >= 128 and <= 1024 && HiddenSize % 64 == 0, nameof(HiddenSize), HiddenSize, "a multiple of 64 from 128 to 1,024");
        Check(Layers is >= 2 and <= 8, nameof(Layers), Layers, "2 to 8");
        Check(DistillationSteps >= 0, nameof(DistillationSteps), DistillationSteps, "0 or more");
        Check(DistillationBatch >= 1, nameof(DistillationBatch), DistillationBatch, "1 or more");
        Check(NotNegative(TeacherTemperature), nameof(TeacherTemperature), TeacherTemperature, "0 (derived) or more");
        Check(NamedAttributes is >= 0 and <= 8, nameof(NamedAttributes), NamedAttributes, "0 to 8");
        Check(NotNegative(AttributeStrength), nameof(AttributeStrength), AttributeStrength, "0 (chosen) or more");
        Check(Folds is 0 or (>= 2 and <= 20), nameof(Folds), Folds, "0, or 2 to 20");
        Check(TimeTeachers is >= 0 and <= 8, nameof(TimeTeachers), TimeTeachers, "0 to 8");
        Check(WordMerges >= 0, nameof(WordMerges), WordMerges, "0 or more");
        Check(MaxVocabulary >= 512, nameof(MaxVocabulary), MaxVocabulary, "512 or more");
        return found;
    }

    /// <summary>The gate that every build passes.</summary>
    /// <exception cref="ArgumentException">Names all violations at once.</exception>
    public void Validate()
    {
        IReadOnlyList<string> found = Violations();
        if (found.Count > 0) throw new ArgumentException("Catalogue backbone options:" + Environment.NewLine + string.Join(Environment.NewLine, found));
    }
}
