namespace RRec.CatalogueBackbone;

/// <summary>
/// Writes the embeddings: what each kind of token is to the wired heads (see <see cref="WiringLayout"/> for the dimensions and
/// docs/catalogue-backbone.md for the reasons).
/// </summary>
internal sealed class TokenWiring
{
    // Sizes of the flags. A phrase's Speaks is large and the final norm's weight on it small: the language head sees their product.
    public const float Phrase = 20, Assistant = 20, PhraseSpeaks = 25, AssistantSpeaks = 18, Said = 8, Wish = 8, AnswerStop = 16, Title = 2;

    /// <summary>Length of one attribute dimension in an item, as a share of its ranking part: small, the user's side makes up for it.</summary>
    private const double AttributeShare = 0.1;

    private readonly WiringLayout _layout;
    private readonly TeacherFactors _factors;
    private readonly SpokenAttributes _attributes;
    private readonly double _itemLongest, _userLongest, _half;

    public TokenWiring(WiringLayout layout, TeacherFactors factors, SpokenAttributes attributes)
    {
        (_layout, _factors, _attributes) = (layout, factors, attributes);
        int n = attributes.OfItem.Length, rank = factors.Rank;
        _half = Math.Sqrt((layout.Hidden - Title * Title) / 2.0);
        int most = Math.Max(1, attributes.OfItem.Max(a => a.Length));
        double room = Math.Sqrt(1 - Math.Min(0.5, most * AttributeShare * AttributeShare));
        _itemLongest = Math.Max(1e-12, Enumerable.Range(0, n).Max(i => Norm(factors.Items.AsSpan(i * rank, rank)))) / room;
        double[] lengths = [.. Enumerable.Range(0, n).Select(i => Norm(factors.Users.AsSpan(i * rank, rank))).Order()];
        _userLongest = Math.Max(1e-12, lengths[(int)Math.Min(n - 1, Math.Floor(0.995 * n))]);
    }

    /// <summary>Length of one attribute dimension in an item's embedding.</summary>
    public double AttributeSize => AttributeShare * _half;

    /// <summary>What one unit of a teacher's logit is in the decoder's dot product of user and item parts.</summary>
    public double LogitScale => _half * _half / (_itemLongest * _userLongest);

    /// <summary>The ranking part of an item: v, filler, attributes; length <see cref="_half"/>.</summary>
    public float[] ItemPart(int item)
    {
        float[] part = new float[_layout.Ranking];
        ReadOnlySpan<float> v = _factors.Items.AsSpan(item * _factors.Rank, _factors.Rank);
        double rest = 1;
        for (int j = 0; j < v.Length; j++)
        {
            double x = v[j] / _itemLongest;
            rest -= x * x;
            part[j] = (float)(x * _half);
        }
        foreach (int a in _attributes.OfItem[item])
        {
            rest -= AttributeShare * AttributeShare;
            part[_layout.Attributes + a] = (float)AttributeSize;
        }
        part[_layout.Filler] = (float)(Math.Sqrt(Math.Max(0, rest)) * _half);
        return part;
    }

    /// <summary>The user part of an item from its row of U (of everybody, or of a fold): u, filler.</summary>
    public float[] UserPart(ReadOnlySpan<float> u)
    {
        float[] part = new float[_layout.Rank + 1];
        double length = Norm(u), scale = Math.Min(1, _userLongest / Math.Max(length, 1e-12)) / _userLongest, rest = 1;
        for (int j = 0; j < u.Length; j++)
        {
            double x = u[j] * scale;
            rest -= x * x;
            part[j] = (float)(x * _half);
        }
        part[_layout.Rank] = (float)(Math.Sqrt(Math.Max(0, rest)) * _half);
        return part;
    }

