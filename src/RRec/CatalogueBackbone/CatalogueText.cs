using System.Text.RegularExpressions;
using RRec.Text;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The layout that the catalogue backbone reads: everything is a cell that ends in a tab, a line break or (in reasonings) a comma and a
/// blank, so that the tokenizer can make each cell one token. Control tokens are the only added tokens; data can never spell them.
/// </summary>
internal static partial class CatalogueText
{
    public const string End = "<|end|>", User = "<|user|>", Assistant = "<|assistant|>", Item = "<|item|>", ItemEnd = "<|item_end|>";
    public const string Answer = "<answer>";

    /// <summary>Control tokens in the order of their ids.</summary>
    public static readonly string[] ControlTokens = [End, User, Assistant, Item, ItemEnd];

    /// <summary>Splits text into cells for the tokenizer; every character falls into exactly one match.</summary>
    public const string CellPattern = @"[^\t\n]*[\t\n]|<answer>|[^\t\n,<]+(?:, )?|[,<]";

    /// <summary>Attribute values of more words than this are cut in an item's text.</summary>
    public const int MaxValueWords = 12;

    // The writer of the prompts decides the letters; these must spell the same cells.
    public static string TitleCell(string title) => PromptValues.OneLine(title) + "\t";

    public static string ValueCell(string value) => PromptValues.LimitWords(value, MaxValueWords) + "\t";

    /// <summary>The rating and the line break; the line break alone where the rating is unknown.</summary>
    public static string RatingCell(float? rating) => (rating is { } r && float.IsFinite(r) ? PromptValues.Rating(r) : "") + "\n";

    /// <summary>How a reasoning names an attribute: its words without the characters that end a cell, and the comma that closes it.</summary>
    public static string PhraseCell(string words) => Phrase(words) + ", ";

    /// <summary>An attribute's words as one statement of a list: without what would end it, and short.</summary>
    public static string Phrase(string words)
    {
        string text = OneLine(PhraseBreak().Replace(words, " "));
        if (text.Length > 40) text = text[..(char.IsHighSurrogate(text[39]) ? 39 : 40)].TrimEnd();
        return text.Length == 0 ? "other" : text;
    }

    /// <summary>Runs of blanks, tabs, line breaks, unseen characters and halves of characters become one blank: a cell must not end inside a title.</summary>
    public static string OneLine(string text) => Blanks().Replace(text, " ").Trim();

    // \p{C} would take both halves of every character beyond the first 65,536, an emoji say.
    [GeneratedRegex(@"(?:[\s\p{Cc}\p{Cf}\p{Co}\p{Cn}]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF])+")]
    private static partial Regex Blanks();

    [GeneratedRegex("[,<]+")]
    private static partial Regex PhraseBreak();
}
