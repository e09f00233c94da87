namespace RRec.Text.Tokenization;

/// <summary>The post_processor of a tokenizer.json: which special tokens go around a text. Types that are not here are refused by name.</summary>
internal sealed class PostProcessor
{
    public PostProcessor(JsonPlace? place, Vocabulary vocabulary)
    {
        if (place is { } root) Add(root, vocabulary);
    }

    /// <summary>Special tokens before a text, e.g. the BOS.</summary>
    public int[] Before { get; private set; } = [];

    /// <summary>Special tokens after a text.</summary>
    public int[] After { get; private set; } = [];

    /// <summary>Whether places of tokens leave out the white space at their ends.</summary>
    public bool TrimsOffsets { get; private set; }

    /// <summary>Whether that trimming takes the first token's leading blank for one that was put there.</summary>
    public bool PrefixSpace { get; private set; }

    private void Add(JsonPlace place, Vocabulary vocabulary)
    {
        switch (place.Type())
        {
            case "Sequence":
                foreach (JsonPlace part in place.Get("processors").Items()) Add(part, vocabulary);
                break;
            case "ByteLevel":
                TrimsOffsets |= place.Flag("trim_offsets", true);
                PrefixSpace |= place.Flag("add_prefix_space", true);
                break;
            case "TemplateProcessing":
                ReadTemplate(place, vocabulary);
                break;
            default:
                throw place.Wrong($"the post-processor '{place.Type()}' is not supported; supported are Sequence, ByteLevel and TemplateProcessing");
        }
    }

    private void ReadTemplate(JsonPlace place, Vocabulary vocabulary)
    {
        var before = new List<int>();
        var after = new List<int>();
        bool seen = false;
        foreach (JsonPlace part in place.Get("single").Items())
        {
            if (part.Find("Sequence") is { } sequence)
            {
                if (seen) throw sequence.Wrong("the text occurs twice in the template");
                seen = true;
                continue;
            }
            string name = part.Get("SpecialToken").Get("id").Text();
            JsonPlace ids = place.Get("special_tokens").Get(name).Get("ids");
            foreach (JsonPlace item in ids.Items())
            {
                int id = item.Int32();
                if (vocabulary.TokenOf(id) is null) throw item.Wrong($"no token has the id {id}");
                (seen ? after : before).Add(id);
            }
        }
        if (!seen) throw place.Wrong("the text does not occur in the template");
        Before = [.. before, .. Before];
        After = [.. After, .. after];
    }
}
