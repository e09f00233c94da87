using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace RRec.Text.Tokenization;

/// <summary>The normalizer of a tokenizer.json, as steps on a segment. Types that are not here are refused by name.</summary>
internal sealed class Normalizers
{
    private readonly List<Action<Segment>> _steps = [];

    public Normalizers(JsonPlace? place)
    {
        if (place is { } root) Add(root);
    }

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _steps.Count == 0;

    public void Apply(Segment segment)
    {
        foreach (Action<Segment> step in _steps) step(segment);
    }

    private void Add(JsonPlace place)
    {
        switch (place.Type())
        {
            case "Sequence":
                foreach (JsonPlace part in place.Get("normalizers").Items()) Add(part);
                break;
            case "NFC":
                AddForm(place, NormalizationForm.FormC);
                break;
            case "NFD":
                AddForm(place, NormalizationForm.FormD);
                break;
            case "NFKC":
                AddForm(place, NormalizationForm.FormKC);
                break;
            case "NFKD":
                AddForm(place, NormalizationForm.FormKD);
                break;
            case "Replace":
                AddReplace(place);
                break;
            case "Prepend":
                string prefix = place.Get("prepend").Text();
                _steps.Add(s =>
                {
                    if (s.Text.Length > 0) s.Replace(prefix + s.Text, i => i < prefix.Length ? (0, 1) : (i - prefix.Length, i - prefix.Length + 1));
                });
                break;
            case "Strip":
                bool left = place.Flag("strip_left", true), right = place.Flag("strip_right", true);
                _steps.Add(s => Strip(s, left, right));
                break;
            default:
                throw place.Wrong($"the normalizer '{place.Type()}' is not supported; supported are " +
                                  "Sequence, NFC, NFD, NFKC, NFKD, Replace, Prepend and Strip");
        }
    }

    private void AddForm(JsonPlace place, NormalizationForm form)
    {
        // Without ICU .NET's Normalize silently returns its input, and titles with accents would get other ids than in training.
        if ("e\u0301".Normalize(NormalizationForm.FormC) != "\u00e9")
            throw place.Wrong("Unicode normalisation does not work in this process: .NET runs in globalization-invariant mode (is libicu installed?)");
        _steps.Add(s => Normalize(s, form));
    }

    private void AddReplace(JsonPlace place)
    {
        string content = place.Get("content").Text();
        JsonPlace pattern = place.Get("pattern");
        if (pattern.Find("String") is { } literal)
        {
            string text = literal.Text();
            if (text.Length == 0) return;
            if (text.Length == 1 && content.Length == 1) _steps.Add(s => s.Replace(s.Text.Replace(text[0], content[0])));
            else _steps.Add(s => ReplaceAll(s, Occurrences(s.Text, text), content));
            return;
        }
        Regex regex = RegexSplitter.Compile(pattern, pattern.Get("Regex").Text());
        _steps.Add(s =>
        {
            var matches = new List<(int, int)>();
            foreach (ValueMatch match in regex.EnumerateMatches(s.Text)) matches.Add((match.Index, match.Index + match.Length));
            ReplaceAll(s, matches, content);
        });
    }

    private static List<(int Start, int End)> Occurrences(string text, string pattern)
    {
        var found = new List<(int, int)>();
        for (int at = text.IndexOf(pattern, StringComparison.Ordinal); at >= 0; at = text.IndexOf(pattern, at + pattern.Length, StringComparison.Ordinal))
            found.Add((at, at + pattern.Length));
        return found;
    }

    private static void ReplaceAll(Segment segment, List<(int Start, int End)> matches, string content)
    {
        if (matches.Count == 0) return;
        var text = new StringBuilder();
        var sources = new List<(int Start, int End)>();
        int at = 0;
        foreach ((int start, int end) in matches)
        {
            Keep(at, start);
            text.Append(content);
            for (int i = 0; i < content.Length; i++) sources.Add((start, end));
            at = end;
        }
        Keep(at, segment.Text.Length);
        segment.Replace(text.ToString(), i => sources[i]);

        void Keep(int start, int end)
        {
            text.Append(segment.Text, start, end - start);
            for (int i = start; i < end; i++) sources.Add((i, i + 1));
        }
    }

    private static void Strip(Segment segment, bool left, bool right)
    {
        string text = segment.Text;
        int start = 0, end = text.Length;
        while (left && start < end && char.IsWhiteSpace(text[start])) start++;
        while (right && end > start && char.IsWhiteSpace(text[end - 1])) end--;
        if (end - start < text.Length) segment.Replace(text[start..end], i => (start + i, start + i + 1));
    }

    private static void Normalize(Segment segment, NormalizationForm form)
    {
        string text = segment.Text;
        if (Ascii.IsValid(text) || text.IsNormalized(form)) return;
        string normalized = text.Normalize(form);
        // Character by character with its marks: the first unit of a result stands for the first unit of what it was made of, and from
        // the end backwards the rest agree, so that a composed letter stands for its base letter.
        var sources = new List<(int Start, int End)>(normalized.Length);
        var again = new StringBuilder(normalized.Length);
        for (int start = 0; start < text.Length;)
        {
            int end = start + 1;
            while (end < text.Length && ContinuesCharacter(text, end)) end++;
            string part = text[start..end].Normalize(form);
            again.Append(part);
            for (int i = 0; i < part.Length; i++)
            {
                int source = i == 0 ? start : Math.Max(start, end - (part.Length - i));
                sources.Add((source, source + 1));
            }
            start = end;
        }
        bool exact = again.Equals(normalized);
        segment.Replace(normalized, i => exact ? sources[i] : (0, text.Length));
    }

    private static bool ContinuesCharacter(string text, int at)
    {
        char c = text[at];
        if (char.IsLowSurrogate(c)) return true;
        if (c is >= '\u1160' and <= '\u11FF') return true;      // Hangul vowels and finals join the syllable before them
        UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory(text, at);
        return category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
    }
}
