using System.Text.Json;
using Microsoft.ML.Tokenizers;
using RRec.Text.Tokenization;
using RRec.Weights;

namespace RRec.Text;

/// <summary>
/// A Hugging Face <c>tokenizer.json</c> of the BPE kind: byte-level (Qwen, Llama 3, SmolLM2) or over characters with byte fallback (Gemma,
/// Llama 2, Mistral). Ids, tokens and texts are those of the Hugging Face library. What the file asks for and this class lacks is refused
/// by name when it is read. Safe to use from several threads.
/// </summary>
/// <remarks>
/// <para>The members inherited from ML.NET's <see cref="Tokenizer"/> take plain strings and recognise added tokens anywhere in them, as the
/// library does; they add no BOS. For text that holds titles or anything else from outside use <see cref="EncodePrompt"/>, which keeps
/// data and control apart.</para>
/// <para>Deviations from the library: the file's truncation and padding are ignored; added tokens with <c>normalized: true</c> are looked
/// for in the text as it was given; lone surrogates, which the library cannot see, count as U+FFFD.</para>
/// </remarks>
public sealed partial class HuggingFaceTokenizer : Tokenizer
{
    private const long MaxFileBytes = 512L << 20;

    private readonly Vocabulary _vocabulary;
    private readonly AddedTokens _added;
    private readonly Normalizers _normalizers;
    private readonly PreTokenizers _preTokenizers;
    private readonly BpeModel _model;
    private readonly PostProcessor _postProcessor;
    private readonly Decoders _decoders;

    private HuggingFaceTokenizer(byte[] json, JsonPlace root)
    {
        SourceJson = json;
        JsonPlace model = root.Get("model");
        if (model.Find("type") is { } type && type.Text() != "BPE")
            throw type.Wrong($"the model '{type.Text()}' is not supported; supported is BPE");
        JsonPlace? added = root.Find("added_tokens");
        JsonPlace vocabulary = model.Get("vocab");
        if (vocabulary.Element.ValueKind != JsonValueKind.Object) throw vocabulary.Wrong("an object of token and id is needed");
        int expected = vocabulary.Element.GetPropertyCount() + (added?.Items().Count() ?? 0);

        _vocabulary = new Vocabulary(vocabulary, expected);
        _added = new AddedTokens(added, _vocabulary);
        _normalizers = new Normalizers(root.Find("normalizer"));
        _preTokenizers = new PreTokenizers(root.Find("pre_tokenizer"));
        _model = new BpeModel(model, _vocabulary, _preTokenizers.IsByteLevel, _added.IsControl);
        _postProcessor = new PostProcessor(root.Find("post_processor"), _vocabulary);
        _decoders = new Decoders(root.Find("decoder"));
        Normalizer = _normalizers.IsEmpty ? null : new NormalizerView(_normalizers);
        PreTokenizer = new PreTokenizerView(_preTokenizers);
    }

    /// <summary>The number of tokens, added ones included. Ids may have gaps: see <see cref="IdLimit"/>.</summary>
    public int VocabularySize => _vocabulary.Count;

    /// <summary>One more than the highest id. A model's output can be wider still: its extra ids decode to nothing.</summary>
    public int IdLimit => _vocabulary.IdLimit;

    /// <summary>The bytes of the tokenizer.json this was read from, to keep with a model.</summary>
    public ReadOnlyMemory<byte> SourceJson { get; }

    /// <summary>The file's normalizer, or null.</summary>
    public override Normalizer? Normalizer { get; }

    /// <summary>The file's pre-tokenizer. Where it also rewrites text, the pieces are places in the rewritten text.</summary>
    public override PreTokenizer? PreTokenizer { get; }

