using System.Globalization;
using System.Text;

namespace RRec.Text.Tokenization;

/// <summary>
/// The tokens that are recognised in the text before anything else happens to it: <c>&lt;|im_end|&gt;</c> and its like. Leftmost, and of
/// several the longest. In data none is recognised, except those that are nothing but white space and not special (Gemma has one for
/// every run of line breaks or blanks): they steer nothing, and without them ordinary texts would get other ids.
/// </summary>
internal sealed class AddedTokens
{
    private sealed record Token(int Id, int Length, bool SingleWord, bool StripLeft, bool StripRight, bool Harmless);

    // A trie: node 0 is the root.
    private readonly List<Dictionary<char, int>> _children = [[]];
    private readonly List<Token?> _tokens = [null];
    private readonly HashSet<int> _control = [];
    private readonly HashSet<int> _special = [];
    private System.Buffers.SearchValues<char> _firsts = System.Buffers.SearchValues.Create("");

    /// <summary>
    /// Whether an id must never come from data: special tokens, and others that look like a marker. Added tokens that are plain words stay
    /// ordinary vocabulary: merges may lead to them.
    /// </summary>
    public bool IsControl(int id) => _control.Contains(id);

    /// <summary>Whether an id is left out when special tokens are skipped in decoding.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>Reads the list; tokens that the vocabulary lacks are added to it.</summary>
    public AddedTokens(JsonPlace? place, Vocabulary vocabulary)
    {
        if (place is not { } list) return;
        foreach (JsonPlace item in list.Items())
        {
            string content = item.Get("content").Text();
            int id = item.Get("id").Int32();
            int known = vocabulary.IdOf(content);
            if (known < 0) vocabulary.AddToken(content, id, item);
            else if (known != id)
                throw item.Wrong($"the added token {Vocabulary.Quote(content)} has the id {id} here and {known} in the vocabulary");
            bool special = item.Flag("special", false);
            bool harmless = !special && content.All(c => char.IsWhiteSpace(c) || c == BpeModel.Blank);
            if (special) _special.Add(id);
            if (special || (!harmless && LooksLikeMarker(content))) _control.Add(id);
            if (content.Length == 0) continue;
            bool alone = item.Flag("single_word", false), left = item.Flag("lstrip", false), right = item.Flag("rstrip", false);
            Insert(content, new Token(id, content.Length, alone, left, right, harmless));
        }
        _firsts = System.Buffers.SearchValues.Create(_children[0].Keys.ToArray());
    }

    /// <summary>
    /// The next added token at or after a place.
    /// </summary>
    /// <param name="text">The whole text.</param>
    /// <param name="from">Where to begin looking.</param>
    /// <param name="data">The data parts; tokens that steer must not touch them.</param>
    /// <param name="next">The index of the first data part that ends after <paramref name="from"/>; moves on with the search.</param>
    /// <returns>Its id and the [start, end) it takes; an id of -1 where there is none.</returns>
    public (int Id, int Start, int End) Next(ReadOnlySpan<char> text, int from, IReadOnlyList<(int Start, int End)> data, ref int next)
    {
        for (int at = from; at < text.Length; at++)
        {
            int skip = text[at..].IndexOfAny(_firsts);
            if (skip < 0) break;
            at += skip;
            while (next < data.Count && data[next].End <= at) next++;
            int limit = next < data.Count ? Math.Max(at, data[next].Start) : text.Length;    // inside a data part: no room at all
            if (Longest(text, at, limit) is not { } token) continue;
            int start = at, end = at + token.Length;
            if (token.SingleWord && !StandsAlone(text, start, end))
            {
                at = end - 1;       // the library goes on behind a match that it rejects
                continue;
            }
            while (token.StripLeft && start > from && char.IsWhiteSpace(text[start - 1])) start--;
            while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end])) end++;
            return (token.Id, start, end);
        }
        return (-1, text.Length, text.Length);
    }

    private Token? Longest(ReadOnlySpan<char> text, int at, int limit)
    {
        Token? best = null;
        int node = 0;
        for (int i = at; i < text.Length && _children[node].TryGetValue(text[i], out node); i++)
            if (_tokens[node] is { } token && (token.Harmless || i < limit)) best = token;
        return best;
    }

    private void Insert(string content, Token token)
    {
        int node = 0;
        foreach (char c in content)
        {
            if (!_children[node].TryGetValue(c, out int child))
            {
                child = _children.Count;
                _children.Add([]);
                _tokens.Add(null);
                _children[node].Add(c, child);
            }
            node = child;
        }
        _tokens[node] = token;
    }

    private static bool LooksLikeMarker(string content) =>
        content.Length > 1 && content.Any(c => !char.IsLetterOrDigit(c) && !char.IsWhiteSpace(c) && c is not (BpeModel.Blank or '\'' or '-'));

    private static bool StandsAlone(ReadOnlySpan<char> text, int start, int end)
    {
        Rune.DecodeLastFromUtf16(text[..start], out Rune before, out int unitsBefore);
        Rune.DecodeFromUtf16(text[end..], out Rune after, out int unitsAfter);
        return !(unitsBefore > 0 && IsWordCharacter(before)) && !(unitsAfter > 0 && IsWordCharacter(after));
    }

    // What \w means: letters, marks, digits, connectors, and the two invisible joiners.
    private static bool IsWordCharacter(Rune rune) => rune.Value is 0x200C or 0x200D || Rune.GetUnicodeCategory(rune) is
        <= UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;
}
