using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using RRec.Data;

namespace RRec.CatalogueBackbone;

/// <summary>
/// The tokenizer of a catalogue backbone and what the wiring must know about it: which token is which title, and which word pieces a
/// title is made of. Written as an ordinary byte-level tokenizer.json: merges only, plus the control tokens.
/// </summary>
internal sealed class CatalogueTokenizer
{
    private readonly BytePairTrainer _trainer;

    private readonly Dictionary<string, List<int>> _itemsOfTitle = new(StringComparer.Ordinal), _itemsOfValue = new(StringComparer.Ordinal);
    private readonly string[] _titleCells;

    private CatalogueTokenizer(BytePairTrainer trainer, Catalogue catalogue, string[] titleCells)
    {
        (_trainer, _titleCells) = (trainer, titleCells);
        for (int i = 0; i < titleCells.Length; i++)
        {
            Add(_itemsOfTitle, titleCells[i], i);
            foreach (string cell in catalogue.Items[i].Attributes.SelectMany(a => a.Values).Select(CatalogueText.ValueCell).Distinct()) Add(_itemsOfValue, cell, i);
        }
        static void Add(Dictionary<string, List<int>> lists, string key, int item)
        {
            if (!lists.TryGetValue(key, out List<int>? list)) lists[key] = list = [];
            list.Add(item);
        }
    }

    public int VocabularySize => _trainer.Tokens.Count;

    /// <summary>Per item: the token of its title cell, or -1 where the vocabulary's limit left it in pieces.</summary>
    public required int[] TitleToken { get; init; }

    /// <summary>Tokens of the rating cells that occur in the log, the neutral one included.</summary>
    public required IReadOnlyList<int> RatingTokens { get; init; }

    /// <summary>Per spoken attribute: its token in a reasoning.</summary>
    public required int[] PhraseToken { get; init; }

    /// <summary>Item attribute values (as they stand in an item's text) and their tokens.</summary>
    public required IReadOnlyDictionary<string, int> ValueToken { get; init; }

    /// <summary>The token of <c>&lt;answer&gt;</c>.</summary>
    public required int AnswerToken { get; init; }

    public int EndToken => 0;
    public int UserToken => 1;
    public int AssistantToken => 2;
    public int ItemToken => 3;
    public int ItemEndToken => 4;

    /// <summary>The ids of one cell.</summary>
    public List<int> Encode(string cell) => _trainer.Encode(cell);

    /// <summary>Items with this item's title: itself, and others that cannot be told apart by their title.</summary>
    public IReadOnlyList<int> ItemsWithTitle(int item) => _itemsOfTitle[_titleCells[item]];

    /// <summary>Items with an attribute value.</summary>
    public IReadOnlyList<int> ItemsWithValue(string cell) => _itemsOfValue[cell];

    /// <summary>The tokens that an item's title is made of, at every level of joining, less the one that is the whole title.</summary>
    public IReadOnlyCollection<int> PiecesOfTitle(int item)
    {
        HashSet<int> found = [];
        Stack<int> open = new(_trainer.Encode(_titleCells[item]));
        while (open.TryPop(out int token))
        {
            if (!found.Add(token) || !_trainer.PartsOf.TryGetValue(token, out (int Left, int Right) parts)) continue;
            open.Push(parts.Left);
            open.Push(parts.Right);
        }
        found.Remove(TitleToken[item]);
        return found;
    }

