namespace RRec.CatalogueBackbone;

/// <summary>
/// What the dimensions of a catalogue backbone's hidden state start as. The ranking part is all that user and item vectors share; what
/// the other dimensions hold in a user vector meets zeros in every item vector, so it cannot change an order.
/// </summary>
internal sealed class WiringLayout
{
    /// <summary>Size of an attention head; a decoder has hidden / 32 of them.</summary>
    public const int Head = 32;

    private const int Flags = 8;

    public WiringLayout(int hidden)
    {
        Hidden = hidden;
        Rank = (hidden - 2 - 3 * SpokenAttributes.Limit - Flags) / 2;
        Filler = Rank;
        Attributes = Rank + 1;
        Ranking = Rank + 1 + SpokenAttributes.Limit;
        User = Ranking;
        UserFiller = User + Rank;
        Said = UserFiller + 1;
        Wish = Said + SpokenAttributes.Limit;
        IsTitle = Wish + SpokenAttributes.Limit;
        UserHeads = (Rank + Head - 1) / Head;
        ItemHeads = (Ranking + Head - 1) / Head;
        if (UserHeads + ItemHeads > hidden / Head || AttributeMeans < 1) throw new ArgumentException($"HiddenSize {hidden} leaves no room for the wiring.");
    }

    public int Hidden { get; }

    /// <summary>Factors: dimensions [0, Rank) hold v of an item, or the sum that makes a user.</summary>
    public int Rank { get; }

    /// <summary>Brings every item to the same length, so that the cosine ranks like the dot product.</summary>
    public int Filler { get; }

    /// <summary>Attribute indicators of an item; in a user, what its reasoning named. <see cref="SpokenAttributes.Limit"/> dimensions.</summary>
    public int Attributes { get; }

    /// <summary>Number of dimensions that item vectors live in: factors, filler, attributes.</summary>
    public int Ranking { get; }

    /// <summary>u of a title: what it adds to a user who bought it; then its filler.</summary>
    public int User { get; }

    public int UserFiller { get; }

    /// <summary>Which attribute a reasoning's token names.</summary>
    public int Said { get; }

    /// <summary>How much each attribute wants to be said; read by the language head.</summary>
    public int Wish { get; }

    // Flags, one dimension each: what kind of token this is.
    public int IsTitle { get; }
    public int ReadsUser => IsTitle + 1;
    public int ReadsItem => IsTitle + 2;
    public int IsStart => IsTitle + 3;
    public int IsPhrase => IsTitle + 4;
    public int IsAssistant => IsTitle + 5;
    public int Speaks => IsTitle + 6;
    public int Stop => IsTitle + 7;

    /// <summary>Layer 0: heads that gather u over the titles of a history.</summary>
    public int UserHeads { get; }

    /// <summary>Layer 0: heads that copy the ranking part of an item's title.</summary>
    public int ItemHeads { get; }

    /// <summary>Layer 1: from this head on, heads that read the attributes of the titles while reasoning, each with another decay.</summary>
    public const int AttributeHead = 3;

    /// <summary>How many means of the history's attributes there are heads for.</summary>
    public int AttributeMeans => Math.Min(3, Hidden / Head - AttributeHead);
}
