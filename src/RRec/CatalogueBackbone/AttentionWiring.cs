namespace RRec.CatalogueBackbone;

/// <summary>
/// Writes the attention of the first two layers. A detector is one index of the slow rotary pairs: the query has a value there for the
/// kind of token that reads, the key for the kind that is read, so the score does not depend on the distance. Every head that has
/// nothing to read at a token is sent to a start token, whose values are empty.
/// <list type="bullet">
/// <item>layer 0, user heads: where a user is read, sum of u over the titles, each line further back weighted less (a rotary pair that turns slowly);</item>
/// <item>layer 0, item heads: where an item is read, its title's ranking part. All that ranks without reasoning is in layer 0, all that reasons in layer 1;</item>
/// <item>layer 1, from head 3 on: while reasoning, mean attributes of the history under several decays, through the predictor into wishes (titles hold nothing
/// but their own there: in layer 0 they rest at the start token);</item>
/// <item>layer 1, head 0: what was said is not wished again; head 1: enough was said, stop; head 2: at the answer, what was said into the ranking part.</item>
/// </list>
/// </summary>
internal sealed class AttentionWiring(DecoderArrays weights, WiringLayout layout)
{
    /// <summary>Score of a title for a token that reads titles: e^21 more than any other token.</summary>
    public const double TitleScore = 21;

    private const int Head = WiringLayout.Head, TitleIndex = 15, SayIndex = 14, StartIndex = 13;
    private const double KeyValue = 3.88;

    private readonly int _d = layout.Hidden;

    /// <summary>Lengths of the embeddings that detectors meet, as RMSNorm rescales them: root(d) / |embedding|.</summary>
    private double Rescale(params double[] parts) => Math.Sqrt(_d) / Math.Sqrt(parts.Sum(x => x * x));

    private double PhraseFlag => TokenWiring.Phrase * PhraseRescale;
    private double PhraseRescale => Rescale(TokenWiring.Phrase, TokenWiring.PhraseSpeaks, TokenWiring.Said, TokenWiring.Wish);
    private double AssistantFlag => TokenWiring.Assistant * Rescale(TokenWiring.Assistant, TokenWiring.AssistantSpeaks);
    private double Root => Math.Sqrt(_d);                                                   // a token with one flag only
    private double AnswerReads => 0.5 * Root * Rescale(0.5 * Root, TokenWiring.AnswerStop);  // the answer token shares its length with Stop

