using System.Text;

namespace RRec.Generation;

/// <summary>
/// Watches one row's text for the beginning of the answer, whatever tokens spell it: the text may be split anywhere or merged with the
/// characters before it, so text is searched, and the match is traced back to the token in which it begins.
/// </summary>
internal sealed class StopDetector(Func<int, string> append, string stopText, int[] answerIds)
{
    private readonly StringBuilder _text = new();
    private readonly List<int> _starts = [];   // where each token's text begins
    private readonly List<int> _ids = [];

    /// <summary>The sampled ids so far.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Adds a token; returns the index of the token in which the answer begins, or -1 while there is none.</summary>
    public int Append(int id)
    {
        _ids.Add(id);
        _starts.Add(_text.Length);
        _text.Append(append(id));
        if (stopText.Length > 0 && Find() is int at and >= 0)
        {
            int token = _starts.Count - 1;
            while (_starts[token] > at) token--;
            return token;
        }
        // An answer made of special tokens may decode to nothing: then its ids tell.
        return EndsWithAnswer() ? _ids.Count - answerIds.Length : -1;
    }

    // Only what the last token can have completed.
    private int Find()
    {
        int from = Math.Max(0, _starts[^1] - stopText.Length + 1), last = _text.Length - stopText.Length;
        for (int i = from; i <= last; i++)
        {
            int j = 0;
            while (j < stopText.Length && _text[i + j] == stopText[j]) j++;
            if (j == stopText.Length) return i;
        }
        return -1;
    }

    private bool EndsWithAnswer()
    {
        if (answerIds.Length == 0 || _ids.Count < answerIds.Length) return false;
        for (int i = 1; i <= answerIds.Length; i++)
            if (_ids[^i] != answerIds[^i]) return false;
        return true;
    }
}
