using System.Numerics;

namespace Microsoft.ML.Data;

/// <summary>
/// The rows whose number in [0, 1) lies in an interval, or outside of it. The number is a row's place in a fixed random sequence (then both
/// sides must read the rows in the same order, so this view does not shuffle) or comes from a column's value, so that equal values stay together.
/// </summary>
internal sealed class SplitView(IDataView source, uint seed, DataViewSchema.Column? key, double min, double max, bool outside) : SameColumnsView(source)
{
    public override bool CanShuffle => key is not null && base.CanShuffle;

    public override long? GetRowCount() => null;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = Schema.Mask(columnsNeeded);
        DataViewRowCursor input = Source.GetRowCursor(Schema.Where(c => active[c.Index] || c.Index == key?.Index), CanShuffle ? rand : null);
        return new Cursor(input, active, this);
    }

    private Func<double> Numbers(DataViewRow row)
    {
        if (key is not { } column)
        {
            var random = new SplitRandom(seed);
            return () => random.NextSingle();
        }
        return Generic.Call<Func<double>>(typeof(SplitView), nameof(Hash), null, column.Type.RawType, row, column, seed);
    }

    private static Func<double> Hash<T>(DataViewRow row, DataViewSchema.Column column, uint seed)
    {
        ValueGetter<T> get = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            get(ref value);
            uint hash = SplitRandom.Mix(seed, 0);
            // The text of a value is the same in every process, which its hash code is not.
            foreach (char c in FormattableString.Invariant($"{value}")) hash = SplitRandom.Mix(hash, c);
            return SplitRandom.Mix(hash, 1) / 4294967296.0;
        };
    }

    private sealed class Cursor(DataViewRowCursor input, bool[] active, SplitView parent) : FilterCursor(input, active)
    {
        private readonly Func<double> _number = parent.Numbers(input);

        protected override bool Accept()
        {
            double number = _number();
            return (number >= parent.MinValue && number < parent.MaxValue) != parent.Outside;
        }
    }

    private double MinValue => min;
    private double MaxValue => max;
    private bool Outside => outside;
}

/// <summary>
/// The generator that decides which row goes to which part: three Tausworthe steps and a linear congruential one, combined (GPU Gems 3, chapter 37).
/// A split by seed picks the same rows as the published assembly.
/// </summary>
internal sealed class SplitRandom
{
    private uint _a, _b, _c, _d;

    public SplitRandom(uint seed)
    {
        _a = seed;
        _b = Mix(_a, _a);
        _c = Mix(_b, _a);
        _d = Mix(_c, _a);
    }

    /// <summary>In [0, 1), of 23 bits.</summary>
    public float NextSingle()
    {
        _a = Tausworthe(_a, 13, 19, 12, 1);
        _b = Tausworthe(_b, 2, 25, 4, 7);
        _c = Tausworthe(_c, 3, 11, 17, 15);
        _d = 1664525 * _d + 1013904223;
        return ((_a ^ _b ^ _c ^ _d) >> 9) / (float)(1 << 23);
    }

    /// <summary>One round of MurmurHash3.</summary>
    public static uint Mix(uint hash, uint value) =>
        BitOperations.RotateLeft(hash ^ (BitOperations.RotateLeft(value * 0xCC9E2D51, 15) * 0x1B873593), 13) * 5 + 0xE6546B64;

    private static uint Tausworthe(uint z, int left, int right, int shift, uint dropped) => ((z & ~dropped) << shift) ^ (((z << left) ^ z) >> right);
}
