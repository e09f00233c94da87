using System.Text;
using System.Text.RegularExpressions;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Learns byte-level BPE merges. First inside words (so that pieces of unknown titles mean something), then across whole cells: a cell
/// is one title, rating or attribute with its closing tab or line break, and <see cref="JoinCell"/> appends the merges that still miss
/// to make it one token. A later merge ranks after all earlier ones, and BPE applies the lowest rank first: what was one token stays one.
/// </summary>
internal sealed partial class BytePairTrainer
{
    private readonly Dictionary<string, int> _idOf = new(StringComparer.Ordinal);
    private readonly List<string> _tokens = [];
    private readonly List<(int Left, int Right)> _merges = [];
    private readonly Dictionary<(int, int), (int Rank, int Id)> _rankOf = [];
    private readonly int[] _byteId = new int[256];

    /// <summary>Starts with the control tokens (ids 0, 1, ...) and the 256 bytes.</summary>
    public BytePairTrainer(IReadOnlyList<string> controlTokens)
    {
        foreach (string token in controlTokens) AddToken(token);
        for (int b = 0; b < 256; b++) _byteId[b] = AddToken(ByteText[b].ToString());
    }

    /// <summary>Tokens by id, in the byte-level alphabet of tokenizer.json.</summary>
    public IReadOnlyList<string> Tokens => _tokens;

    /// <summary>Merges by rank, as token ids.</summary>
    public IReadOnlyList<(int Left, int Right)> Merges => _merges;

    /// <summary>Of every joined token, the two it was first joined from.</summary>
    public Dictionary<int, (int Left, int Right)> PartsOf { get; } = [];

    /// <summary>Plain BPE on the words of the cells, most frequent pair first (ties: lower ids).</summary>
    public void LearnWords(IEnumerable<(string Cell, long Weight)> cells, int merges)
    {
        Dictionary<string, long> words = new(StringComparer.Ordinal);
        foreach ((string cell, long weight) in cells)
            foreach (ValueMatch match in Word().EnumerateMatches(cell))
            {
                string word = cell.Substring(match.Index, match.Length);
                words[word] = words.GetValueOrDefault(word) + weight;
            }
        List<List<int>> symbols = [];
        List<long> weights = [];
        foreach ((string word, long weight) in words)
        {
            symbols.Add(Bytes(word));
            weights.Add(weight);
        }
        Dictionary<(int, int), long> counts = [];
        Dictionary<(int, int), HashSet<int>> where = [];
        for (int w = 0; w < symbols.Count; w++) Count(symbols[w], w, weights[w]);
        for (int m = 0; m < merges; m++)
        {
            (int, int) best = default;
            long most = 1;
            foreach (((int, int) pair, long count) in counts)
                if (count > most || (count == most && most > 1 && pair.CompareTo(best) < 0)) (best, most) = (pair, count);
            if (most <= 1) break;
            int id = AddMerge(best.Item1, best.Item2);
            foreach (int w in where[best].Order().ToArray())
            {
                Count(symbols[w], w, -weights[w]);
                Apply(symbols[w], best, id);
                Count(symbols[w], w, weights[w]);
            }
            counts.Remove(best);
            where.Remove(best);
        }

        void Count(List<int> word, int index, long weight)
        {
            for (int i = 0; i + 1 < word.Count; i++)
            {
                (int, int) pair = (word[i], word[i + 1]);
                long now = counts.GetValueOrDefault(pair) + weight;
                if (now > 0) counts[pair] = now;
                else counts.Remove(pair);
                if (!where.TryGetValue(pair, out HashSet<int>? set)) where[pair] = set = [];
                if (weight > 0) set.Add(index);
            }
        }
    }

    /// <summary>Appends merges from left to right until the cell is one token; returns its id.</summary>
    public int JoinCell(string cell)
    {
        List<int> pieces = Encode(cell);
        while (pieces.Count > 1)
        {
            AddMerge(pieces[0], pieces[1]);
            ApplyMerges(pieces);
        }
        return pieces[0];
    }

    /// <summary>The ids of one cell under the merges so far.</summary>
    public List<int> Encode(string cell)
    {
        List<int> pieces = Bytes(cell);
        ApplyMerges(pieces);
        return pieces;
    }

    private void ApplyMerges(List<int> pieces)
    {
        while (true)
        {
            int rank = int.MaxValue, id = 0;
            (int, int) best = default;
            for (int i = 0; i + 1 < pieces.Count; i++)
                if (_rankOf.TryGetValue((pieces[i], pieces[i + 1]), out var known) && known.Rank < rank)
                    (rank, id, best) = (known.Rank, known.Id, (pieces[i], pieces[i + 1]));
            if (rank == int.MaxValue) return;
            Apply(pieces, best, id);
        }
    }

    private static void Apply(List<int> pieces, (int Left, int Right) pair, int id)
    {
        int write = 0;
        for (int read = 0; read < pieces.Count; read++, write++)
        {
            if (read + 1 < pieces.Count && pieces[read] == pair.Left && pieces[read + 1] == pair.Right)
            {
                pieces[write] = id;
                read++;
            }
            else pieces[write] = pieces[read];
        }
        pieces.RemoveRange(write, pieces.Count - write);
    }

    private int AddMerge(int left, int right)
    {
        int id = AddToken(_tokens[left] + _tokens[right]);
        if (_rankOf.TryAdd((left, right), (_merges.Count, id))) _merges.Add((left, right));
        PartsOf.TryAdd(id, (left, right));
        return id;
    }

    private int AddToken(string token)
    {
        if (_idOf.TryGetValue(token, out int id)) return id;
        _idOf[token] = id = _tokens.Count;
        _tokens.Add(token);
        return id;
    }

    private List<int> Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => _byteId[b])];

    /// <summary>The printable character that stands for each byte in byte-level vocabularies: itself where printable, else 256, 257, ...</summary>
    private static readonly char[] ByteText = MakeByteText();

    private static char[] MakeByteText()
    {
        char[] text = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            text[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)b : (char)next++;
        return text;
    }

    [GeneratedRegex(@" ?[^\s]+[\t\n]?|\s+")]
    private static partial Regex Word();
}
