using System.Text.Json;

namespace RRec.Text.Tokenization;

/// <summary>Tokens by id and ids by token: the model's own vocabulary and, later, the added tokens.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private readonly int _limit;
    private readonly HashSet<int> _addedOnly = [];
    private string?[] _tokens;

    /// <param name="vocabulary">The object of token and id.</param>
    /// <param name="expected">About how many tokens there will be in all; ids far beyond that are refused, so memory follows the file's size.</param>
    public Vocabulary(JsonPlace vocabulary, int expected)
    {
        if (vocabulary.Element.ValueKind != JsonValueKind.Object) throw vocabulary.Wrong("an object of token and id is needed");
        _ids = new Dictionary<string, int>(expected, StringComparer.Ordinal);
        _bySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _tokens = new string?[expected];
        _limit = Math.Max(1 << 20, expected > 1 << 27 ? 1 << 30 : expected * 8);
        foreach (JsonProperty entry in vocabulary.Element.EnumerateObject())
        {
            string token;
            try
            {
                token = entry.Name;
            }
            catch (InvalidOperationException)
            {
                throw vocabulary.Wrong("a token is not valid Unicode");
            }
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id))
                throw vocabulary.Wrong($"the id of {Quote(token)} is not a 32-bit whole number");
            Add(token, id, vocabulary);
        }
    }

    /// <summary>How many tokens there are.</summary>
    public int Count => _ids.Count;

    /// <summary>One more than the highest id.</summary>
    public int IdLimit { get; private set; }

    public string? TokenOf(int id) => (uint)id < (uint)IdLimit ? _tokens[id] : null;

    /// <summary>The id of a token, or -1.</summary>
    public int IdOf(ReadOnlySpan<char> token) => _bySpan.TryGetValue(token, out int id) ? id : -1;

    /// <summary>The id of a token of the model's own vocabulary, or -1.</summary>
    public int ModelIdOf(ReadOnlySpan<char> token) => _bySpan.TryGetValue(token, out int id) && !_addedOnly.Contains(id) ? id : -1;

    /// <summary>Adds a token that the model's own vocabulary lacks.</summary>
    public void AddToken(string token, int id, JsonPlace place)
    {
        Add(token, id, place);
        _addedOnly.Add(id);
    }

    private void Add(string token, int id, JsonPlace place)
    {
        if (id < 0 || id >= _limit) throw place.Wrong($"the id {id} of {Quote(token)} is out of range; ids from 0 to {_limit - 1} are accepted for a file of this size");
        if (id >= _tokens.Length) Array.Resize(ref _tokens, Math.Min(_limit, Math.Max(id + 1, _tokens.Length * 2)));
        if (_tokens[id] is { } other) throw place.Wrong($"the id {id} is given twice, to {Quote(other)} and {Quote(token)}");
        if (!_ids.TryAdd(token, id)) throw place.Wrong($"the token {Quote(token)} occurs twice, with ids {_ids[token]} and {id}");
        _tokens[id] = token;
        IdLimit = Math.Max(IdLimit, id + 1);
    }

    public static string Quote(string token) => token.Length <= 60 ? $"'{token}'" : $"'{token[..60]}...'";
}
