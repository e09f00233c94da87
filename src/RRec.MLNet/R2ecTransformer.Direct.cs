using System.Runtime.CompilerServices;
using Microsoft.ML;
using RRec.Data;

namespace RRec.MLNet;

// What ML.NET's surface has no place for: an answer while it is written, and a catalogue that changes.
public sealed partial class R2ecTransformer
{
    /// <summary>Answers one user and hands the reasoning out as it is written; the last piece brings the items.</summary>
    /// <param name="history">What the user bought.</param>
    /// <param name="k">How many items; null: the transformer's K.</param>
    /// <param name="cancellationToken">Stops before the next token. Leaving the loop stops too.</param>
    /// <exception cref="ArgumentException">Items is null, or ratings or times are not one per item.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async IAsyncEnumerable<ReasoningChunk> RecommendAsync(PurchaseHistory history, int? k = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(history);
        if (k is { } wanted) ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1, nameof(k));
        UserHistory row = ToRow(history);
        RecommendRequest request = new() { K = Math.Min(k ?? _scorer.Options.K, Engine.Catalogue.Count) };
        Catalogue catalogue = Engine.Catalogue;
        await foreach (RecommendationChunk chunk in Engine.RecommendAsync(row, request, cancellationToken).ConfigureAwait(false))
        {
            RecommendedItem[]? items = chunk.Answer is { } answer
                ? [.. answer.Items.Select((index, i) => new RecommendedItem(catalogue.Items[index].Id, catalogue.Items[index].Title, answer.Scores[i]))]
                : null;
            yield return new ReasoningChunk(chunk.Text, items);
        }
    }

    /// <summary>
    /// This model over another catalogue: only items that are new or have changed are encoded; new ones are recommendable at once, those that are gone
    /// never appear. The weights are shared, and this transformer stays as it is.
    /// </summary>
    /// <param name="items">All items that can be recommended from now on, with the columns that the trainer's options named.</param>
    /// <param name="progress">Told about encoded items; may be null.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a wrong type.</exception>
    /// <exception cref="ArgumentException">No items, a row without id, or an id twice.</exception>
    public R2ecTransformer WithItems(IDataView items, IProgress<R2ecProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        Catalogue old = Engine.Catalogue;
        Catalogue catalogue = CatalogueReader.Read(items, _scorer.Options.ItemColumns, old.Category, old.CategoryPlural);
        return new R2ecTransformer(_host, Engine.WithCatalogue(catalogue, progress, cancellationToken), _scorer.Options) { BackboneStorage = BackboneStorage };
    }

    private UserHistory ToRow(PurchaseHistory history)
    {
        if (history.Items is null) throw new ArgumentException("Items is null; a user without purchases has an empty list.", nameof(history));
        Check(history.Ratings?.Count, nameof(PurchaseHistory.Ratings));
        Check(history.Times?.Count, nameof(PurchaseHistory.Times));
        int[] indexes = [.. history.Items.Select(id => _scorer.Index.Find(id))];
        int[] known = [.. Enumerable.Range(0, indexes.Length).Where(i => indexes[i] >= 0)];
        return new UserHistory(
            known.Select(i => indexes[i]).ToArray(),
            history.Ratings is { } ratings ? known.Select(i => ratings[i] * _scorer.Options.RatingFactor).ToArray() : default,
            history.Times is { } times ? known.Select(i => times[i].ToUnixTimeMilliseconds()).ToArray() : default,
            history.Now?.ToUnixTimeMilliseconds());

        void Check(int? count, string name)
        {
            if (count is { } n && n != history.Items.Count) throw new ArgumentException($"{name} has {n} entries but the history has {history.Items.Count} items; one per item is needed.", nameof(history));
        }
    }
}