    public static CatalogueTokenizer Train(Catalogue catalogue, PurchaseSequences sequences, IReadOnlyList<string> phrases, CatalogueBackboneOptions options)
    {
        BytePairTrainer trainer = new(CatalogueText.ControlTokens);
        string[] titles = [.. catalogue.Items.Select(item => CatalogueText.TitleCell(item.Title))];
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        for (int i = 0; i < catalogue.Count; i++)
            foreach (string value in catalogue.Items[i].Attributes.SelectMany(a => a.Values))
                values[CatalogueText.ValueCell(value)] = values.GetValueOrDefault(CatalogueText.ValueCell(value)) + 1 + sequences.Purchases[i];
        string[] ratings = [.. sequences.Ratings.SelectMany(r => r).Where(float.IsFinite).Distinct().Order()
            .Select(r => CatalogueText.RatingCell(r)).Append(CatalogueText.RatingCell(null)).Distinct().Take(200)];

        trainer.LearnWords(titles.Select((cell, i) => (cell, 1L + sequences.Purchases[i])).Concat(values.Select(v => (v.Key, v.Value))), options.WordMerges);
        int answer = trainer.JoinCell(CatalogueText.Answer);
        int[] ratingTokens = [.. ratings.Select(trainer.JoinCell)];
        int[] phraseTokens = [.. phrases.Select(trainer.JoinCell)];
        // Free text (descriptions) also comes as attribute values: only values that recur and are short become one token.
        Dictionary<string, int> valueTokens = new(StringComparer.Ordinal);
        foreach ((string cell, long weight) in values.Where(v => v.Key.Length <= 60 && v.Value >= 3).OrderByDescending(v => v.Value).ThenBy(v => v.Key, StringComparer.Ordinal))
        {
            if (trainer.Tokens.Count >= options.MaxVocabulary / 2) break;
            valueTokens[cell] = trainer.JoinCell(cell);
        }
        int[] titleTokens = new int[catalogue.Count];
        Array.Fill(titleTokens, -1);
        foreach (int item in Enumerable.Range(0, catalogue.Count).OrderByDescending(i => sequences.Purchases[i]))
        {
            if (trainer.Tokens.Count >= options.MaxVocabulary) break;
            titleTokens[item] = trainer.JoinCell(titles[item]);
        }
        return new CatalogueTokenizer(trainer, catalogue, titles)
        {
            TitleToken = titleTokens,
            RatingTokens = ratingTokens,
            PhraseToken = phraseTokens,
            ValueToken = valueTokens,
            AnswerToken = answer,
        };
    }

    /// <summary>tokenizer_config.json.</summary>
    public const string ConfigJson = """
        {
          "tokenizer_class": "PreTrainedTokenizerFast",
          "clean_up_tokenization_spaces": false,
          "model_max_length": 4096,
          "eos_token": "<|end|>",
          "pad_token": "<|end|>",
          "chat_template": "{% for message in messages %}{% if message['role'] == 'user' %}{{ message['content'] }}{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
        }
        """;

    /// <summary>tokenizer.json.</summary>
    public byte[] TokenizerJson()
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            json.WriteStartArray("added_tokens");
            for (int id = 0; id < CatalogueText.ControlTokens.Length; id++)
            {
                json.WriteStartObject();
                json.WriteNumber("id", id);
                json.WriteString("content", CatalogueText.ControlTokens[id]);
                foreach (string flag in new[] { "single_word", "lstrip", "rstrip", "normalized" }) json.WriteBoolean(flag, false);
                json.WriteBoolean("special", true);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteNull("normalizer");
            json.WritePropertyName("pre_tokenizer");
            json.WriteRawValue(JsonSerializer.Serialize(new
            {
                type = "Sequence",
                pretokenizers = new object[]
                {
                    new { type = "Split", pattern = new { Regex = CatalogueText.CellPattern }, behavior = "Isolated", invert = false },
                    new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = false },
                },
            }));
            json.WriteNull("post_processor");
            json.WritePropertyName("decoder");
            json.WriteRawValue("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""");
            json.WriteStartObject("model");
            json.WriteString("type", "BPE");
            foreach (string absent in new[] { "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix" }) json.WriteNull(absent);
            foreach (string flag in new[] { "fuse_unk", "byte_fallback", "ignore_merges" }) json.WriteBoolean(flag, false);
            json.WriteStartObject("vocab");
            for (int id = 0; id < _trainer.Tokens.Count; id++) json.WriteNumber(_trainer.Tokens[id], id);
            json.WriteEndObject();
            json.WriteStartArray("merges");
            foreach ((int left, int right) in _trainer.Merges) json.WriteStringValue($"{_trainer.Tokens[left]} {_trainer.Tokens[right]}");
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
