using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// A linear recommender as the teacher of a warm-up. Its scores of all candidates say far more about a history than the one purchase that
/// followed it, so a backbone that cannot be wired from it, such as an LLM with an adapter, learns from it in fewer steps.
/// </summary>
public class TeacherGuide : IDisposable
{
    internal TeacherGuide(ItemItemModel teacher, double temperature) => (Teacher, TeacherTemperature) = (teacher, temperature);

    /// <summary>Fits the catalogue backbone's teacher (docs/catalogue-backbone.md) to the training rows.</summary>
    /// <param name="catalogue">All items.</param>
    /// <param name="train">Training rows.</param>
    /// <param name="options">The teacher's settings; null: the defaults.</param>
    /// <exception cref="ArgumentException">Options out of range, no training row, or rows that do not fit the catalogue.</exception>
    public static TeacherGuide Fit(Catalogue catalogue, IReadOnlyList<PurchaseRow> train, CatalogueBackboneOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(train);
        options ??= new CatalogueBackboneOptions();
        if (train.Count == 0) throw new ArgumentException("There are no training rows: a teacher is fitted to purchase histories.", nameof(train));
        ItemItemModel teacher = LinearTeacher.FitTeacher(catalogue, train, options);
        double temperature = options.TeacherTemperature > 0 ? options.TeacherTemperature : DefaultTemperature(teacher, PurchaseSequences.From(train, catalogue.Count), options);
        return new TeacherGuide(teacher, temperature);
    }

    /// <summary>The linear recommender.</summary>
    public ItemItemModel Teacher { get; }

    /// <summary>The temperature at which the teacher's scores are soft labels.</summary>
    public double TeacherTemperature { get; }

    /// <summary>The teacher for a training row: where there are folds, the one that never saw the row's user.</summary>
    internal virtual ItemItemModel TeacherOf(int rowIndex) => Teacher;

    /// <summary>The teacher's softmax should be neither uniform nor certain: a fixed share of the spread of its scores.</summary>
    internal static double DefaultTemperature(ItemItemModel teacher, PurchaseSequences sequences, CatalogueBackboneOptions options)
    {
        HistorySampler sampler = new(sequences, options.Window, options.Seed + 4);
        double spread = 0;
        const int samples = 200;
        for (int i = 0; i < samples; i++) spread += FactorDistillation.StandardDeviation(teacher.Score(sampler.Next()));
        return Math.Max(1e-9, TemperatureShare * spread / samples);
    }

    private const double TemperatureShare = 0.875;

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
