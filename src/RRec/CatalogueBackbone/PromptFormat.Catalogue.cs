using System.Text.Json.Serialization;
using RRec.CatalogueBackbone;

namespace RRec.Text;

public sealed partial record PromptFormat
{
    /// <summary>
    /// The wording of catalogue backbones: no instruction, one title cell and one rating cell a history line, so that every line is two
    /// tokens (docs/catalogue-backbone.md). Goes with <see cref="ChatFormat.Plain"/>.
    /// </summary>
    [JsonIgnore]
    public static PromptFormat Catalogue { get; } = new()
    {
        Name = "catalogue",
        UserIntro = CatalogueText.User,
        HistoryLine = "{title}\t{rating}\n",
        LineSeparator = "",
        UserOutro = CatalogueText.Assistant,
        Reasoning = "{statements}, ",
        Answer = CatalogueText.Answer,
        ItemText = CatalogueText.Item + "{title}\t{attributes}",
        AttributeLine = "{values}\t",
        ValueSeparator = "\t",
        KeepLineBreaksInValues = true,   // else the tab between two values would become a blank
        MaxValueWords = CatalogueText.MaxValueWords,
        ItemAnswer = CatalogueText.ItemEnd,
    };
}
