using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// What training on top of a catalogue backbone may know besides its folder: the teacher it was wired from, what it should say, and the
/// fold tables. None of it is part of the model.
/// </summary>
public sealed class CatalogueBackboneGuide : TeacherGuide
{
    private readonly ItemItemModel[] _foldTeachers;
    private readonly CatalogueTokenizer _tokenizer;

    internal CatalogueBackboneGuide(ItemItemModel teacher, ItemItemModel[] foldTeachers, FoldTables? folds, Statements? statements, CatalogueTokenizer tokenizer, double temperature)
        : base(teacher, temperature, statements)
    {
        (_foldTeachers, Folds, _tokenizer) = (foldTeachers, folds, tokenizer);
    }

    /// <summary>The fold tables for training rows; null where there were none (fewer than two users, or switched off).</summary>
    public FoldTables? Folds { get; }

    /// <summary>All tokens that a reasoning is made of: the statements, the answer, the end of a text. For <see cref="R2ecSettings.ReasoningTokens"/>.</summary>
    public int[] ReasoningTokens => [.. Enumerable.Range(0, AttributeWords.Count).Select(a => _tokenizer.PhraseToken[a]).Append(_tokenizer.AnswerToken).Append(_tokenizer.EndToken).Distinct()];

    /// <inheritdoc/>
    internal override ItemItemModel TeacherOf(int rowIndex) => Folds is null ? Teacher : _foldTeachers[Folds.FoldOfRow[rowIndex]];

    /// <summary>The tokens that say these attributes.</summary>
    internal int[] PhraseTokens(int[] named) => [.. named.Select(a => _tokenizer.PhraseToken[a])];

    /// <summary>Blanks the title of a history line that takes tokens [from, to], the last of which is its rating.</summary>
    internal void Blank(int[] sequence, int from, int to)
    {
        for (int t = from; t < to; t++)
            if (sequence[t] >= CatalogueText.ControlTokens.Length) sequence[t] = _tokenizer.EndToken;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => Folds?.Dispose();
}
