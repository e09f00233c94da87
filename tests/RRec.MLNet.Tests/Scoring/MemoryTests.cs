using Microsoft.ML;
using Microsoft.ML.Data;

namespace RRec.MLNet.Tests;

public class MemoryTests
{
    [Fact]
    public void Scoring_needs_memory_for_a_batch_and_not_for_the_rows()
    {
        MLContext ml = new(seed: 1);
        long few = Peak(5_000), many = Peak(60_000);
        Assert.True(many - few < 10_000_000, $"{few} bytes live with 5,000 rows, {many} with 60,000");

        // The most that is alive at any of ten places of the pass.
        long Peak(int rows)
        {
            R2ecTransformer model = Rows.Transformer(ml, FakeRecommender.Of(11), batch: 256);
            IDataView scored = model.Transform(ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(n => Rows.Make(n, 11))));
            using DataViewRowCursor cursor = scored.GetRowCursor(scored.Schema);
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = cursor.GetGetter<VBuffer<ReadOnlyMemory<char>>>(scored.Schema["PredictedItems"]);
            VBuffer<ReadOnlyMemory<char>> items = default;
            long peak = 0;
            for (int n = 0; cursor.MoveNext(); n++)
            {
                getter(ref items);
                if (n % (rows / 10) == rows / 20) peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
            }

            return peak;
        }
    }
}
