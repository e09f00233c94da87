using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// A linear recommender as the teacher of a warm-up. Its scores of all candidates say far more about a history than the one purchase that
/// followed it, so a backbone that cannot be wired from it, such as an LLM with an adapter, learns from it in fewer steps. It also knows what a
/// reasoning should say: the attributes of the next purchase whose mention helps (docs/catalogue-backbone.md, "What to say").
/// </summary>
public class TeacherGuide : IDisposable
{
    internal TeacherGuide(ItemItemModel teacher, double temperature, Statements? statements) => (Teacher, TeacherTemperature, Statements) = (teacher, temperature, statements);

    /// <summary>
    /// Fits the catalogue backbone's teacher (docs/catalogue-backbone.md) to the training rows, and what is worth saying to rows that further teachers have not seen,
    /// which costs as much again for each of <see cref="CatalogueBackboneOptions.TimeTeachers"/> (or <see cref="CatalogueBackboneOptions.Folds"/>).
    /// </summary>
    /// <param name="catalogue">All items.</param>
    /// <param name="train">Training rows.</param>
    /// <param name="options">The teacher's settings; null: the defaults. With <see cref="CatalogueBackboneOptions.NamedAttributes"/> 0 it suggests no statements.</param>
    /// <param name="cancel">Stops between the teachers.</param>
    /// <exception cref="ArgumentException">Options out of range, no training row, or rows that do not fit the catalogue.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static TeacherGuide Fit(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(train);
        options ??= new CatalogueBackboneOptions();
        options.Validate();
        if (train.Count == 0) throw new ArgumentException("There are no training rows: a teacher is fitted to purchase histories.", nameof(train));
        PurchaseSequences sequences = PurchaseSequences.From(train, catalogue.Count);
        TextVectors? text = options.TextWeight > 0 ? TextSimilarity.Vectors(catalogue) : null;
        ItemItemModel teacher = LinearTeacher.Fit(sequences, text, options);
        double temperature = TemperatureOf(teacher, sequences, options);
        if (options.NamedAttributes == 0) return new TeacherGuide(teacher, temperature, null);

        SpokenAttributes attributes = SpokenAttributes.From(catalogue, sequences.Purchases);
        IReadOnlyList<LeftOutRows> leftOut = LeftOutRows.ByTime(train, catalogue.Count, text, options, null, cancel);
        if (leftOut.Count == 0)
        {
            (int[] foldOfUser, ItemItemModel[] without) = LinearTeacher.FitFolds(sequences, text, options, null, cancel);
            leftOut = LeftOutRows.ByUser(sequences, foldOfUser, without.Length > 0 ? without : [teacher], options.Seed);
        }
        return new TeacherGuide(teacher, temperature, Statements.Fit(attributes, leftOut, Means, options, temperature));
    }

    /// <summary>The linear recommender.</summary>
    public ItemItemModel Teacher { get; }

    /// <summary>The temperature at which the teacher's scores are soft labels.</summary>
    public double TeacherTemperature { get; }

    /// <summary>What a reasoning can say, in words; empty where it has nothing to say.</summary>
    public IReadOnlyList<string> AttributeWords => Statements?.Words ?? [];

    /// <summary>What a named attribute adds to the teacher's score of the items that have it; 0 without statements.</summary>
    public double StatementStrength => Statements?.Strength ?? 0;

    internal Statements? Statements { get; }

    /// <summary>The teacher for a training row: where there are folds, the one that never saw the row's user.</summary>
    internal virtual ItemItemModel TeacherOf(int rowIndex) => Teacher;

    /// <summary>What the options say; else the teacher's softmax should be neither uniform nor certain: a fixed share of the spread of its scores.</summary>
    internal static double TemperatureOf(ItemItemModel teacher, PurchaseSequences sequences, CatalogueBackboneOptions options)
    {
        if (options.TeacherTemperature > 0) return options.TeacherTemperature;
        HistorySampler sampler = new(sequences, options.Window, options.Seed + 4);
        double spread = 0;
        const int samples = 200;
        for (int i = 0; i < samples; i++) spread += FactorDistillation.StandardDeviation(teacher.Score(sampler.Next()));
        return Math.Max(1e-9, TemperatureShare * spread / samples);
    }

    private const double TemperatureShare = 0.875;

    /// <summary>A backbone that is not wired has no heads to count: all three means of the history.</summary>
    private const int Means = 3;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what a derived guide holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
