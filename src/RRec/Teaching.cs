using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.RecPO;

namespace RRec;

/// <summary>
/// What a catalogue backbone's makers know besides the model (teachers, fold tables), kept as long as a model that came from it may be trained on. It is not saved.
/// Models that continue one another share it; the last one to be disposed lets it go.
/// </summary>
internal sealed class Teaching(CatalogueBackboneGuide guide, IReadOnlyList<PurchaseRow> train)
{
    private readonly string _rows = Fingerprint.Hash(train);
    private int _owners = 1;

    public CatalogueBackboneGuide Guide => guide;

    /// <summary>Whether these are the rows that it was made from: fold tables go by a row's position.</summary>
    public bool Fits(IReadOnlyList<PurchaseRow> rows) => Fingerprint.Hash(rows) == _rows;

    public Teaching Share()
    {
        Interlocked.Increment(ref _owners);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _owners) == 0) guide.Dispose();
    }
}
