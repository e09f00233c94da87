using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet;

/// <summary>The source's cursor under the wider schema, for passes that want none of the model's columns.</summary>
internal sealed class PassThroughCursor(DataViewRowCursor source, ScoringSchema schema, bool[] active) : DataViewRowCursor
{
    public override DataViewSchema Schema => schema.Output;

    public override long Position => source.Position;

    public override long Batch => source.Batch;

    public override bool MoveNext() => source.MoveNext();

    public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < active.Length && active[column.Index];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column)) throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' was not asked for when the cursor was made.");
        return source.GetGetter<TValue>(schema.Input[column.Index]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) source.Dispose();
        base.Dispose(disposing);
    }
}
