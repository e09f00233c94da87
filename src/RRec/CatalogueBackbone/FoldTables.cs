using RRec.Backbones;
using RRec.Data;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>
/// Against rewards that know the answer: a backbone wired from everybody's purchases has seen the training targets, so on training rows
/// the title tokens take the user parts of a teacher that was fitted without the row's user. A fold table is the difference of those
/// parts to the backbone's own, added to the input embeddings; frozen, and not part of the saved model.
/// </summary>
public sealed class FoldTables : IFrozenDelta, IDisposable
{
    private readonly Lock _gate = new();   // what is kept below changes with each question
    private readonly int[] _foldOfRow;
    private readonly int _places, _offset, _hidden;
    private Tensor _titleOfToken;   // [vocabulary] int64: 1 + the token's place among the titles, 0 for every other token
    private Tensor _differences;    // [folds * (1 + titles), width] f32; place 0 of each fold is zero
    private (int[] Rows, Tensor Start)? _asked;   // the last rows that were asked for: while they write, they are asked for at every token

    internal FoldTables(int[] foldOfRow, long[] titleOfToken, float[] differences, int places, int width, int offset, int hidden)
    {
        (_foldOfRow, _places, _offset, _hidden) = (foldOfRow, places, offset, hidden);
        _titleOfToken = tensor(titleOfToken).DetachFromDisposeScope();
        _differences = tensor(differences, [differences.Length / width, width]).DetachFromDisposeScope();
    }

    /// <summary>For every training row the fold that its user belongs to.</summary>
    public IReadOnlyList<int> FoldOfRow => _foldOfRow;

    /// <inheritdoc/>
    public Tensor? ForTokens(Tensor ids, IReadOnlyList<int> rowIndexes)
    {
        using var scope = NewDisposeScope();
        long rows = ids.shape[0], tokens = ids.shape[1];
        Tensor place;                                                                                                 // [rows, tokens]
        lock (_gate)
        {
            Follow(ids);
            place = _titleOfToken.index_select(0, ids.reshape(-1)).view(rows, tokens) + Start(rowIndexes);
        }
        Tensor difference = _differences.index_select(0, place.reshape(-1)).view(rows, tokens, -1);                   // [rows, tokens, width]
        Tensor delta = zeros([rows, tokens, _hidden], device: ids.device);
        delta.narrow(2, _offset, difference.shape[2]).copy_(difference);
        return delta.MoveToOuterDisposeScope();
    }

    // To where the backbone is.
    private void Follow(Tensor ids)
    {
        if (_differences.device_type == ids.device_type && _differences.device_index == ids.device_index) return;
        (_titleOfToken, _differences) = (Moved(_titleOfToken), Moved(_differences));
        _asked?.Start.Dispose();
        _asked = null;

        Tensor Moved(Tensor from)
        {
            Tensor to = from.to(ids.device).DetachFromDisposeScope();
            from.Dispose();
            return to;
        }
    }

    // Where each row's fold begins, [rows, 1].
    private Tensor Start(IReadOnlyList<int> rowIndexes)
    {
        if (_asked is { } asked && asked.Rows.AsSpan().SequenceEqual(rowIndexes as int[] ?? [.. rowIndexes])) return asked.Start;
        _asked?.Start.Dispose();
        int[] rows = [.. rowIndexes];
        Tensor start = HostTensors.Long([.. rows.Select(r => (long)_foldOfRow[r] * _places)], _differences.device, rows.Length, 1).DetachFromDisposeScope();
        _asked = (rows, start);
        return start;
    }

    /// <summary>Size and a hash of which row is in which fold: checkpoints are told apart by it.</summary>
    public override string ToString()
    {
        byte[] hash = System.Security.Cryptography.SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(_foldOfRow));
        return $"{nameof(FoldTables)} of {_differences.shape[0] / _places} folds, {_places - 1} titles, rows {Convert.ToHexStringLower(hash)[..16]}";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _titleOfToken.Dispose();
        _differences.Dispose();
        _asked?.Start.Dispose();
    }

    /// <summary>Every user's fold, the same for the same seed and order of users.</summary>
    internal static int[] FoldOfUser(int users, int folds, int seed)
    {
        int[] fold = [.. Enumerable.Range(0, users).Select(u => u % Math.Max(1, folds))];
        new Random(seed + 5).Shuffle(fold);
        return fold;
    }

    internal static FoldTables Create(IReadOnlyList<PurchaseRow> rows, PurchaseSequences sequences, int[] foldOfUser, TokenWiring wiring,
        WiringLayout layout, CatalogueTokenizer tokenizer, TeacherFactors factors, IReadOnlyList<float[]> foldUsers)
    {
        int n = sequences.ItemCount, rank = factors.Rank, width = layout.Rank + 1;
        // Titles that are one token; items that share a token share its mean, as in the backbone.
        int[] items = [.. Enumerable.Range(0, n).Where(i => tokenizer.TitleToken[i] >= 0).DistinctBy(i => tokenizer.TitleToken[i])];
        long[] titleOfToken = new long[tokenizer.VocabularySize];
        for (int p = 0; p < items.Length; p++) titleOfToken[tokenizer.TitleToken[items[p]]] = p + 1;
        float[] differences = new float[(long)foldUsers.Count * (items.Length + 1) * width];
        for (int fold = 0; fold < foldUsers.Count; fold++)
            for (int p = 0; p < items.Length; p++)
            {
                Span<float> difference = differences.AsSpan((fold * (items.Length + 1) + p + 1) * width, width);
                IReadOnlyList<int> sharing = tokenizer.ItemsWithTitle(items[p]);
                double total = sharing.Sum(i => sequences.Purchases[i] + 0.01);
                foreach (int i in sharing)
                {
                    float[] own = wiring.UserPart(factors.Users.AsSpan(i * rank, rank)), left = wiring.UserPart(foldUsers[fold].AsSpan(i * rank, rank));
                    float weight = (float)((sequences.Purchases[i] + 0.01) / total);
                    for (int j = 0; j < width; j++) difference[j] += weight * (left[j] - own[j]);
                }
            }
        int[] foldOfRow = [.. rows.Select(r => foldOfUser[sequences.UserOf(r)])];
        return new FoldTables(foldOfRow, titleOfToken, differences, items.Length + 1, width, layout.User, layout.Hidden);
    }
}
