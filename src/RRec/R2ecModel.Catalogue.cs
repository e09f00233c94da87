using RRec.Data;
using RRec.Ranking;
using static TorchSharp.torch;

namespace RRec;

// Life with a catalogue that changes: the weights stay, the item table follows.
public sealed partial class R2ecModel
{
    /// <summary>
    /// This model over another catalogue. It shares the weights; only items that are new or whose title or attributes changed are encoded, the others keep
    /// their vectors. An item never seen in training is recommendable at once. This model stays as it is; either may be disposed first.
    /// </summary>
    /// <param name="catalogue">The new items, in any order.</param>
    /// <param name="progress">Told about encoded items; may be null.</param>
    /// <param name="cancel">Stops between batches.</param>
    public R2ecModel WithCatalogue(Catalogue catalogue, IProgress<R2ecProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ItemTable old = Items;
        bool sameWords = catalogue.Category == Catalogue.Category && catalogue.CategoryPlural == Catalogue.CategoryPlural;
        int[] from = [.. catalogue.Items.Select(item => sameWords && Catalogue.IndexOf(item.Id) is var i and >= 0 && Same(Catalogue.Items[i], item) ? i : -1)];
        R2ecModel made;
        using (NewDisposeScope())
        using (no_grad())
        {
            // Rows that are encoded below hold row 0 until then. [items, hidden]
            Tensor rows = tensor([.. from.Select(i => (long)Math.Max(i, 0))], device: Backbone.Device);
            made = new R2ecModel(Backbone, Tokenizer, Chat, Prompts, catalogue, Settings, old.Vectors.index_select(0, rows)) { _owners = _owners.Share() };
        }

        try
        {
            made.Items.Refresh([.. Enumerable.Range(0, from.Length).Where(i => from[i] < 0)], progress, cancel);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private static bool Same(CatalogueItem a, CatalogueItem b) =>
        a.Title == b.Title && a.Attributes.Count == b.Attributes.Count
        && a.Attributes.Zip(b.Attributes).All(p => p.First.Label == p.Second.Label && p.First.Values.SequenceEqual(p.Second.Values, StringComparer.Ordinal));

    /// <summary>Counts the models that share a backbone; the last one disposes it.</summary>
    private sealed class Owners
    {
        private int _count = 1;

        public Owners Share()
        {
            Interlocked.Increment(ref _count);
            return this;
        }

        public bool Release() => Interlocked.Decrement(ref _count) == 0;
    }
}
