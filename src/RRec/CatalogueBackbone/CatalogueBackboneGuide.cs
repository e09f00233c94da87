using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// What training on top of a catalogue backbone may know besides its folder: the teacher it was wired from, what it should say, and the
/// fold tables. None of it is part of the model.
/// </summary>
public sealed class CatalogueBackboneGuide : IDisposable
{
    private readonly CatalogueBackboneOptions _options;
    private readonly ItemItemModel[] _foldTeachers;
    private readonly SpokenAttributes _attributes;
    private readonly AttributePredictor _predictor;
    private readonly CatalogueTokenizer _tokenizer;

    internal CatalogueBackboneGuide(CatalogueBackboneOptions options, ItemItemModel teacher, ItemItemModel[] foldTeachers, FoldTables? folds,
        SpokenAttributes attributes, AttributePredictor predictor, CatalogueTokenizer tokenizer, double statementStrength, double temperature)
    {
        (_options, Teacher, _foldTeachers, Folds, _attributes, _predictor, _tokenizer) = (options, teacher, foldTeachers, folds, attributes, predictor, tokenizer);
        (StatementStrength, TeacherTemperature) = (statementStrength, temperature);
    }

    /// <summary>The linear recommender that the backbone was wired from.</summary>
    public ItemItemModel Teacher { get; }

    /// <summary>The fold tables for training rows; null where there were none (fewer than two users, or switched off).</summary>
    public FoldTables? Folds { get; }

    /// <summary>What a named attribute adds to the teacher's score of the items that have it.</summary>
    public double StatementStrength { get; }

    /// <summary>The temperature at which the teacher's scores are soft labels.</summary>
    public double TeacherTemperature { get; }

    /// <summary>What a reasoning can say, in words.</summary>
    public IReadOnlyList<string> AttributeWords => _attributes.Words;

    /// <summary>Token ids of the reasoning that the predictor suggests for a history; without the closing answer.</summary>
    public int[] SuggestedReasoning(ReadOnlySpan<int> history) =>
        [.. NamedAttributes(history).Select(a => _tokenizer.PhraseToken[a])];

    /// <summary>The teacher for a training row: the one without its user where there are folds.</summary>
    internal ItemItemModel TeacherOf(int rowIndex) => Folds is null ? Teacher : _foldTeachers[Folds.FoldOfRow[rowIndex]];

    internal int[] NamedAttributes(ReadOnlySpan<int> history) => _predictor.Name(_attributes, history, Math.Min(_options.NamedAttributes, _attributes.Count), _options);

    /// <summary>Adds what the named attributes give to the scores of all items.</summary>
    internal void AddStatements(ReadOnlySpan<int> named, Span<float> scores)
    {
        for (int item = 0; item < scores.Length; item++)
            foreach (int a in _attributes.OfItem[item])
                if (named.Contains(a)) scores[item] += (float)StatementStrength;
    }

    /// <inheritdoc/>
    public void Dispose() => Folds?.Dispose();
}
