using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// What training on top of a catalogue backbone may know besides its folder: the teacher it was wired from, what it should say, and the
/// fold tables. None of it is part of the model.
/// </summary>
public sealed class CatalogueBackboneGuide : TeacherGuide
{
    private readonly CatalogueBackboneOptions _options;
    private readonly ItemItemModel[] _foldTeachers;
    private readonly SpokenAttributes _attributes;
    private readonly AttributePredictor _predictor;
    private readonly CatalogueTokenizer _tokenizer;

    internal CatalogueBackboneGuide(CatalogueBackboneOptions options, ItemItemModel teacher, ItemItemModel[] foldTeachers, FoldTables? folds,
        SpokenAttributes attributes, AttributePredictor predictor, CatalogueTokenizer tokenizer, double statementStrength, double temperature) : base(teacher, temperature)
    {
        (_options, _foldTeachers, Folds, _attributes, _predictor, _tokenizer) = (options, foldTeachers, folds, attributes, predictor, tokenizer);
        StatementStrength = statementStrength;
    }

    /// <summary>The fold tables for training rows; null where there were none (fewer than two users, or switched off).</summary>
    public FoldTables? Folds { get; }

    /// <summary>What a named attribute adds to the teacher's score of the items that have it.</summary>
    public double StatementStrength { get; }

    /// <summary>What a reasoning can say, in words.</summary>
    public IReadOnlyList<string> AttributeWords => _attributes.Words;

    /// <summary>All tokens that a reasoning is made of: the statements, the answer, the end of a text. For <see cref="R2ecSettings.ReasoningTokens"/>.</summary>
    public int[] ReasoningTokens => [.. Enumerable.Range(0, _attributes.Count).Select(a => _tokenizer.PhraseToken[a]).Append(_tokenizer.AnswerToken).Append(_tokenizer.EndToken).Distinct()];

    /// <summary>Token ids of the reasoning that the predictor suggests for a history; without the closing answer.</summary>
    public int[] SuggestedReasoning(ReadOnlySpan<int> history) =>
        [.. NamedAttributes(history).Select(a => _tokenizer.PhraseToken[a])];

    /// <inheritdoc/>
    internal override ItemItemModel TeacherOf(int rowIndex) => Folds is null ? Teacher : _foldTeachers[Folds.FoldOfRow[rowIndex]];

    internal int[] NamedAttributes(ReadOnlySpan<int> history) => _predictor.Name(_attributes, history, Math.Min(_options.NamedAttributes, _attributes.Count), _options);

    /// <summary>Attributes drawn from the predictor's preferences, without replacement: reasonings as a policy at temperature 1 would write them.</summary>
    internal int[] DrawAttributes(ReadOnlySpan<int> history, Random random)
    {
        float[] preferences = _predictor.Preferences(_attributes, history, _options);
        return [.. preferences.Select((p, a) => (a, key: p - Math.Log(-Math.Log(1 - random.NextDouble() * 0.999999 - 5e-7))))
            .OrderByDescending(x => x.key).Take(Math.Min(_options.NamedAttributes, _attributes.Count)).Select(x => x.a)];
    }

    /// <summary>The tokens that say these attributes.</summary>
    internal int[] PhraseTokens(int[] named) => [.. named.Select(a => _tokenizer.PhraseToken[a])];

    /// <summary>Blanks the title of a history line that takes tokens [from, to], the last of which is its rating.</summary>
    internal void Blank(int[] sequence, int from, int to)
    {
        for (int t = from; t < to; t++)
            if (sequence[t] >= CatalogueText.ControlTokens.Length) sequence[t] = _tokenizer.EndToken;
    }

    /// <summary>Adds what the named attributes give to the scores of some items.</summary>
    internal void AddStatements(int[] named, int[] items, Span<float> scores)
    {
        for (int i = 0; i < items.Length; i++)
            foreach (int a in _attributes.OfItem[items[i]])
                if (named.Contains(a)) scores[i] += (float)StatementStrength;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => Folds?.Dispose();
}