    /// <summary>Reads a tokenizer.json, the one in a folder, or the one that a GGUF file's metadata amount to.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is malformed, or asks for something that is not supported; names file and place.</exception>
    public static HuggingFaceTokenizer Load(string folderOrTokenizerJson)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrTokenizerJson);
        if (GgufFile.Is(folderOrTokenizerJson))
        {
            using GgufFile gguf = GgufFile.Open(folderOrTokenizerJson);
            return Parse(GgufTokenizer.ToJson(gguf), folderOrTokenizerJson);
        }
        string file = Directory.Exists(folderOrTokenizerJson) ? Path.Combine(folderOrTokenizerJson, "tokenizer.json") : folderOrTokenizerJson;
        var info = new FileInfo(file);
        if (!info.Exists)
            throw new FileNotFoundException($"There is no tokenizer at {file}; a Hugging Face folder with a tokenizer.json is needed.", file);
        if (info.Length > MaxFileBytes)
            throw new InvalidDataException($"{file} has {info.Length:N0} bytes; a tokenizer.json of more than {MaxFileBytes >> 20} MB is not read.");
        return Parse(File.ReadAllBytes(file), file);
    }

    /// <summary>Reads the bytes of a tokenizer.json, e.g. from a zip.</summary>
    /// <param name="tokenizerJson">The file's bytes, in UTF-8.</param>
    /// <param name="sourceName">What to call it in messages.</param>
    /// <exception cref="InvalidDataException">It is malformed, or asks for something that is not supported; names source and place.</exception>
    public static HuggingFaceTokenizer Parse(ReadOnlySpan<byte> tokenizerJson, string sourceName)
    {
        byte[] bytes = tokenizerJson.ToArray();
        ReadOnlyMemory<byte> json = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new HuggingFaceTokenizer(bytes, new JsonPlace(document.RootElement, sourceName, "$"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{sourceName}: not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>The id of a token by its text in the vocabulary, or -1.</summary>
    public int TokenToId(string token) => _vocabulary.IdOf(token);

    /// <summary>The text of a token in the vocabulary, or null.</summary>
    public string? IdToToken(int id) => _vocabulary.TokenOf(id);

    /// <summary>Whether an id is a special token: left out in decoding where special tokens are skipped.</summary>
    public bool IsSpecial(int id) => _added.IsSpecial(id);

    /// <summary>Whether an id steers the model (special tokens, and other added ones that look like a marker), and so never comes from data.</summary>
    public bool IsControl(int id) => _added.IsControl(id);

    /// <summary>Encodes a plain string; added tokens are recognised anywhere in it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the file's template is put around it, e.g. a BOS.</param>
    public int[] Encode(string text, bool addSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sink = new TokenSink(withLengths: false);
        EncodeText(text, [], sink, null, Everything);
        return addSpecialTokens ? [.. _postProcessor.Before, .. sink.Ids, .. _postProcessor.After] : sink.Ids.ToArray();
    }

    /// <summary>
    /// Encodes a prompt as one string; added tokens are recognised only in its control parts, and no id that steers the model comes out of
    /// a data part. No BOS is added: a chat format writes its own.
    /// </summary>
    public int[] EncodePrompt(PromptText text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sink = new TokenSink(withLengths: false);
        EncodeText(text.ToString(), text.DataSpans, sink, null, Everything);
        return sink.Ids.ToArray();
    }

    /// <summary>As <see cref="EncodePrompt"/>, with the place of every token in the prompt.</summary>
    public EncodedPrompt EncodePromptWithOffsets(PromptText text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sink = new TokenSink(withLengths: true);
        var offsets = new TokenOffsets();
        EncodeText(text.ToString(), text.DataSpans, sink, offsets, Everything);
        return new EncodedPrompt(sink.Ids.ToArray(), [.. offsets.Starts], [.. offsets.Ends]);
    }

    /// <summary>The text of ids. Ids that no token has are left out; incomplete characters come out as U+FFFD.</summary>
    public string DecodeIds(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
            if (_vocabulary.TokenOf(id) is { } token && !(skipSpecialTokens && _added.IsSpecial(id))) tokens.Add(token);
        return _decoders.Decode(tokens);
    }

    /// <summary>A decoder for ids that come one by one.</summary>
    public IncrementalDecoder CreateDecoder(bool skipSpecialTokens = true) => new(_decoders, id =>
        _vocabulary.TokenOf(id) is { } token && !(skipSpecialTokens && _added.IsSpecial(id)) ? token : null);
}
