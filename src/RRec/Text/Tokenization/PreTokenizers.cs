namespace RRec.Text.Tokenization;

/// <summary>The pre_tokenizer of a tokenizer.json, as steps on a segment. Types that are not here are refused by name.</summary>
internal sealed class PreTokenizers
{
    private readonly List<Action<Segment>> _steps = [];

    public PreTokenizers(JsonPlace? place)
    {
        if (place is { } root) Add(root);
    }

    /// <summary>Whether the pieces are to be read as bytes in the byte-level alphabet.</summary>
    public bool IsByteLevel { get; private set; }

    public void Apply(Segment segment)
    {
        segment.OnePiece();
        foreach (Action<Segment> step in _steps) step(segment);
    }

    private void Add(JsonPlace place)
    {
        string type = place.Type();
        if (IsByteLevel) throw place.Wrong($"a {type} after ByteLevel is not supported");
        switch (type)
        {
            case "Sequence":
                foreach (JsonPlace part in place.Get("pretokenizers").Items()) Add(part);
                break;
            case "Split":
                ISplitter splitter = Splitter(place);
                _steps.Add(segment => segment.Divide(splitter));
                break;
            case "Digits":
                var digits = new DigitSplitter(place.Flag("individual_digits", false));
                _steps.Add(segment => segment.Divide(digits));
                break;
            case "ByteLevel":
                if (place.Flag("add_prefix_space", true))
                    _steps.Add(segment => segment.Prepend(' ', start => segment.Text[start] != ' '));
                if (place.Flag("use_regex", true))
                {
                    PatternScanner scanner = PatternScanner.For(PatternScanner.Gpt2)!;
                    _steps.Add(segment => segment.Divide(scanner));
                }
                IsByteLevel = true;
                break;
            case "Metaspace":
                AddMetaspace(place);
                break;
            default:
                throw place.Wrong($"the pre-tokenizer '{type}' is not supported; supported are Sequence, Split, Digits, ByteLevel and Metaspace");
        }
    }

    private static ISplitter Splitter(JsonPlace place)
    {
        SplitBehavior behavior = Behavior(place.Get("behavior"));
        bool invert = place.Flag("invert", false);
        JsonPlace pattern = place.Get("pattern");
        if (pattern.Find("String") is { } text) return new StringSplitter(text.Text(), behavior, invert);
        string regex = pattern.Get("Regex").Text();
        // The known patterns cover every character, so that each match is a piece under all behaviours but one.
        if (behavior == SplitBehavior.Isolated && !invert && PatternScanner.For(regex) is { } known) return known;
        return new RegexSplitter(pattern, regex, behavior, invert);
    }

    private static SplitBehavior Behavior(JsonPlace place) =>
        Enum.TryParse(place.Text(), out SplitBehavior behavior) && Enum.GetName(behavior) == place.Text()
            ? behavior
            : throw place.Wrong($"the split behaviour '{place.Text()}' is not known");

    private void AddMetaspace(JsonPlace place)
    {
        char blank = MetaspaceBlank(place);
        string scheme = MetaspaceScheme(place);
        _steps.Add(segment => segment.Replace(segment.Text.Replace(' ', blank)));
        if (scheme != "never")
            _steps.Add(segment => segment.Prepend(blank, start => segment.Text[start] != blank && (scheme == "always" || segment.StartOf(start) == 0)));
        if (!place.Flag("split", true)) return;
        var splitter = new StringSplitter(blank.ToString(), SplitBehavior.MergedWithNext, invert: false);
        _steps.Add(segment => segment.Divide(splitter));
    }

    internal static char MetaspaceBlank(JsonPlace place) =>
        place.Get("replacement") is var r && r.Text().Length == 1 ? r.Text()[0] : throw place.Wrong("the replacement must be one character");

    internal static string MetaspaceScheme(JsonPlace place)
    {
        string scheme = place.Find("prepend_scheme") is { } value ? value.Text() : place.Flag("add_prefix_space", true) ? "always" : "never";
        return scheme is "always" or "first" or "never" ? scheme : throw place.Wrong($"the prepend_scheme '{scheme}' is not known");
    }
}