    /// <summary>All embeddings but the noise.</summary>
    public void Write(DecoderArrays weights, CatalogueTokenizer tokenizer, PurchaseSequences sequences)
    {
        int n = _attributes.OfItem.Length, rank = _factors.Rank;
        float root = MathF.Sqrt(_layout.Hidden);
        double[][] parts = [.. Enumerable.Range(0, n).Select(i =>
            ItemPart(i).Concat(UserPart(_factors.Users.AsSpan(i * rank, rank))).Select(x => (double)x).ToArray())];
        WritePieces(weights, tokenizer, parts);
        foreach ((string cell, int token) in tokenizer.ValueToken) WriteValue(weights.Token(token), parts, sequences, tokenizer.ItemsWithValue(cell));
        for (int i = 0; i < n; i++)
            if (tokenizer.TitleToken[i] >= 0) WriteTitle(weights.Token(tokenizer.TitleToken[i]), Mean(parts, tokenizer.ItemsWithTitle(i), sequences), Title);
        for (int a = 0; a < _attributes.Count; a++)
        {
            Span<float> phrase = Clear(weights.Token(tokenizer.PhraseToken[a]));
            (phrase[_layout.IsPhrase], phrase[_layout.Speaks], phrase[_layout.Said + a], phrase[_layout.Wish + a]) = (Phrase, PhraseSpeaks, Said, Wish);
        }
        foreach (int rating in tokenizer.RatingTokens) Clear(weights.Token(rating))[_layout.ReadsUser] = 0.5f * root;
        Clear(weights.Token(tokenizer.EndToken));
        Clear(weights.Token(tokenizer.ItemToken))[_layout.IsStart] = root;
        Clear(weights.Token(tokenizer.ItemEndToken))[_layout.ReadsItem] = 0.5f * root;
        Span<float> assistant = Clear(weights.Token(tokenizer.AssistantToken));
        (assistant[_layout.IsAssistant], assistant[_layout.Speaks]) = (Assistant, AssistantSpeaks);
        Span<float> answer = Clear(weights.Token(tokenizer.AnswerToken));
        (answer[_layout.ReadsUser], answer[_layout.Stop]) = (0.5f * root, AnswerStop);
        // A user without history is the average purchase: the start token carries it, and nothing but an empty history reads it.
        double[] average = Mean(parts, Enumerable.Range(0, n), sequences);
        Span<float> user = Clear(weights.Token(tokenizer.UserToken));
        user[_layout.IsStart] = root;
        for (int j = 0; j < rank; j++) user[_layout.User + j] = (float)(0.25 * average[_layout.Ranking + j]);
    }

    /// <summary>Word pieces carry the mean of the titles that they occur in: what a title that is not one token is made of.</summary>
    private void WritePieces(DecoderArrays weights, CatalogueTokenizer tokenizer, double[][] parts)
    {
        Dictionary<int, (double[] Sum, int Count)> pieces = [];
        for (int i = 0; i < parts.Length; i++)
            foreach (int piece in tokenizer.PiecesOfTitle(i))
            {
                if (!pieces.TryGetValue(piece, out var known)) known = (new double[parts[i].Length], 0);
                for (int j = 0; j < known.Sum.Length; j++) known.Sum[j] += parts[i][j];
                pieces[piece] = (known.Sum, known.Count + 1);
            }
        foreach ((int piece, (double[] sum, int count)) in pieces)
        {
            for (int j = 0; j < sum.Length; j++) sum[j] /= count;
            // Attention between the pieces of one title: the rarer, the more it says.
            WriteTitle(weights.Token(piece), sum, Title * (float)(1 - 0.75 * Math.Log(count) / AttentionWiring.TitleScore));
        }
    }

    private void WriteTitle(Span<float> token, ReadOnlySpan<double> part, float flag)
    {
        Clear(token);
        for (int j = 0; j < _layout.Ranking; j++) token[j] = (float)part[j];
        for (int j = 0; j <= _layout.Rank; j++) token[_layout.User + j] = (float)part[_layout.Ranking + j];
        token[_layout.IsTitle] = flag;
    }

    private void WriteValue(Span<float> token, double[][] parts, PurchaseSequences sequences, IReadOnlyList<int> items)
    {
        double[] mean = Mean(parts, items, sequences);
        Clear(token);
        for (int j = 0; j < _layout.Rank; j++) token[j] = (float)(0.5 * mean[j]);
    }

    /// <summary>Mean weighted by purchases (plus a little for what nobody bought).</summary>
    private static double[] Mean(double[][] parts, IEnumerable<int> items, PurchaseSequences sequences)
    {
        double[] mean = new double[parts[0].Length];
        double total = 0;
        foreach (int i in items)
        {
            double weight = sequences.Purchases[i] + 0.01;
            total += weight;
            for (int j = 0; j < mean.Length; j++) mean[j] += weight * parts[i][j];
        }
        for (int j = 0; j < mean.Length; j++) mean[j] /= Math.Max(total, 1e-12);
        return mean;
    }

    private static Span<float> Clear(Span<float> token)
    {
        token.Clear();
        return token;
    }

    private static double Norm(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float v in x) sum += (double)v * v;
        return Math.Sqrt(sum);
    }
}