    public void Layer0(double decay, int window)
    {
        FillNorms(0);
        for (int head = 0; head < layout.UserHeads; head++)
        {
            Key(0, head, TitleIndex, (layout.IsTitle, TokenWiring.Title));
            Query(0, head, TitleIndex, TitleScore, (layout.ReadsUser, AnswerReads));
            Key(0, head, StartIndex, (layout.IsStart, Root));
            Query(0, head, StartIndex, TitleScore, (layout.ReadsItem, Root), (layout.IsTitle, TokenWiring.Title));
            Key(0, head, SayIndex, (layout.IsAssistant, AssistantFlag));
            Query(0, head, SayIndex, TitleScore, (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
            Decay(0, head, decay, window);
            Copy(0, head, head * Head, layout.User, 0, layout.Rank);
        }
        for (int i = 0; i < layout.ItemHeads; i++)
        {
            int head = layout.UserHeads + i;
            Key(0, head, TitleIndex, (layout.IsTitle, TokenWiring.Title));
            Query(0, head, TitleIndex, TitleScore, (layout.ReadsItem, Root));
            Key(0, head, StartIndex, (layout.IsStart, Root));
            Query(0, head, StartIndex, TitleScore, (layout.ReadsUser, AnswerReads), (layout.IsTitle, TokenWiring.Title));
            Key(0, head, SayIndex, (layout.IsAssistant, AssistantFlag));
            Query(0, head, SayIndex, TitleScore, (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
            Copy(0, head, i * Head, 0, 0, layout.Ranking);
        }
    }

    // The mean attributes of the history, each line back weighted less, through the predictor into wishes. Where vectors are read it rests.
    private void AttributeHead(int mean, int window, AttributePredictor predictor, int bandCount, double attributeSize)
    {
        int head = WiringLayout.AttributeHead + mean, count = predictor.PreferenceBias.Length;
        Key(1, head, TitleIndex, (layout.IsTitle, TokenWiring.Title));
        Query(1, head, TitleIndex, TitleScore, (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Key(1, head, StartIndex, (layout.IsStart, Root));
        Query(1, head, StartIndex, TitleScore, (layout.ReadsUser, AnswerReads), (layout.ReadsItem, Root));
        Decay(1, head, predictor.Decays[mean], window);
        float[] v = weights.Layer(1, "self_attn.v_proj.weight"), o = weights.Layer(1, "self_attn.o_proj.weight");
        for (int a = 0; a < count; a++)
        {
            int channel = head * Head + a;
            v[channel * _d + layout.Attributes + a] = 1;
            for (int b = 0; b < count; b++)
            {
                // Every item is in exactly one popularity band, so the bands' means sum to 1 and can carry the bias.
                double preference = predictor.PreferenceWeights[mean][a * count + b] + (mean == 0 && a < bandCount ? predictor.PreferenceBias[b] : 0);
                o[(layout.Wish + b) * _d + channel] = (float)(preference / attributeSize / (TokenWiring.Wish * PhraseRescale));
            }
        }
    }

    public void Layer1(int namedAttributes, double saidStrength, int window, AttributePredictor predictor, int bandCount, double attributeSize)
    {
        FillNorms(1);
        float[] v = weights.Layer(1, "self_attn.v_proj.weight"), o = weights.Layer(1, "self_attn.o_proj.weight");
        for (int head = 0; head < WiringLayout.AttributeHead + predictor.Decays.Length; head++) ClearHead(1, head);
        for (int mean = 0; mean < predictor.Decays.Length; mean++) AttributeHead(mean, window, predictor, bandCount, attributeSize);
        // Head 0: each statement weighs 1 / (4 + number said), the 4 being the assistant token.
        Key(1, 0, TitleIndex, (layout.IsPhrase, PhraseFlag));
        Query(1, 0, TitleIndex, TitleScore, (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Key(1, 0, SayIndex, (layout.IsAssistant, AssistantFlag));
        Query(1, 0, SayIndex, TitleScore + Math.Log(4), (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Rest(0);
        // Head 2: the mean of what was said; where nothing was, the start token, at a score below the phrases' and above all others'.
        Key(1, 2, TitleIndex, (layout.IsPhrase, PhraseFlag));
        Query(1, 2, TitleIndex, TitleScore, (layout.ReadsUser, AnswerReads));
        Key(1, 2, StartIndex, (layout.IsStart, Root));
        Query(1, 2, StartIndex, 0.6 * TitleScore, (layout.ReadsUser, AnswerReads), (layout.ReadsItem, Root));
        for (int a = 0; a < SpokenAttributes.Limit; a++)
        {
            v[(2 * Head + a) * _d + layout.Said + a] = 1;
            o[(layout.Attributes + a) * _d + 2 * Head + a] = (float)(saidStrength / (TokenWiring.Said * PhraseRescale));
            v[a * _d + layout.Said + a] = 1;
            // A phrase's own embedding speaks for itself in both dimensions; both are pulled well below what any wish can reach.
            o[(layout.Said + a) * _d + a] = o[(layout.Wish + a) * _d + a] = (float)(-80 / (TokenWiring.Said * PhraseRescale));
        }
        if (namedAttributes < 1) return;
        // Head 1: the assistant token outweighs the start token from the wanted number of statements on. The score turns with the
        // distance: base + slope x sin(theta (distance - (named - 1/2))).
        int pair = 0;
        while (pair < 8 && Theta(pair) * (namedAttributes - 0.5) > 1.4) pair++;
        double theta = Theta(pair), phase = theta * (namedAttributes - 0.5), slope = 6 / theta;
        Key(1, 1, StartIndex, (layout.IsStart, Root));
        Query(1, 1, StartIndex, 0.3 * TitleScore, (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Key(1, 1, SayIndex, (layout.IsAssistant, AssistantFlag));
        Query(1, 1, SayIndex, 0.3 * TitleScore, (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Key(1, 1, pair, (layout.IsAssistant, AssistantFlag));
        Query(1, 1, pair, -slope * Math.Sin(phase), (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Query(1, 1, pair + Head / 2, -slope * Math.Cos(phase), (layout.IsPhrase, PhraseFlag), (layout.IsAssistant, AssistantFlag));
        Rest(1);
        int channel = Head;
        v[channel * _d + layout.IsAssistant] = (float)(1 / AssistantFlag);
        o[layout.Stop * _d + channel] = 50;
    }

    // A head of layer 1 that has nothing to do where vectors are read looks at the start token, whose values are empty.
    private void Rest(int head)
    {
        Key(1, head, StartIndex, (layout.IsStart, Root));
        Query(1, head, StartIndex, TitleScore, (layout.ReadsUser, AnswerReads), (layout.ReadsItem, Root));
    }

    /// <summary>The final norm: ranking and language dimensions as they are, flags nearly silent.</summary>
    public void FinalNorm()
    {
        float[] norm = weights["model.norm.weight"];
        Array.Fill(norm, 0.02f);
        for (int j = 0; j < layout.Ranking; j++) norm[j] = 1;
        for (int j = layout.Said; j < layout.IsTitle; j++) norm[j] = 1;
        norm[layout.Speaks] = 0.07f;
        norm[layout.Stop] = 0.1f;
    }

    private void FillNorms(int layer)
    {
        Array.Fill(weights.Layer(layer, "input_layernorm.weight"), 1);
        Array.Fill(weights.Layer(layer, "post_attention_layernorm.weight"), 1);
    }

    private void ClearHead(int layer, int head)
    {
        foreach (string name in new[] { "q_proj", "k_proj", "v_proj" })
        {
            weights.Layer(layer, $"self_attn.{name}.weight").AsSpan(head * Head * _d, Head * _d).Clear();
            weights.Layer(layer, $"self_attn.{name}.bias").AsSpan(head * Head, Head).Clear();
        }
        float[] o = weights.Layer(layer, "self_attn.o_proj.weight");
        for (int row = 0; row < _d; row++) o.AsSpan(row * _d + head * Head, Head).Clear();
    }

    /// <summary>At this index the key of a token with the flag at that (normalised) size is <see cref="KeyValue"/>.</summary>
    private void Key(int layer, int head, int index, (int Dimension, double Size) flag) =>
        weights.Layer(layer, "self_attn.k_proj.weight")[(head * Head + index) * _d + flag.Dimension] = (float)(KeyValue / flag.Size);

    /// <summary>Tokens with one of the flags score this much at keys that have the index.</summary>
    private void Query(int layer, int head, int index, double score, params ReadOnlySpan<(int Dimension, double Size)> flags)
    {
        foreach ((int dimension, double size) in flags)
            weights.Layer(layer, "self_attn.q_proj.weight")[(head * Head + index) * _d + dimension] = (float)(score * Math.Sqrt(Head) / KeyValue / size);
    }

    /// <summary>
    /// Biases on one rotary pair: q = (0, a), k = (a, 0) score -a^2 sin(theta x distance) / root(head), which for slow pairs is linear in
    /// the distance: a factor of decay for every line of two tokens.
    /// </summary>
    private void Decay(int layer, int head, double decay, int window)
    {
        int pair = 8;
        while (pair < 12 && Theta(pair) > 0.6 / (2 * window + 20)) pair++;
        float a = (float)Math.Sqrt(Math.Log(1 / decay) / 2 * Math.Sqrt(Head) / Theta(pair));
        weights.Layer(layer, "self_attn.q_proj.bias")[head * Head + pair + Head / 2] = a;
        weights.Layer(layer, "self_attn.k_proj.bias")[head * Head + pair] = a;
    }

    private static double Theta(int pair) => Math.Pow(1e4, -2.0 * pair / Head);

    /// <summary>Values: 32 dimensions from source + offset on; output: the same ones to target + offset on.</summary>
    private void Copy(int layer, int head, int offset, int source, int target, int length)
    {
        float[] v = weights.Layer(layer, "self_attn.v_proj.weight"), o = weights.Layer(layer, "self_attn.o_proj.weight");
        for (int j = 0; j < Head && offset + j < length; j++)
        {
            v[(head * Head + j) * _d + source + offset + j] = 1;
            o[(target + offset + j) * _d + head * Head + j] = 1;
        }
    }
}
